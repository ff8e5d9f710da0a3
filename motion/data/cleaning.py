"""Frames of a capture that are not to be learnt from: T-poses, root jumps, flipping joints."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from motion.data.source import SourceMotion
from motion.geometry import slerp
from motion.representation import JOINT_INDEX, NUM_BODY_JOINTS, Motion

JUMP_ACCELERATION = 170.0
"""Metres a second squared of the root; captured people stay under 85, lost markers exceed 200."""

FLIP_SPEED = 2400.0
"""Degrees a second between two frames; people's joints stay under about 1500, solvers of nearly
straight limbs flip by up to 180 degrees in one frame."""

FLIP_GAP_SECONDS = 0.17
"""Flips that follow each other more quickly belong together."""

MAX_BRIDGE_SECONDS = 0.5
"""Longer stretches between flips are cut out, shorter ones bridged by interpolation."""

RETURN_DEGREES = 60.0
"""A joint that is further away after its flips did not come back: the motion is cut there."""

_STRAIGHT_COSINE = 0.93
_OPPOSITE_COSINE = -0.9


def jump_frames(source: SourceMotion) -> list[int]:
    """First frame after each jump of the root."""
    if source.num_frames < 3:
        return []
    fps = float(source.fps)
    step = torch.linalg.norm(torch.diff(source.root, dim=0), dim=-1)
    change = torch.diff(step, prepend=step[1:2]) * fps * fps
    return [int(frame) + 1 for frame in torch.nonzero(change > JUMP_ACCELERATION)[:, 0]]


def without_flips(source: SourceMotion) -> tuple[SourceMotion, list[int]]:
    """Bridge flips of single joints; give the frames at which the motion must be cut instead.

    A joint that comes back soon is led past its flip; so is one at the end of a limb that does not
    come back, for it moves nothing else. Any other flip that lasts is a cut.
    """
    fps = float(source.fps)
    turned = _turn(source.local_matrix[:-1], source.local_matrix[1:])  # (T - 1, J)
    local, cuts = source.local_matrix.clone(), set[int]()
    last_frame = len(local) - 1
    for joint in range(local.shape[1]):
        edges = torch.nonzero(turned[:, joint] * fps > FLIP_SPEED)[:, 0].tolist()
        for first, last in _groups(edges, FLIP_GAP_SECONDS * fps):
            start, end = local[first, joint], local[last + 1, joint]
            returned = float(_turn(start, end)) < RETURN_DEGREES
            if first == 0:
                cuts.add(last + 1)  # often the T-pose that a conversion put in front
            elif returned and last - first <= MAX_BRIDGE_SECONDS * fps:
                _bridge(local[:, joint], first, last + 1)
            elif joint not in source.parents:
                half = round(FLIP_GAP_SECONDS * fps / 2)
                _bridge(local[:, joint], max(0, first - half), min(last_frame, last + half))
            else:
                cuts |= {first + 1, last + 1}
    return replace(source, local_matrix=local), sorted(cuts)


def longest_span(start: int, stop: int, cuts: Sequence[int]) -> tuple[int, int]:
    """Give the longest stretch of ``start`` to ``stop`` that has no cut inside."""
    edges = [start, *sorted(cut for cut in cuts if start < cut < stop), stop]
    spans = list(pairwise(edges))
    return max(spans, key=lambda span: span[1] - span[0])


def t_pose_frames(motion: Motion) -> int:
    """Count the frames at the start in which both arms are stretched sideways."""
    joints = motion.joints(NUM_BODY_JOINTS)
    upper, lower = [], []
    for side in ("left", "right"):
        shoulder, elbow, wrist = (
            joints[:, JOINT_INDEX[f"{side}_{name}"]] for name in ("shoulder", "elbow", "wrist")
        )
        upper.append(elbow - shoulder)
        lower.append(wrist - elbow)
    straight = [_cosine(u, f) > _STRAIGHT_COSINE for u, f in zip(upper, lower, strict=True)]
    wide = _cosine(upper[0] + lower[0], upper[1] + lower[1]) < _OPPOSITE_COSINE
    stretched = straight[0] & straight[1] & wide
    return int(stretched.long().cumprod(0).sum())


def _bridge(matrix: Float[Tensor, "T 3 3"], first: int, last: int) -> None:
    """Interpolate the frames between ``first`` and ``last``, in place."""
    shape = (last - first + 1, 3, 3)
    weight = torch.linspace(0, 1, shape[0])
    matrix[first : last + 1] = slerp(
        matrix[first].expand(shape), matrix[last].expand(shape), weight
    )


def _groups(edges: Sequence[int], gap: float) -> list[tuple[int, int]]:
    """First and last of each run of edges that follow each other within ``gap`` frames."""
    groups: list[tuple[int, int]] = []
    for edge in edges:
        if groups and edge - groups[-1][1] <= gap:
            groups[-1] = (groups[-1][0], edge)
        else:
            groups.append((edge, edge))
    return groups


def _turn(
    start: Float[Tensor, "*batch 3 3"], end: Float[Tensor, "*batch 3 3"]
) -> Float[Tensor, "*batch"]:
    """Angle between rotations in degrees."""
    trace = (start * end).sum((-1, -2))
    return torch.rad2deg(torch.acos(((trace - 1) / 2).clamp(-1, 1)))


def _cosine(one: Float[Tensor, "T 3"], other: Float[Tensor, "T 3"]) -> Float[Tensor, " T"]:
    return torch.nn.functional.cosine_similarity(one, other, dim=-1)
