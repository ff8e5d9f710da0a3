"""Where a person goes whose pose is known only from the hips on: what touches the floor tells.

The lowest points of the body rest on the floor and do not move, so the root moves against them. In
a jump the picture says how high the body is, and the root goes on over the floor as it left it. All
of this is an estimate: a floor that is not level, a foot on a chair or a camera that shakes up and
down is taken for something else. Axes: P points of the body that may touch the floor.
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from motion.generate.curation.landmark_joints import smoothed
from motion.representation import JOINT_INDEX, NUM_BODY_JOINTS, Motion, sole_points

TOUCHING: dict[str, float] = {
    "pelvis": 0.11,
    "spine3": 0.12,
    "head": 0.09,
    **{
        f"{side}_{name}": radius
        for side in ("left", "right")
        for name, radius in (
            ("knee", 0.06),
            ("shoulder", 0.08),
            ("elbow", 0.05),
            ("wrist", 0.04),
        )
    },
}
"""Joints beside the soles on which people rest, and how far they are from the skin (metres)."""

STANCE_METRES = 0.015
"""A point that is so much higher than the lowest one counts 1/e of it."""

CARRIERS: tuple[slice, ...] = (slice(0, 3), slice(3, 6), slice(None))
"""What may carry the body: left sole, right sole, anything. Points of each."""

ABOVE_METRES = 0.12
"""A carrier so much above the lowest point costs 1."""

ANYTHING_COST = 1.5
"""More costs anything but a foot: people stand and walk."""

UNEVEN_METRES = 0.01
"""A change of the root's step by so much (9 m/s2 at 30 fps) costs 1."""

MOST_UNEVEN = 6.0
"""However much the step changes, it costs no more."""

CHANGE_COST = 2.0
"""Cost of another carrier than in the frame before."""

SMOOTH_FRAMES = 11
"""Window of the filter on the steps of the root, frames."""

HULL_FRAMES = 18
"""A jump lies above the straight line between moments so far before and after."""

LEAST_JUMP_METRES = 0.15
"""Lower jumps are not told from the noise; walking people seem to rise 0.13 at most."""

AIR_METRES = 0.05
"""Within a jump the body is in the air above this height."""

LONGEST_JUMP_FRAMES = 27
"""0.9 s: a jump of one metre. Who stays up longer stands on something, or the camera moved."""


