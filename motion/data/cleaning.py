"""Find the frames of a capture that are not to be learnt from: T-poses at its start, root jumps."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from motion.data.source import SourceMotion
from motion.representation import JOINT_INDEX, NUM_BODY_JOINTS, Motion

JUMP_ACCELERATION = 170.0
"""Metres a second squared of the root; captured people stay under 85, lost markers exceed 200."""

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


def _cosine(one: Float[Tensor, "T 3"], other: Float[Tensor, "T 3"]) -> Float[Tensor, " T"]:
    return torch.nn.functional.cosine_similarity(one, other, dim=-1)
