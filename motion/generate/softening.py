"""Seams of motion that the model wrote on: as much of it as is smooth, interpolation for the rest.

A walk that goes on needs no help: what differs at the seam dies away in ten frames. Where the model
jumps, as from an arm that hangs to one that waves, its first frames are replaced by a smooth way to
where it soon is. Legs and upper body are judged by themselves, so that an arm's jump does not stop
a walk. Axes: N joints that are judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from motion.generate.keeping import splice
from motion.generate.poses import bridged
from motion.generate.seams import settle
from motion.representation import NUM_BODY_JOINTS, PARTS, Motion, join_motions

SETTLE_FRAMES = 10
"""Frames in which a difference dies away where the model is smooth by itself."""
BRIDGES = (9, 14, 20, 27)
"""Frames that may be replaced where it is not, fewest first."""
ROUGH = 1.3
"""A seam rougher than this times the mean of its sides is bridged."""
SIDE_FRAMES = 60
"""Frames on either side that a seam is compared with."""
_REACH = 3
"""A third difference spans four frames."""


@dataclass(frozen=True)
class _Way:
    """One way over the seam."""

    frames: int
    motion: Motion


def soften(before: Motion, after: Motion) -> tuple[Motion, int]:
    """Let ``after`` go on from ``before`` without a jump.

    Args:
        before: What was; its last frames count.
        after: What follows at once, where it stands.

    Returns:
        As many frames as ``after`` has, and the number of those that were changed.
    """
    half = after.num_frames // 2
    ways = [_Way(min(SETTLE_FRAMES, half), settle(before, after, min(SETTLE_FRAMES, half)))]
    ways += [_Way(count, _bridged(before, after, count)) for count in BRIDGES if count <= half]
    legs, upper = (_smoothest(before, ways, part) for part in ("lower", "upper"))
    body = splice(upper.motion, legs.motion, ("upper",))
    return replace(body, parts=after.parts), max(legs.frames, upper.frames)


def _bridged(before: Motion, after: Motion, count: int) -> Motion:
    rest = after.frames(count, after.num_frames)
    way = replace(bridged(before, rest, count), parts=after.parts)
    return join_motions([way, rest])


def _smoothest(before: Motion, ways: Sequence[_Way], part: str) -> _Way:
    """The first way that is smooth enough for a part, else the smoothest one."""
    tail = before.frames(max(before.num_frames - SIDE_FRAMES, 0), before.num_frames)
    rated = []
    for way in ways:
        near = way.motion.frames(0, way.frames + SIDE_FRAMES)
        jerk = _jerk(join_motions([tail, near]), part)
        first = max(tail.num_frames - _REACH, 0)
        seam = jerk[first : tail.num_frames + way.frames]
        sides = (jerk[:first], jerk[tail.num_frames + way.frames :])
        means = [float(side.mean()) for side in sides if len(side)]
        usual = sum(means) / max(len(means), 1)
        roughness = float(seam.mean()) if len(seam) else 0.0
        if roughness <= ROUGH * usual:
            return way
        rated.append(roughness)
    return ways[rated.index(min(rated))]


def _jerk(motion: Motion, part: str) -> Float[Tensor, " N"]:
    """Mean third difference of a part's joints; of the upper body without the root's own."""
    if part == "upper":
        zeros = torch.zeros_like(motion.transl)
        motion = replace(motion, global_orient=zeros, transl=zeros)
    joints = motion.joints(NUM_BODY_JOINTS)[:, PARTS[part].joint_indices]
    third = torch.diff(joints.double(), n=3, dim=0)
    jerk: Tensor = torch.linalg.vector_norm(third, dim=-1).mean(-1)
    return jerk
