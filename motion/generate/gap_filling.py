"""``GapFiller``: the language model writes what happens in a gap, and it is made to fit there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, cast, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motion.conditioners import TextEncoder
from motion.errors import RequestError
from motion.generate.cleanup import foot_lock
from motion.generate.finishing import GENERATED_FEET, Finisher, contacts_of
from motion.generate.gap_view import BODY_PARTS, CodesOf, GapView, Opening, view_gap
from motion.generate.keeping import splice
from motion.generate.meeting import (
    Features,
    MeetingConfig,
    arrival,
    mean_features,
    met,
    miss,
    pose_miss,
    takeover,
)
from motion.generate.poses import Poses, bridged, placed
from motion.generate.requests import MOST_CANDIDATES, check_seed, check_text, spread_seeds
from motion.generate.writer import Clock, Ranking, Rows
from motion.language import DecodingEngine, SamplingConfig, StepRequest
from motion.representation import (
    FPS,
    NUM_BODY_JOINTS,
    NUM_JOINTS,
    PARTS,
    Motion,
    foot_contact,
    join_motions,
)
from motion.tasks.prompts import paraphrases

Choice = Literal["auto", "mean", "nearest", "text", "first", "greedy"]
"""Which of several motions a gap gets: their mean, the one that arrives nearest to the end, the one
nearest to the text in the shared space, the first that was sampled, or the likeliest; ``auto``: the
mean in short gaps, else the nearest, or by the text where there is no end."""
MEAN_SECONDS = 2.0
"""Up to this length ``auto`` takes the mean, whose joint error is the least; in longer gaps a
lively motion is worth more: of validation clips, with gaps of 4 s, the mean errs by 15 % less than
the nearest, but its frames are 2.4 times as far from true ones (Frechet distance)."""
LOCK_FRAMES = 60
"""Frames of either side that are seen when feet are locked."""
KEPT_GUIDANCE = 1.0
"""Guidance without a text: the instruction says the same of every gap."""


@dataclass(frozen=True, kw_only=True)
class FillWish:
    """How gaps are filled."""

    text: str | None = None
    """What happens in the gap; None: whatever leads on."""
    seed: int = 0
    """Same motions and seed, same result."""
    candidates: int = 4
    """Motions that are sampled, beside the likeliest one."""
    choose: str = "auto"
    """What becomes of them; one of ``Choice``."""
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    """How codes are chosen."""
    keep: Motion | None = None
    """Frames of the gap whose other parts stay as they are."""
    parts: tuple[str, ...] = BODY_PARTS
    """Parts to make; others are those of ``keep``, or interpolated."""
    foot_lock: bool = True
    """Keep planted feet from sliding."""
    meeting: MeetingConfig = field(default_factory=MeetingConfig)
    """How what was written is fitted to both sides."""

    def choice(self, opening: Opening) -> Choice:
        """What ``auto`` stands for in a gap."""
        if self.choose != "auto":
            return cast(Choice, self.choose)
        if opening.end is None and self.text is not None:
            return "text"
        if opening.num_frames <= MEAN_SECONDS * FPS:
            return "mean"
        return "first" if opening.end is None else "nearest"

    def __post_init__(self) -> None:
        """Say in one sentence what is wrong."""
        check_text(self.text)
        if not 1 <= self.candidates <= MOST_CANDIDATES:
            raise RequestError(
                f"candidates must lie between 1 and {MOST_CANDIDATES}, got {self.candidates}"
            )
        if self.choose not in get_args(Choice):
            raise RequestError(
                f"choose must be one of {', '.join(get_args(Choice))}, got '{self.choose}'"
            )
        check_seed(self.seed)
        strange = [part for part in self.parts if part not in BODY_PARTS]
        if strange or not self.parts:
            raise RequestError(
                f"a gap is filled with the parts {' and '.join(BODY_PARTS)}, got "
                f"{', '.join(self.parts) or 'none'}"
            )
        if set(self.parts) != set(BODY_PARTS) and self.keep is None:
            raise RequestError("to make some parts anew, give the motion whose other parts to keep")
        if self.keep is not None and set(self.parts) == set(BODY_PARTS):
            raise RequestError("with a motion to keep, name the parts to make anew, e.g. upper")


@dataclass(frozen=True, kw_only=True)
class Filled:
    """Frames that were made for a gap."""

    motion: Motion
    """Frames of the gap."""
    end: Motion | None
    """What comes behind it, where it belongs."""
    miss_metres: float | None
    """Mean distance of the joints from the end's first frame where the written motion came to by
    itself; None without an end, or if the end was put there."""
    trust: float
    """Share of the written motion far from both sides; the rest is interpolated."""


@dataclass(frozen=True)
class GapFiller:
    """Writes what happens between two motions, or after one."""

    engine: DecodingEngine
    text_encoder: TextEncoder
    finisher: Finisher
    codes_of: CodesOf
    ranking: Ranking

    @property
    def frames_per_step(self) -> int:
        """Frames of a step of the model."""
        return self.finisher.tokenizer.frames_per_code

    def fill(self, opening: Opening, wish: FillWish, clock: Clock) -> Filled:
        """Make the frames of a gap.

        Args:
            opening: The gap and its sides.
            wish: How.
            clock: Counts CPU seconds.

        Raises:
            RequestError: The motion to keep does not have the frames of the gap.
        """
        if wish.keep is not None:
            _check_keep(wish.keep, opening.num_frames)
        with clock.stage("encode"):
            view = view_gap(opening, self.codes_of, self.frames_per_step)
            forced = self._forced(opening, wish, view)
        written = self._written(view, wish, forced, opening, clock)
        with clock.stage("decode"):
            drawn = [self._features(view, rows, opening) for rows in written]
        return self.fit(drawn, opening, wish, clock)

    def fit(
        self, drawn: Sequence[Features], opening: Opening, wish: FillWish, clock: Clock
    ) -> Filled:
        """Choose among written motions and make the choice continue both sides.

        Args:
            drawn: Features of each, from the last frame before the gap to the first after it.
            opening: The gap and its sides.
            wish: How.
            clock: Counts CPU seconds.
        """
        with clock.stage("meet"):
            start, end = opening.start, opening.end
            choice, missed, trust = wish.choice(opening), None, 1.0
            chosen = _chosen(drawn, opening, choice)
            if end is not None:
                arrived = arrival(chosen, start)
                if opening.roams:
                    end = placed(end, arrived.root)
                else:
                    missed = miss(arrived, end)
                if choice == "mean":
                    trust = wish.meeting.trust(pose_miss(arrived, end))
            motion = _between(chosen, start, end, wish.meeting, trust)
        if wish.foot_lock and "lower" in wish.parts:
            with clock.stage("foot_lock"):
                contacts = contacts_of(chosen)[1 : motion.num_frames + 1]
                motion = lock_made(motion, contacts, start, end)
        if wish.keep is not None:
            motion = splice(motion, wish.keep, wish.parts)
        return Filled(motion=motion, end=end, miss_metres=missed, trust=trust)

    def _written(
        self,
        view: GapView,
        wish: FillWish,
        forced: Mapping[int, Int[Tensor, " _"]],
        opening: Opening,
        clock: Clock,
    ) -> list[Rows]:
        """Steps of the gap, the likeliest first."""
        task = "motion_prediction" if opening.end is None else "motion_inbetweening"
        with clock.stage("text"):
            condition = self.text_encoder.encode([wish.text or paraphrases(task)[0]])
        streams = self.engine.model.vocabulary.streams
        first = StepRequest(
            num_steps=view.num_steps,
            before=view.before,
            ending=view.ending,
            goal=view.goal,
            forced=forced,
            streams=frozenset(i for i, s in enumerate(streams) if s.part in BODY_PARTS),
        )
        sampling = wish.sampling
        if wish.text is None:
            sampling = replace(sampling, guidance=KEPT_GUIDANCE)
        choice, found = wish.choice(opening), []
        if choice not in ("text", "first") or sampling.temperature == 0:
            greedy = replace(sampling, temperature=0.0)
            found = self.engine.generate(condition, [first], greedy, clock.stage)
        if choice == "greedy" or sampling.temperature == 0:
            return found
        seeds = spread_seeds(wish.seed, 1 if choice == "first" else wish.candidates)
        requests = [replace(first, seed=seed) for seed in seeds]
        rows = condition.rows(torch.zeros(len(requests), dtype=torch.long))
        found = found + self.engine.generate(rows, requests, sampling, clock.stage)
        if choice != "text" or len(found) == 1:
            return found
        with clock.stage("ranking"):
            return [found[self.ranking(found, condition)]]

    def _forced(
        self, opening: Opening, wish: FillWish, view: GapView
    ) -> dict[int, Int[Tensor, " _"]]:
        """Codes of the parts that are kept, by stream, seen with what is given around them."""
        if wish.keep is None:
            return {}
        pieces = [view.seen, wish.keep]
        if opening.end is not None:
            pieces.append(opening.end.frames(0, view.tail))
        kept = frozenset(BODY_PARTS) - set(wish.parts)
        codes = self.codes_of(replace(join_motions(pieces), parts=kept))
        steps = codes[len(view.before) : len(view.before) + view.num_steps]
        streams = enumerate(self.engine.model.vocabulary.streams)
        return {index: steps[:, index] for index, stream in streams if stream.part in kept}

    def _features(self, view: GapView, rows: Rows, opening: Opening) -> Features:
        """From the last frame before the gap to the first one after it, decoded with both sides."""
        sides = [] if view.ending is None else [view.ending]
        decoded = self.finisher.features(torch.cat([view.before, rows, *sides]))
        first = view.first_frame - 1
        last = first + opening.num_frames + 1 + len(sides)
        return {name: values[first:last] for name, values in decoded.items()}


def _check_keep(keep: Motion, num_frames: int) -> None:
    if keep.fps != FPS or keep.num_frames != num_frames:
        raise RequestError(
            f"the motion to keep must have the gap's {num_frames} frames at {FPS} fps, got "
            f"{keep.num_frames} at {keep.fps:g}; cut it or change the seconds"
        )


def _chosen(drawn: Sequence[Features], opening: Opening, choice: Choice) -> Features:
    if choice == "mean":
        return mean_features(drawn)
    end = opening.end
    if choice != "nearest" or end is None or opening.roams:  # nothing to be near to
        return drawn[0]
    misses = [miss(arrival(one, opening.start), end) for one in drawn]
    return drawn[misses.index(min(misses))]


def _between(
    written: Features, start: Motion, end: Motion | None, config: MeetingConfig, trust: float
) -> Motion:
    """The written motion of the body, met with both sides, over interpolation of the rest."""
    poses = met(written, start, end, config)
    count = len(poses.position)
    smooth = bridged(start, end, count)
    share = takeover(count, config, trust, ends=end is not None)
    columns = [0, *(joint for part in BODY_PARTS for joint in PARTS[part].joint_indices)]
    joints = torch.zeros(count, NUM_JOINTS)
    joints[:, columns] = share[:, None]
    blended = Poses.of(smooth).blended(poses, joints, share)
    return blended.motion(smooth, smooth.expression, parts=smooth.parts | frozenset(BODY_PARTS))


def lock_made(
    motion: Motion, contacts: Float[Tensor, "T 4"], start: Motion, end: Motion | None = None
) -> Motion:
    """Made frames with planted feet at rest; given frames hold still.

    Args:
        motion: What was made.
        contacts: How sure the model is that each foot joint is planted in it, 0 to 1.
        start: Given motion before it.
        end: Given motion after it.
    """
    count = motion.num_frames
    sides = [start.frames(max(0, start.num_frames - LOCK_FRAMES), start.num_frames)]
    pieces = [*sides, motion]
    if end is not None:
        pieces.append(end.frames(0, LOCK_FRAMES))
    each = [contacts if one is motion else _measured(one) for one in pieces]
    held = torch.cat([torch.full((one.num_frames,), one is not motion) for one in pieces])
    whole = foot_lock(join_motions(pieces), torch.cat(each), GENERATED_FEET, held=held)
    first = sides[0].num_frames
    locked = whole.frames(first, first + count)
    return replace(locked, parts=motion.parts)


def _measured(given: Motion) -> Float[Tensor, "T 4"]:
    return foot_contact(given.joints(NUM_BODY_JOINTS)).float()
