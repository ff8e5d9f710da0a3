"""Forward kinematics over a tree of joints."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def forward_kinematics(
    local_matrix: Float[Tensor, "*batch J 3 3"],
    root_position: Float[Tensor, "*batch 3"],
    offsets: Float[Tensor, "J 3"],
    parents: Sequence[int],
) -> tuple[Float[Tensor, "*batch J 3 3"], Float[Tensor, "*batch J 3"]]:
    """World rotations and positions of every joint.

    Args:
        local_matrix: Rotation of each joint in its parent's frame.
        root_position: World position of joint 0, metres.
        offsets: Position of each joint in its parent's frame, metres; row 0 is not read.
        parents: Parent of each joint, -1 for the root; parents come before their children.

    Returns:
        World rotation matrices and world positions (metres).
    """
    rotations = [local_matrix[..., 0, :, :]]
    positions = [root_position]
    for joint in range(1, len(parents)):
        parent = parents[joint]
        rotations.append(rotations[parent] @ local_matrix[..., joint, :, :])
        positions.append(positions[parent] + rotations[parent] @ offsets[joint])
    return torch.stack(rotations, dim=-3), torch.stack(positions, dim=-2)


def local_from_world(
    world_matrix: Float[Tensor, "*batch J 3 3"], parents: Sequence[int]
) -> Float[Tensor, "*batch J 3 3"]:
    """Local rotations of joints whose world rotations are known."""
    columns = [world_matrix[..., 0, :, :]]
    for joint in range(1, len(parents)):
        parent = world_matrix[..., parents[joint], :, :]
        columns.append(parent.transpose(-1, -2) @ world_matrix[..., joint, :, :])
    return torch.stack(columns, dim=-3)
