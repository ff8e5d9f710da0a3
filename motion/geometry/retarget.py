"""Carry world rotations from one skeleton to another whose rest pose differs.

Every target joint takes its partner's world rotation times a fixed correction: the rotation that
carries the target's rest bone onto the partner's rest bone. Axes: J target joints, S source joints.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from motion.geometry.rotations import axis_angle_to_matrix


@dataclass(frozen=True, kw_only=True)
class RestRule:
    """How the rest-pose correction of one target joint is found."""

    joint: int
    """Target joint."""
    inherit: int | None = None
    """Target joint whose correction comes first; None starts from the identity."""
    child: int | None = None
    """Target joint at the bone's end; None adds nothing to the inherited correction."""
    hangs_from: int | None = None
    """Target joint that starts a bone which hangs straight down (-y) in a natural stance: the
    correction begins with the sideways lean (in the x-y plane) of the partner's rest bone."""
    about: int | None = None
    """Target joint that starts the bone to turn about; None allows the smallest free swing."""


def swing(start: Float[Tensor, "*batch 3"], end: Float[Tensor, "*batch 3"]) -> Tensor:
    """Give the smallest rotation that carries the direction ``start`` onto ``end``."""
    start = torch.nn.functional.normalize(start, dim=-1)
    end = torch.nn.functional.normalize(end, dim=-1)
    cross = torch.linalg.cross(start, end)
    sine = torch.linalg.norm(cross, dim=-1, keepdim=True)
    cosine = (start * end).sum(-1, keepdim=True)
    angle = torch.atan2(sine, cosine)
    axis = torch.where(sine > 1e-6, cross / sine.clamp(min=1e-12), _any_perpendicular(start))
    return axis_angle_to_matrix(axis * angle)


def turn_about(
    axis: Float[Tensor, "*batch 3"],
    start: Float[Tensor, "*batch 3"],
    end: Float[Tensor, "*batch 3"],
) -> Tensor:
    """Give the rotation about ``axis`` that brings ``start`` as close as it can to ``end``."""
    axis = torch.nn.functional.normalize(axis, dim=-1)
    start = start - (start * axis).sum(-1, keepdim=True) * axis
    end = end - (end * axis).sum(-1, keepdim=True) * axis
    sine = (torch.linalg.cross(start, end) * axis).sum(-1, keepdim=True)
    cosine = (start * end).sum(-1, keepdim=True)
    return axis_angle_to_matrix(axis * torch.atan2(sine, cosine))


def rest_corrections(
    target_rest: Float[Tensor, "J 3"],
    source_rest: Float[Tensor, "J 3"],
    rules: Sequence[RestRule],
) -> Float[Tensor, "J 3 3"]:
    """Find the constant that follows the partner's world rotation, one for each target joint.

    Args:
        target_rest: Rest position of each target joint, metres.
        source_rest: Rest position of each target joint's partner, metres.
        rules: Rules in an order where the inherited joint comes first; joints without a rule
            keep the identity.
    """
    found = torch.eye(3, dtype=target_rest.dtype).repeat(len(target_rest), 1, 1)
    for rule in rules:
        base = torch.eye(3, dtype=target_rest.dtype)
        if rule.inherit is not None:
            base = found[rule.inherit]
        if rule.hangs_from is not None:
            base = _sideways_lean(source_rest[rule.joint] - source_rest[rule.hangs_from])
        if rule.child is not None:
            bone = base @ (target_rest[rule.child] - target_rest[rule.joint])
            aim = source_rest[rule.child] - source_rest[rule.joint]
            if rule.about is None:
                base = swing(bone, aim) @ base
            else:
                axis = source_rest[rule.joint] - source_rest[rule.about]
                base = turn_about(axis, bone, aim) @ base
        found[rule.joint] = base
    return found


def _sideways_lean(bone: Float[Tensor, " 3"]) -> Float[Tensor, "3 3"]:
    flat = bone * bone.new_tensor([1.0, 1.0, 0.0])
    return swing(bone.new_tensor([0.0, -1.0, 0.0]), flat)


def _any_perpendicular(direction: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
    """Give a unit vector at right angles, for opposite directions whose axis is free."""
    x, y, z = direction.unbind(-1)
    along_x = torch.stack([-y, x, torch.zeros_like(x)], dim=-1)
    along_z = torch.stack([torch.zeros_like(x), -z, y], dim=-1)
    chosen = torch.where((z.abs() < 0.9)[..., None], along_x, along_z)
    return torch.nn.functional.normalize(chosen, dim=-1)
