"""How smooth a composed motion is where its segments meet, beside how smooth it is inside them.

Jerk is the norm of the third difference of positions, averaged over the 22 body joints, as in
``trajectory_metrics.jerk``. A seam's window is its transition with the frames on either side whose
differences reach into it; it is compared with all windows of the same length that touch no seam.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from motion.errors import RequestError
from motion.representation import NUM_BODY_JOINTS, Motion

SIDE_FRAMES = 3
"""Frames on either side of a transition in its window: a third difference spans four."""
JERK_BAR = 1.5
"""A seam should be no rougher than this times the median inside segments."""
ROOT_SLACK = 1.5
"""A root that jumps at a seam moves or turns further in a frame than this times the most inside."""
LEAST_JERK = 0.01
"""m/s^3; of a body that stands still, so that a ratio to it stays a number."""
_CHUNK = 1000
"""Frames worked on together: bounds the memory of long motions."""


@dataclass(frozen=True, kw_only=True)
class Seam:
    """One seam."""

    start_frame: int
    stop_frame: int
    """The transition; the frame after its last one."""
    jerk: float
    """Mean in the seam's window, m/s3."""
    jerk_ratio: float
    """To the median mean of equal windows inside segments."""
    peak_ratio: float
    """The window's largest jerk, to the median largest of equal windows inside segments."""
    root_step: float
    """Longest way of the root from one frame to the next, metres."""
    root_turn: float
    """Largest turn of the root from one frame to the next, radians."""


@dataclass(frozen=True, kw_only=True)
class SeamReport:
    """All seams of a motion."""

    seams: tuple[Seam, ...]
    inside_jerk: float
    """Median of the mean jerk of windows inside segments, m/s3."""
    inside_root_step: float
    """Longest way of the root from frame to frame inside segments, metres."""
    inside_root_turn: float
    """Largest turn of the root from frame to frame inside segments, radians."""

    @property
    def median_jerk_ratio(self) -> float:
        """Of all seams; the bar is ``JERK_BAR``."""
        return median(seam.jerk_ratio for seam in self.seams) if self.seams else 0.0

    @property
    def worst_jerk_ratio(self) -> float:
        """Of the roughest seam."""
        return max((seam.jerk_ratio for seam in self.seams), default=0.0)

    @property
    def smooth_share(self) -> float:
        """Share of the seams within ``JERK_BAR``."""
        smooth = [seam.jerk_ratio <= JERK_BAR for seam in self.seams]
        return sum(smooth) / len(smooth) if smooth else 1.0

    @property
    def root_continuous(self) -> bool:
        """Whether the root moves and turns at no seam as nowhere inside; see ``ROOT_SLACK``."""
        most_step = ROOT_SLACK * self.inside_root_step
        most_turn = ROOT_SLACK * self.inside_root_turn
        return all(
            seam.root_step <= most_step and seam.root_turn <= most_turn for seam in self.seams
        )

    def to_dict(self) -> dict[str, Any]:
        """Values that JSON can hold, the summary first."""
        names = ("median_jerk_ratio", "worst_jerk_ratio", "smooth_share", "root_continuous")
        return {**{name: getattr(self, name) for name in names}, **asdict(self)}


def seam_metrics(motion: Motion, seams: Sequence[tuple[int, int]]) -> SeamReport:
    """Measure the seams of a motion.

    Args:
        motion: The whole.
        seams: First frame of each transition and the frame after its last one.

    Raises:
        RequestError: A seam lies outside of the motion, or nothing is left beside the seams.
    """
    for start, stop in seams:
        if not 0 < start <= stop <= motion.num_frames:
            raise RequestError(
                f"a seam from frame {start} to {stop} does not lie within the motion's "
                f"{motion.num_frames} frames"
            )
    jerk, step, turn = _curves(motion)
    windows = [_window(start, stop, len(jerk)) for start, stop in seams]
    inside = torch.ones(motion.num_frames, dtype=torch.bool)
    for start, stop in seams:
        inside[max(start - SIDE_FRAMES, 0) : stop + SIDE_FRAMES] = False
    calm = _calm(inside, len(jerk))
    if not bool(calm.any()):
        raise RequestError("segments are too short to compare their seams with their inside")
    lengths = sorted({stop - start for start, stop in windows})
    means = {n: max(_windowed(jerk, calm, n, peak=False), LEAST_JERK) for n in lengths}
    peaks = {n: max(_windowed(jerk, calm, n, peak=True), LEAST_JERK) for n in lengths}
    found = []
    for (start, stop), (first, last) in zip(seams, windows, strict=True):
        jerks, near = jerk[first:last], slice(start - 1, min(stop + 1, len(step)))
        found.append(
            Seam(
                start_frame=start,
                stop_frame=stop,
                jerk=float(jerks.mean()),
                jerk_ratio=float(jerks.mean()) / means[last - first],
                peak_ratio=float(jerks.max()) / peaks[last - first],
                root_step=float(step[near].max()),
                root_turn=float(turn[near].max()),
            )
        )
    both = inside[1:] & inside[:-1]
    return SeamReport(
        seams=tuple(found),
        inside_jerk=float(jerk[calm].median()),
        inside_root_step=float(step[both].max()),
        inside_root_turn=float(turn[both].max()),
    )


def _curves(
    motion: Motion,
) -> tuple[Float[Tensor, " N3"], Float[Tensor, " N1"], Float[Tensor, " N1"]]:
    """Jerk of every four frames; way and turn of the root between every two."""
    jerks, steps, turns = [], [], []
    for start in range(0, motion.num_frames, _CHUNK):
        piece = motion.frames(start, start + _CHUNK + 3)
        joints = piece.joints(NUM_BODY_JOINTS).double()
        third = torch.diff(joints, n=3, dim=0) * motion.fps**3
        jerks.append(torch.linalg.vector_norm(third, dim=-1).mean(-1)[:_CHUNK])
        root = torch.diff(joints[:, 0], dim=0)
        steps.append(torch.linalg.vector_norm(root, dim=-1)[:_CHUNK])
        matrix = piece.local_matrix(1)[:, 0].double()
        cosine = (torch.einsum("tij,tij->t", matrix[1:], matrix[:-1]) - 1) / 2
        turns.append(torch.acos(cosine.clamp(-1, 1))[:_CHUNK])
    return torch.cat(jerks), torch.cat(steps), torch.cat(turns)


def _window(start: int, stop: int, count: int) -> tuple[int, int]:
    """Third differences that reach into a transition; none of them may be beyond the last one."""
    first = min(max(start - SIDE_FRAMES, 0), count - 1)
    return first, max(min(stop, count), first + 1)


def _calm(inside: Bool[Tensor, " T"], count: int) -> Bool[Tensor, " N"]:
    """Third differences all of whose frames lie inside segments."""
    calm = inside[:count].clone()
    for shift in range(1, 4):
        calm &= inside[shift : shift + count]
    return calm


def _windowed(
    jerk: Float[Tensor, " N"], calm: Bool[Tensor, " N"], length: int, *, peak: bool
) -> float:
    """Median over windows without a seam of their mean or largest jerk."""
    if len(jerk) >= length:
        whole = calm.unfold(0, length, 1).all(-1)
        if bool(whole.any()):
            rows = jerk.unfold(0, length, 1)
            values = rows.amax(-1) if peak else rows.mean(-1)
            return float(values[whole].median())
    return float(jerk[calm].median())  # segments are shorter than the window
