"""What comes back when gaps are filled, and what may be asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict

from motion.body import BodyModel
from motion.errors import RequestError
from motion.generate.gap_filling import Choice, Filled, FillWish
from motion.generate.meeting import MeetingConfig
from motion.generate.requests import LONGEST_SECONDS, GenerationResult
from motion.generate.writer import Clock
from motion.language import SamplingConfig
from motion.representation import FPS, PART_NAMES, Motion, join_motions, num_frames_of

SEEN_FRAMES = 4 * FPS
"""More than the steps that the model sees, and than what foot locking looks at."""
GENERATED = "generated: "
"""How the source of a made motion begins."""


class GapWish(TypedDict, total=False):
    """How a gap is filled; None is the same as left out."""

    candidates: int | None
    """Motions that are sampled; if left out 4, or with a text to go on by as ``generate`` does."""
    choose: Choice | None
    """What becomes of them."""
    keep: Motion | None
    """Frames of the gap whose other parts stay."""
    parts: list[str] | tuple[str, ...] | None
    """Parts to make anew; only with ``keep``."""
    foot_lock: bool | None
    """Keep planted feet from sliding; True if left out."""
    sampling: SamplingConfig | None
    """How codes are chosen; the checkpoint's own if left out. The next two change it."""
    temperature: float | None
    """Variety; 0 is greedy."""
    guidance: float | None
    """How strictly the text is followed."""
    meeting: MeetingConfig | None
    """How what was written is fitted to both sides."""


def fill_wish(
    text: str | None, seed: int, sampling: SamplingConfig, wish: Mapping[str, Any]
) -> FillWish:
    """Check what a user gives and fill in defaults.

    Raises:
        RequestError: It is not possible; the message says why.
    """
    given = {name: value for name, value in wish.items() if value is not None}
    changes = {n: float(given.pop(n)) for n in ("temperature", "guidance") if n in given}
    sampling = replace(given.pop("sampling", sampling), **changes)
    if "parts" in given:
        given["parts"] = tuple(given["parts"])
    return FillWish(text=text, seed=seed, sampling=sampling, **given)


def check_gap_wish(wish: Mapping[str, Any]) -> None:
    """Refuse what ``extend`` and ``inbetween`` would refuse whatever the motions and weights are.

    Raises:
        RequestError: It is not possible; the message says why.
    """
    rest = dict(wish)
    gap_frames(rest.pop("seconds"))
    fill_wish(rest.pop("text", None), rest.pop("seed", 0), SamplingConfig(), rest)


@dataclass(frozen=True, kw_only=True)
class GapReport:
    """One gap of a result."""

    first_frame: int
    """In the result."""
    num_frames: int
    miss_metres: float | None
    """How far from the end the model's own motion came to, before it was led there: mean over the
    joints. None where there was no end to be met."""
    trust: float
    """Share of the model's motion far from both sides; the rest is interpolated."""


@dataclass(frozen=True, kw_only=True)
class GapResult(GenerationResult):
    """Given motions and what was made between or behind them."""

    gaps: tuple[GapReport, ...]
    """Frames that were made; all others are the given ones."""


def gap_frames(seconds: float) -> int:
    """Frames of a gap: round(seconds x fps).

    Raises:
        RequestError: Less than a frame, or longer than what is made at once.
    """
    if not 0 < seconds <= LONGEST_SECONDS or num_frames_of(float(seconds), FPS) < 1:
        raise RequestError(
            f"seconds must lie between {1 / FPS:.3f} (one frame) and {LONGEST_SECONDS:g}, "
            f"got {seconds:g}"
        )
    return num_frames_of(float(seconds), FPS)


def alike(motions: list[Motion]) -> list[Motion]:
    """The same motions with hands told in one way: where they differ, from the flat hand."""
    if len({motion.flat_hand_mean for motion in motions}) == 1:
        return motions
    body = BodyModel.load()
    return [body.with_flat_hands(motion) for motion in motions]


def latest(pieces: Sequence[Motion]) -> Motion:
    """The last frames of some motions in a row: all that anything looks at."""
    chosen: list[Motion] = []
    for piece in reversed(pieces):
        chosen.insert(0, piece)
        if sum(one.num_frames for one in chosen) >= SEEN_FRAMES:
            break
    whole = join_motions(chosen)
    return whole.frames(max(0, whole.num_frames - SEEN_FRAMES), whole.num_frames)


def report(filled: Filled, first_frame: int) -> GapReport:
    """What a result says of a gap."""
    return GapReport(
        first_frame=first_frame,
        num_frames=filled.motion.num_frames,
        miss_metres=filled.miss_metres,
        trust=filled.trust,
    )


def gap_result(
    pieces: Sequence[Motion], reports: Sequence[GapReport], wish: FillWish, clock: Clock
) -> GapResult:
    """Put given and made frames together."""
    motion = join_motions(list(pieces))
    title = wish.text or pieces[0].source.removeprefix(GENERATED)
    return GapResult(
        motion=replace(motion, source=f"{GENERATED}{title}"),
        text=title,
        seed=wish.seed,
        timings=clock.seconds,
        parts=tuple(name for name in PART_NAMES if name in wish.parts),
        gaps=tuple(reports),
    )
