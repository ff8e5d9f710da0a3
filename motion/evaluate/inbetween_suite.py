"""How well gaps in held-out clips are filled: against the truth, and against simple baselines.

Of every clip one window is cut: a start of up to 2.4 s, the gap, an end of up to 1.6 s. All systems
fill the same gaps; they are compared clip by clip (``motion.evaluate.paired``).
Axes: N windows; D features of a frame.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from motion.data import PreparedCorpus
from motion.errors import RequestError
from motion.evaluate.distribution_metrics import frechet_distance
from motion.evaluate.foot_metrics import foot_metrics
from motion.evaluate.inbetween_baselines import constant_velocity, hold_last, straight
from motion.evaluate.paired import (
    PairedResult,
    PairedScores,
    compare_sets,
    compare_systems,
    with_verdicts,
)
from motion.evaluate.trajectory_metrics import ade, fde, jerk, mpjpe
from motion.generate.poses import bridged
from motion.geometry import yaw_of_matrix, yaw_to_matrix
from motion.representation import FPS, NUM_BODY_JOINTS, Motion, join_motions, num_frames_of

GapTask = Literal["inbetweening", "prediction"]
STEP_FRAMES = 6
"""Frames of a step of the default weights: starts and ends are cut to whole ones."""
START_FRAMES, END_FRAMES = (24, 72), (12, 48)
"""Fewest and most."""
SEAM_FRAMES = 3
"""Frames on either side of a seam whose third differences reach over it."""
FID_DIM = 24
"""Principal axes of the frame features: few enough for the frames of some dozen gaps."""
FID_RESAMPLES = 100
"""Enough for a verdict at 5 % among four metrics; each costs two matrix roots."""


@dataclass(frozen=True, kw_only=True)
class HeldOutGap:
    """A window of a clip."""

    clip_id: str
    start: Motion
    truth: Motion
    """Frames of the gap, hidden from all systems."""
    end: Motion

    @property
    def num_frames(self) -> int:
        """Of the gap."""
        return self.truth.num_frames


System = Callable[[HeldOutGap], Motion]
"""Fills a gap without looking at the truth."""


@dataclass(frozen=True, kw_only=True)
class GapScores:
    """Figures of one system, one entry a window; lower is better."""

    ade: Float[Tensor, " N"]
    """Mean distance of the 22 body joints in the world, metres."""
    fde: Float[Tensor, " N"]
    """The same of the gap's last frame."""
    mpjpe: Float[Tensor, " N"]
    """Mean joint distance with both roots at the origin, metres."""
    seam_jerk: Float[Tensor, " N"]
    """Mean jerk where the gap meets given frames, over that of the truth there."""
    skate: Float[Tensor, " N"]
    """Share of the gap's frames in which a foot on the floor moves faster than 0.5 m/s."""


def cut_windows(
    corpora: Sequence[PreparedCorpus], split: str, seconds: float, count: int, seed: int = 0
) -> list[HeldOutGap]:
    """Cut one window of each clip that is long enough, equally many of each corpus if there are.

    Args:
        corpora: Prepared corpora.
        split: Of the clips.
        seconds: Length of the gap.
        count: Windows in all, at most.
        seed: Of clips and places.

    Raises:
        RequestError: No clip is long enough.
    """
    generator = torch.Generator().manual_seed(seed)
    gap = num_frames_of(seconds, FPS)
    rows = []
    for corpus in corpora:
        members = [i for i in corpus.select(split) if _sizes(corpus.clips[i].num_frames, gap)]
        order = torch.randperm(len(members), generator=generator).tolist()
        rows.append([(corpus, members[place]) for place in order])
    shares = _shares([len(row) for row in rows], count)
    chosen = [pair for row, share in zip(rows, shares, strict=True) for pair in row[:share]]
    if not chosen:
        raise RequestError(f"no '{split}' clip is long enough for a gap of {seconds:g} s")
    return [_window(corpus, index, gap, generator) for corpus, index in chosen]


def systems_of(fill: System, task: GapTask) -> dict[str, System]:
    """The system to be measured and the baselines of its task, by name."""
    if task == "prediction":
        return {
            "model": fill,
            "hold last pose": lambda gap: hold_last(gap.start, gap.num_frames),
            "constant velocity": lambda gap: constant_velocity(gap.start, gap.num_frames),
            "fading velocity": lambda gap: bridged(gap.start, None, gap.num_frames),
        }
    return {
        "model": fill,
        "hold last pose": lambda gap: hold_last(gap.start, gap.num_frames),
        "linear and slerp": lambda gap: straight(gap.start, gap.end, gap.num_frames),
        "smooth bridge": lambda gap: bridged(gap.start, gap.end, gap.num_frames),
    }


def fill_all(system: System, windows: Sequence[HeldOutGap]) -> list[Motion]:
    """Fill every gap.

    Raises:
        RequestError: A system gave another number of frames.
    """
    made = [system(window) for window in windows]
    for window, motion in zip(windows, made, strict=True):
        if motion.num_frames != window.num_frames:
            raise RequestError(
                f"{window.clip_id}: expected {window.num_frames} frames, got {motion.num_frames}"
            )
    return made


def score(windows: Sequence[HeldOutGap], made: Sequence[Motion], task: GapTask) -> GapScores:
    """Measure what one system made."""
    rows = [_scores(window, motion, task) for window, motion in zip(windows, made, strict=True)]
    return GapScores(**{f.name: torch.tensor([r[f.name] for r in rows]) for f in fields(GapScores)})


def gap_fid(windows: Sequence[HeldOutGap], made: Sequence[Motion]) -> float:
    """Frechet distance of the frames in all gaps to the true ones (see ``frame_features``)."""
    truth, axes = _basis(windows)
    return frechet_distance(_rows(made) @ axes, truth).value


