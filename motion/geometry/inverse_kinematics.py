"""Bend a chain of two bones so that its end reaches a target; twist stays as it was."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from motion.geometry.retarget import swing
from motion.geometry.rotations import axis_angle_to_matrix

SOFT_REACH = 0.01
"""Share of the full length at which a chain begins to resist stretching, so that it never snaps."""

_MIN_DISTANCE = 1e-3
_HINGE_SHARE = 0.15
"""Weight of the given hinge against the measured one: it decides when the chain is straight."""


@dataclass(frozen=True, kw_only=True)
class TwoBoneChain:
    """World positions (metres) and rotations of a chain: upper bone, lower bone."""

    start: Float[Tensor, "*batch 3"]
    middle: Float[Tensor, "*batch 3"]
    end: Float[Tensor, "*batch 3"]
    upper_matrix: Float[Tensor, "*batch 3 3"]
    lower_matrix: Float[Tensor, "*batch 3 3"]
    hinge: Float[Tensor, "*batch 3"]
    """World axis about which a positive turn bends the lower bone."""


def two_bone_ik(
    chain: TwoBoneChain, target: Float[Tensor, "*batch 3"]
) -> tuple[Float[Tensor, "*batch 3 3"], Float[Tensor, "*batch 3 3"]]:
    """World rotations of both bones after the end went to ``target`` (or as far as it reaches).

    The chain bends in the plane in which it bent before; a straight one about its hinge.
    """
    upper, lower = chain.middle - chain.start, chain.end - chain.middle
    a, b = (torch.linalg.norm(bone, dim=-1, keepdim=True) for bone in (upper, lower))
    reach = target - chain.start
    wanted = torch.linalg.norm(reach, dim=-1, keepdim=True).clamp(min=_MIN_DISTANCE)
    along = reach / wanted
    distance = torch.maximum(
        soft_limit(wanted, a + b, SOFT_REACH * (a + b)), (a - b).abs() + _MIN_DISTANCE
    )
    normal = torch.linalg.cross(upper, lower) + _HINGE_SHARE * a * b * chain.hinge
    bulge = torch.nn.functional.normalize(torch.linalg.cross(along, normal), dim=-1)
    ahead = (a.square() - b.square() + distance.square()) / (2 * distance)
    aside = (a.square() - ahead.square()).clamp(min=0).sqrt()
    new_upper = ahead * along + aside * bulge
    new_lower = distance * along - new_upper
    return (
        swing(upper, new_upper) @ chain.upper_matrix,
        swing(lower, new_lower) @ chain.lower_matrix,
    )


def hinge_ik(
    chain: TwoBoneChain, target: Float[Tensor, "*batch 3"]
) -> tuple[Float[Tensor, "*batch 3 3"], Float[Tensor, "*batch 3 3"]]:
    """World rotations of both bones after the end went to ``target`` (or as far as it reaches).

    The chain bends about its hinge only, forwards, until the reach has the right length; then it
    swings as a whole. Unlike ``two_bone_ik`` it leaves a chain whose end is at the target exactly
    as it is, and a nearly straight one bends like a knee though its bones are not in line.
    """
    upper, lower, hinge = chain.middle - chain.start, chain.end - chain.middle, chain.hinge
    reach = target - chain.start
    # the bones' inner product after a turn by angle: along + across cos(angle) + out sin(angle)
    along = _dot(upper, hinge) * _dot(lower, hinge)
    across = _dot(upper, lower) - along
    out = _dot(upper, torch.linalg.cross(hinge, lower))
    inner = (_dot(reach, reach) - _dot(upper, upper) - _dot(lower, lower)) / 2
    size = torch.sqrt(across.square() + out.square()).clamp(min=_MIN_DISTANCE**2)
    angle = torch.atan2(out, across) + torch.acos(((inner - along) / size).clamp(-1, 1))
    bend = axis_angle_to_matrix(hinge * angle)
    aim = swing(upper + (bend @ lower[..., None])[..., 0], reach)
    return aim @ chain.upper_matrix, aim @ bend @ chain.lower_matrix


def soft_limit(
    distance: Float[Tensor, "*batch 1"],
    length: Float[Tensor, "*batch 1"] | float,
    soft: Float[Tensor, "*batch 1"] | float,
) -> Float[Tensor, "*batch 1"]:
    """Let a distance approach, never pass, ``length``; unchanged up to ``soft`` before it."""
    over = (distance - (length - soft)).clamp(min=0)
    limited = length - soft * torch.exp(-over / soft)
    return torch.where(over > 0, limited, distance)


def _dot(one: Float[Tensor, "*batch 3"], other: Float[Tensor, "*batch 3"]) -> Tensor:
    return (one * other).sum(-1, keepdim=True)