def walked(motion: Motion, lift: Float[Tensor, " T"]) -> Motion:
    """Move a motion whose root stands still so that what touches the floor stays where it is.

    Args:
        motion: Any height, at 30 fps.
        lift: Height of the body as the picture shows it, metres over anything that stays.
    """
    points = touching_points(motion)
    low = points[..., 1].amin(1)
    height = jump_height(lift)
    path = floor_path(points, height > AIR_METRES)
    transl = motion.transl.double().clone()
    transl[:, 0] += path[:, 0]
    transl[:, 1] += height - smoothed(low, 2 * (SMOOTH_FRAMES // 4) + 1, 1)
    transl[:, 2] += path[:, 1]
    return replace(motion, transl=transl.to(motion.transl))


def touching_points(motion: Motion) -> Float[Tensor, "T P 3"]:
    """Lowest places of the skin at soles, knees, hands, seat, back and head, metres."""
    joints = motion.joints(NUM_BODY_JOINTS)[:, [JOINT_INDEX[name] for name in TOUCHING]]
    below = torch.zeros(len(TOUCHING), 3)
    below[:, 1] = torch.tensor(list(TOUCHING.values()))
    return torch.cat([sole_points(motion), joints - below], dim=1).double()


def floor_path(points: Float[Tensor, "T P 3"], in_air: Bool[Tensor, " T"]) -> Float[Tensor, "T 2"]:
    """Way of the root over the floor (x, z; metres) that keeps what carries the body in place.

    Args:
        points: See ``touching_points``; the root stands still.
        in_air: Frames in which nothing carries it; there the root goes on as before and after.
    """
    if len(points) < 2:
        return points.new_zeros(len(points), 2)
    steps, above = zip(*(_step_over(points, part) for part in CARRIERS), strict=True)
    step = torch.stack(steps, dim=1)  # (T - 1, carriers, 2)
    cost = torch.stack(above, dim=1) / ABOVE_METRES
    cost[:, -1] += ANYTHING_COST
    best = _cheapest(step.numpy(), cost.numpy())
    step = step[torch.arange(len(step)), torch.from_numpy(best)]
    step = smoothed(_bridged(step, in_air[1:] | in_air[:-1]), SMOOTH_FRAMES, 2)
    return torch.cat([step.new_zeros(1, 2), step.cumsum(0)])


def _step_over(
    points: Float[Tensor, "T P 3"], part: slice
) -> tuple[Float[Tensor, "T1 2"], Float[Tensor, " T1"]]:
    """How the root moves from frame to frame if some points carry the body.

    Also how far these points are above the lowest of all.
    """
    height = points[:, part, 1]
    low = height.amin(1)
    stands = torch.exp(-(height - low[:, None]) / STANCE_METRES)
    both = torch.minimum(stands[1:], stands[:-1])[..., None]
    moved = torch.diff(points[:, part][..., [0, 2]], dim=0)
    step = -(both * moved).sum(1) / both.sum(1).clamp(min=1e-9)
    above = low - points[..., 1].amin(1)
    return step, torch.maximum(above[1:], above[:-1])


def _cheapest(
    step: Float[np.ndarray, "T1 C 2"], cost: Float[np.ndarray, "T1 C"]
) -> Int[np.ndarray, " T1"]:
    """Carrier of each frame (axis ``C``) by Viterbi's algorithm: low, and the root moves evenly.

    Height alone would often take the foot that swings forward: where films show people from in
    front it seems as low as the one that stands, and the root would move to and fro.
    """
    total, back = cost[0], []
    change = 1.0 - np.eye(cost.shape[1])
    for now, before, own in zip(step[1:], step[:-1], cost[1:], strict=True):
        jerk = np.linalg.norm(now[None] - before[:, None], axis=-1) / UNEVEN_METRES
        paths = total[:, None] + np.minimum(jerk, MOST_UNEVEN) + CHANGE_COST * change
        back.append(paths.argmin(0))
        total = paths.min(0) + own
    chosen = [int(total.argmin())]
    for row in reversed(back):
        chosen.append(int(row[chosen[-1]]))
    return np.array(chosen[::-1])


def jump_height(lift: Float[Tensor, " T"]) -> Float[Tensor, " T"]:
    """How high the body is in the air, metres; 0 outside of jumps.

    A jump rises over the lower convex hull of the body's height in the picture, by enough and not
    for too long. Slow changes (somebody comes nearer, the camera follows) are straight lines.
    """
    height = smoothed(lift, 5, 1).numpy()
    rise = np.array([height[t] - _chord(height, t) for t in range(len(height))])
    out = np.zeros(len(rise))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], rise > AIR_METRES, [0]]).astype(int)))
    for start, stop in edges.reshape(-1, 2).tolist():
        run = rise[start:stop]
        if run.max() >= LEAST_JUMP_METRES and stop - start <= LONGEST_JUMP_FRAMES:
            out[start:stop] = run
    return torch.from_numpy(out)


def _chord(height: Float[np.ndarray, " T"], place: int) -> float:
    """Lowest straight line over a moment between two moments around it."""
    before = np.arange(max(0, place - HULL_FRAMES), place + 1)
    after = np.arange(place, min(len(height) - 1, place + HULL_FRAMES) + 1)
    span = np.maximum(after[None] - before[:, None], 1)
    share = (place - before[:, None]) / span
    lines = height[before][:, None] * (1 - share) + height[after][None] * share
    return float(min(lines.min(), height[place]))


def _bridged(step: Float[Tensor, "T1 2"], gone: Bool[Tensor, " T1"]) -> Float[Tensor, "T1 2"]:
    """Steps in the air, interpolated between those on the floor before and after."""
    if not bool(gone.any()) or bool(gone.all()):
        return step
    known = torch.nonzero(~gone)[:, 0].numpy()
    places = np.arange(len(step))
    columns = [np.interp(places, known, column[known]) for column in step.numpy().T]
    return torch.from_numpy(np.stack(columns, axis=-1))