def frame_features(motion: Motion) -> Float[Tensor, "T D"]:
    """Positions and velocities of the body joints in each frame's own heading, root at the origin.

    Metres and metres a second; the root's own velocity takes the place of its position.
    """
    joints = motion.joints(NUM_BODY_JOINTS)
    back = yaw_to_matrix(-yaw_of_matrix(motion.local_matrix(1)[:, 0]))
    speed = torch.diff(joints, dim=0, append=2 * joints[-1:] - joints[-2:-1]) * motion.fps
    places = joints - joints[:, :1]
    turned = [torch.einsum("tij,tnj->tni", back, rows) for rows in (places[:, 1:], speed)]
    return torch.cat([rows.flatten(1) for rows in turned], dim=1)


def compare(
    windows: Sequence[HeldOutGap],
    scores: Mapping[str, GapScores],
    made: Mapping[str, Sequence[Motion]],
    other: str,
    *,
    with_fid: bool,
) -> tuple[PairedResult, ...]:
    """Compare a baseline with the model, paired by clip; p values are corrected together.

    Args:
        windows: The gaps.
        scores: Of every system; one is called ``model``.
        made: What every system made.
        other: Name of the baseline.
        with_fid: Compare the Frechet distance, too.
    """
    prompts = tuple(window.clip_id for window in windows)
    pairs = [
        PairedScores(
            metric=f.name,
            better="lower",
            first=getattr(scores[other], f.name),
            second=getattr(scores["model"], f.name),
            prompts=prompts,
        )
        for f in fields(GapScores)
        if f.name in ("ade", "fde", "mpjpe")
    ]
    results = list(compare_systems(pairs))
    if with_fid:
        truth, axes = _basis(windows)
        first, second = (_by_window(made[name], axes) for name in (other, "model"))
        results.append(
            compare_sets(
                "fid",
                "lower",
                first,
                second,
                lambda rows: frechet_distance(rows.reshape(-1, FID_DIM), truth).value,
                resamples=FID_RESAMPLES,
            )
        )
    return with_verdicts(results, names=(other, "model"))


def _sizes(available: int, gap: int) -> tuple[int, int] | None:
    """Frames of start and end around a gap; None where a clip is too short."""
    spare = available - gap
    end = min(END_FRAMES[1], max(END_FRAMES[0], spare * 2 // 5 // STEP_FRAMES * STEP_FRAMES))
    start = min(START_FRAMES[1], (spare - end) // STEP_FRAMES * STEP_FRAMES)
    return (start, end) if start >= START_FRAMES[0] else None


def _shares(available: Sequence[int], count: int) -> list[int]:
    """How many windows each corpus gives: equally many, the rest from those that have more."""
    shares = [0] * len(available)
    for _ in range(min(count, sum(available))):
        open_ = [i for i, share in enumerate(shares) if share < available[i]]
        shares[min(open_, key=lambda i: shares[i])] += 1
    return shares


def _window(corpus: PreparedCorpus, index: int, gap: int, generator: torch.Generator) -> HeldOutGap:
    record = corpus.clips[index]
    sizes = _sizes(record.num_frames, gap)
    assert sizes is not None
    start, end = sizes
    spare = record.num_frames - start - gap - end
    first = int(torch.randint(spare + 1, (), generator=generator))
    motion = corpus.motion(index, first, first + start + gap + end)
    return HeldOutGap(
        clip_id=f"{record.corpus}/{record.clip_id}",
        start=motion.frames(0, start),
        truth=motion.frames(start, start + gap),
        end=motion.frames(start + gap, start + gap + end),
    )


def _scores(window: HeldOutGap, made: Motion, task: GapTask) -> dict[str, float]:
    truth = window.truth.joints(NUM_BODY_JOINTS)
    found = made.joints(NUM_BODY_JOINTS)
    return {
        "ade": ade(found, truth),
        "fde": fde(found, truth),
        "mpjpe": mpjpe(found, truth),
        "seam_jerk": _seam_jerk(window, made, task) / _seam_jerk(window, window.truth, task),
        "skate": foot_metrics(made).skate_ratio,
    }


def _seam_jerk(window: HeldOutGap, made: Motion, task: GapTask) -> float:
    """Mean jerk over the seams, m/s3."""
    pieces = [window.start, made, *([window.end] if task == "inbetweening" else [])]
    joints = join_motions([_plain(piece) for piece in pieces]).joints(NUM_BODY_JOINTS)
    seams = [window.start.num_frames, window.start.num_frames + made.num_frames][: len(pieces) - 1]
    rows = [jerk(joints[seam - SEAM_FRAMES : seam + SEAM_FRAMES], FPS) for seam in seams]
    return sum(rows) / len(rows)


def _plain(motion: Motion) -> Motion:
    return Motion.from_full_pose(motion.full_pose, motion.transl)


def _rows(made: Sequence[Motion]) -> Float[Tensor, "M D"]:
    return torch.cat([frame_features(motion) for motion in made]).double()


def _by_window(made: Sequence[Motion], axes: Float[Tensor, "D E"]) -> Float[Tensor, "N F"]:
    return torch.stack([(frame_features(motion).double() @ axes).flatten() for motion in made])


def _basis(
    windows: Sequence[HeldOutGap],
) -> tuple[Float[Tensor, "M E"], Float[Tensor, "D E"]]:
    """The true frames on their principal axes, and those axes."""
    rows = _rows([window.truth for window in windows])
    axes = torch.linalg.svd(rows - rows.mean(0), full_matrices=False).Vh[:FID_DIM].T
    return rows @ axes, axes


def as_table(values: GapScores) -> dict[str, Any]:
    """Means of all figures, for JSON."""
    return {f.name: float(getattr(values, f.name).mean()) for f in fields(GapScores)}
