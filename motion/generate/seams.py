"""Seams without a model: a motion goes on from another, and what differs at the seam dies away.

Offsets of the root and of every joint (value and speed) are taken back along the quintic that ends
at rest. Source: Bollo, "Inertialization: High-Performance Animation Transitions in Gears of War"
(GDC 2018). Departures: rotation vectors instead of one angle along the offset, and in ``follow`` a
seam's speed along the floor moves all that comes behind it on, so that nobody glides to and fro.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from motion.errors import RequestError
from motion.generate.keeping import root_of
from motion.generate.poses import Poses, placed
from motion.geometry import axis_angle_to_matrix, matrix_to_axis_angle, yaw_to_matrix
from motion.representation import Motion, RootState, join_motions

PLANE = [0, 2]
"""Columns of x and z."""


def root_at(motion: Motion, frame: int) -> RootState:
    """Heading and planar position of the root in a frame."""
    place = frame % motion.num_frames
    return root_of(motion.frames(place, place + 1))


def follow(before: Motion, after: Motion, settled: int) -> Motion:
    """Put ``after`` where the person of ``before`` gets to, in place and heading.

    Args:
        before: What ends; its last two frames count.
        after: What follows at once; its first two frames count.
        settled: Frames in which ``settle`` takes back the difference of speeds: the way that is
            gone with it stays.
    """
    end = root_at(before, -1)
    turn, step = _pace(before, -2)
    turn_after, step_after = _pace(after, 0)
    yaw = end.yaw + turn + (turn - turn_after) * settled / 2
    rotation = yaw_to_matrix(yaw - root_at(after, 0).yaw)[0][PLANE][:, PLANE]
    way = step + (step - step_after @ rotation.T) * settled / 2
    return placed(after, RootState(yaw=yaw, position=end.position + way))


def settle(before: Motion, after: Motion, num_frames: int) -> Motion:
    """Let ``after`` begin as ``before`` ends and come to itself within some frames.

    Args:
        before: What ends; its last two frames count.
        after: What follows at once, where it stands.
        num_frames: Frames after which nothing of ``before`` is left.

    Raises:
        RequestError: A motion has no frame.
    """
    if not before.num_frames or not after.num_frames:
        raise RequestError(
            f"motions to be joined need frames, got {before.num_frames} and {after.num_frames}"
        )
    count = min(num_frames, after.num_frames)
    if count < 1:
        return after
    head, place = after.frames(0, count), torch.arange(count) / num_frames
    old, new = _three(before, -3), _three(after, 0)
    leaving, coming = torch.diff(old.position, dim=0), torch.diff(new.position, dim=0)
    gaps = [old.position[-1] + step - new.position[0] for step in (leaving[1], coming[0])]
    shift = _dying(_agreed(*gaps), _slope(leaving, coming) * num_frames, place)
    leaving, coming = _turns(old.matrix), _turns(new.matrix)
    gaps = [
        matrix_to_axis_angle(axis_angle_to_matrix(turn) @ old.matrix[-1] @ new.matrix[0].mT)
        for turn in (leaving[1], coming[0])
    ]
    turn = _dying(_agreed(*gaps), _slope(leaving, coming) * num_frames, place)
    turned = axis_angle_to_matrix(turn)
    own = Poses.of(head)
    gap = before.expression[-1] - after.expression[0]
    expression = head.expression + _dying(gap, torch.zeros_like(gap), place)
    bent = Poses(turned @ own.matrix, own.position + shift).motion(head, expression)
    return join_motions([bent, after.frames(count, after.num_frames)])


def _three(motion: Motion, frame: int) -> Poses:
    """Poses of a frame and the next two; where there are fewer, the nearest is held."""
    first = motion.num_frames + frame if frame < 0 else frame
    places = torch.arange(first, first + 3).clamp(0, motion.num_frames - 1)
    start = int(places[0])
    poses = Poses.of(motion.frames(start, int(places[-1]) + 1))
    return Poses(poses.matrix[places - start], poses.position[places - start])


def _turns(matrix: Float[Tensor, "3 J 3 3"]) -> Float[Tensor, "2 J 3"]:
    return matrix_to_axis_angle(matrix[1:] @ matrix[:-1].mT)


def _pace(motion: Motion, frame: int) -> tuple[Float[Tensor, " 1"], Float[Tensor, "1 2"]]:
    """Turn (radians) and planar step (metres) from a frame to the next one."""
    if motion.num_frames < 2:
        return torch.zeros(1), torch.zeros(1, 2)
    first, second = root_at(motion, frame), root_at(motion, frame + 1)
    turn = torch.remainder(second.yaw - first.yaw + torch.pi, 2 * torch.pi) - torch.pi
    return turn, second.position - first.position


def _slope(leaving: Float[Tensor, "2 *N"], coming: Float[Tensor, "2 *N"]) -> Float[Tensor, "*N"]:
    """By how much the speed of two steps before a seam is above that of the two steps behind it.

    Speed changes inside a movement, too: only what two guesses agree on counts, the difference of
    the speeds as they are and as they would be if each side went on to change as it does.
    """
    raw = leaving[1] - coming[0]
    return _agreed(raw, raw + (leaving[1] - leaving[0]) - (coming[0] - coming[1]))


def _agreed(first: Float[Tensor, "*N"], second: Float[Tensor, "*N"]) -> Float[Tensor, "*N"]:
    """The smaller of two numbers of one sign, else zero."""
    least = torch.minimum(first.abs(), second.abs())
    return torch.where(first * second > 0, first.sign() * least, torch.zeros_like(first))


def _dying(
    value: Float[Tensor, "*N"], slope: Float[Tensor, "*N"], place: Float[Tensor, " T"]
) -> Float[Tensor, "T *N"]:
    """From a value and a slope (of the whole length) to rest at zero, without curvature there."""
    u = place.to(value).reshape(-1, *[1] * value.ndim)
    fade = 1 - u**3 * (10 - 15 * u + 6 * u**2)
    run = u - u**3 * (6 - 8 * u + 3 * u**2)
    return value * fade + slope * run
