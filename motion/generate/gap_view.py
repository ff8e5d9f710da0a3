"""A gap as the language model sees it: whole steps of what is given, none of what is not.

The start and the end are encoded each from its own frames only, so no code of theirs knows what
happens in the gap, and the steps of the model begin and end where those of the two do. A gap that
does not fill its last step borrows the missing frames from the end, or from the start where the
end is too short: the model writes those anew, too, and they are dropped.
Axes: S streams; E steps after the gap.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sin

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motion.errors import RequestError
from motion.generate.keeping import root_of
from motion.geometry import yaw_to_matrix
from motion.language import goal_between, goal_features
from motion.representation import FPS, PARTS, Motion, extract_features, join_motions

BODY_PARTS = ("lower", "upper")
"""What the model sees of given motions, and what it writes: gaps were trained with these."""
MOST_BEFORE, LEAST_BEFORE, MOST_ENDING = 12, 3, 8
"""Steps of the start and of the end that the model sees: training had no more, and a start that
is shorter is preceded by its first frame, held."""
PACE_FRAMES = 30
"""Frames on either side over which a pace is averaged, where no way is given."""

CodesOf = Callable[[Motion], Int[Tensor, "L S"]]


@dataclass(frozen=True, kw_only=True)
class Opening:
    """Frames that are to be made between two motions, or after one."""

    start: Motion
    end: Motion | None
    """None: the motion goes on freely."""
    num_frames: int
    roams: bool = False
    """Whether the end is yet to be put where the motion arrives."""
    seen_steps: int = MOST_BEFORE
    """Steps of the start that the model sees at most."""

    def __post_init__(self) -> None:
        """Say in one sentence what is wrong."""
        for name, motion in (("start", self.start), ("end", self.end)):
            if motion is not None and (motion.fps != FPS or motion.num_frames == 0):
                raise RequestError(
                    f"the {name} must have frames at {FPS} fps, got {motion.num_frames} at "
                    f"{motion.fps:g}; convert it first"
                )
        if self.num_frames < 1:
            raise RequestError(f"a gap needs at least one frame, got {self.num_frames}")


@dataclass(frozen=True, kw_only=True)
class GapView:
    """What the model is given and how its steps lie to the frames of the gap."""

    seen: Motion
    """Frames behind ``before``, and those of the start that are written anew."""
    before: Int[Tensor, "L S"]
    ending: Int[Tensor, "E S"] | None
    goal: Float[Tensor, " 6"] | None
    num_steps: int
    """Steps to write."""
    lead: int
    """Frames of the start that the model writes anew ahead of the gap."""
    tail: int
    """Frames of the end that it writes anew behind the gap."""
    stride: int
    """Frames of a step."""

    @property
    def first_frame(self) -> int:
        """The gap's first frame among those of ``before``, the new steps and ``ending``."""
        return len(self.before) * self.stride + self.lead


def view_gap(opening: Opening, codes_of: CodesOf, stride: int) -> GapView:
    """Encode what is seen of both sides.

    Args:
        opening: The gap.
        codes_of: Encodes a motion.
        stride: Frames of a step.
    """
    num_steps = -(-opening.num_frames // stride)
    surplus = num_steps * stride - opening.num_frames
    start, end, lead = _body(opening.start), opening.end, 0
    ending, goal = None, None
    if end is not None:
        end = _body(end)
        if end.num_frames < surplus + stride:
            lead, surplus = surplus, 0
        end = end.frames(surplus, surplus + MOST_ENDING * stride)
        ending = codes_of(end)
    seen = _whole_steps(start, opening.seen_steps, lead, stride)
    start = seen.frames(0, seen.num_frames - lead)
    if end is not None:
        seconds = num_steps * stride / FPS
        last = root_of(start.frames(start.num_frames - 1, start.num_frames))
        goal = paced_goal(start, end, seconds)
        if not opening.roams:
            goal = goal_between(last, root_of(end), seconds)
    return GapView(
        seen=seen,
        before=codes_of(start),
        ending=ending,
        goal=goal,
        num_steps=num_steps,
        lead=lead,
        tail=surplus,
        stride=stride,
    )


def paced_goal(start: Motion, end: Motion, seconds: float) -> Float[Tensor, " 6"]:
    """Where a gap leads if it goes on at the average pace and turn of both sides.

    Args:
        start: Motion before the gap.
        end: Motion after it, anywhere.
        seconds: Length of the gap.
    """
    root = PARTS["lower"].slices
    tail = start.frames(max(0, start.num_frames - PACE_FRAMES), start.num_frames)
    rows = [extract_features(side)["lower"][1:] for side in (tail, end.frames(0, PACE_FRAMES))]
    moved = torch.cat(rows)
    if len(moved) == 0:
        return goal_features(torch.zeros(2), 0.0, seconds)
    pace = moved.mean(0)
    turn = float(pace[root["yaw_rate"]]) * seconds
    chord = sin(turn / 2) / (turn / 2) if abs(turn) > 1e-6 else 1.0  # of an arc of length 1
    halfway = yaw_to_matrix(torch.tensor(turn / 2))[[0, 2]][:, [0, 2]]
    return goal_features(halfway @ pace[root["planar_velocity"]] * seconds * chord, turn, seconds)


def _body(motion: Motion) -> Motion:
    return replace(motion, parts=frozenset(BODY_PARTS))


def _whole_steps(start: Motion, most: int, lead: int, stride: int) -> Motion:
    """The last whole steps of a start and ``lead`` more frames; a short one begins held."""
    steps = min(most, max(LEAST_BEFORE, (start.num_frames - lead) // stride))
    missing = steps * stride + lead - start.num_frames
    if missing > 0:
        return join_motions([start.frames(0, 1)] * missing + [start])
    return start.frames(-missing, start.num_frames)
