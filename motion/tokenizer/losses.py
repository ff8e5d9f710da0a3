"""What a part's reconstruction is judged by: features, joints, the path, and planted feet."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from motion.representation import FOOT_JOINTS, FPS, JOINT_INDEX, PARTS, body_joints

HUBER = 0.5
"""Where the feature loss turns from square to linear, in standard deviations."""


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Weight of each term."""

    features: float = 1.0
    """Normalised features."""
    velocity: float = 0.5
    """Their change from frame to frame."""
    joints: float = 15.0
    """Joint positions from the root, per metre."""
    path: float = 8.0
    """Joint positions in the world after integrating the root, per metre."""
    skate: float = 0.3
    """Speed of planted feet, per metre a second."""
    commitment: float = 0.1
    """Latents stay near their codes."""


@dataclass(frozen=True)
class JointErrors:
    """Distances between two sets of joints, metres."""

    root_relative: Float[Tensor, "B T"]
    world: Float[Tensor, "B T"]


def joint_errors(found: Float[Tensor, "B T J 3"], truth: Float[Tensor, "B T J 3"]) -> JointErrors:
    """Mean joint error per frame, from the root and in the world."""
    world = torch.linalg.vector_norm(found - truth, dim=-1).mean(-1)
    relative = (found - found[..., :1, :]) - (truth - truth[..., :1, :])
    return JointErrors(torch.linalg.vector_norm(relative, dim=-1).mean(-1), world)


def _mean(values: Float[Tensor, "B T *rest"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, ""]:
    weight = mask.reshape(*mask.shape, *[1] * (values.ndim - 2)).to(values)
    return (values * weight).sum() / (weight.expand_as(values).sum() + 1e-6)


def feature_losses(
    found: Float[Tensor, "B T D"],
    truth: Float[Tensor, "B T D"],
    std: Float[Tensor, " D"],
    mask: Bool[Tensor, "B T"],
) -> dict[str, Float[Tensor, ""]]:
    """Errors of the feature vectors and of their changes, in standard deviations."""
    difference = (found - truth) / std
    zero = torch.zeros_like(difference)
    change = torch.diff(difference, dim=1)
    return {
        "features": _mean(smooth_l1_loss(difference, zero, reduction="none", beta=HUBER), mask),
        "velocity": _mean(
            smooth_l1_loss(change, zero[:, 1:], reduction="none", beta=HUBER), mask[:, 1:]
        ),
    }


def body_losses(
    features: Mapping[str, Float[Tensor, "B T _"]],
    truth: Mapping[str, Float[Tensor, "B T _"]],
    mask: Bool[Tensor, "B T"],
) -> dict[str, Float[Tensor, ""]]:
    """Errors after forward kinematics; parts that are not being trained come with their truth."""
    found = body_joints(features)
    with torch.no_grad():
        target = body_joints(truth)
        contact = truth["lower"][..., PARTS["lower"].slices["foot_contact"]]
    errors = joint_errors(found, target)
    feet = [JOINT_INDEX[name] for name in FOOT_JOINTS]
    speed = torch.linalg.vector_norm(torch.diff(found[..., feet, :], dim=1) * FPS + 1e-6, dim=-1)
    return {
        "joints": _mean(errors.root_relative, mask),
        "path": _mean(errors.world, mask),
        "skate": _mean(speed * contact[:, 1:], mask[:, 1:]),
    }


def weighted_sum(
    losses: Mapping[str, Float[Tensor, ""]], weights: LossWeights
) -> Float[Tensor, ""]:
    """Add the terms up."""
    return torch.stack([getattr(weights, name) * value for name, value in losses.items()]).sum()
