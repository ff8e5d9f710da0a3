"""Forward kinematics over a tree of joints."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor


@cache
def _levels(parents: tuple[int, ...]) -> list[tuple[list[int], list[int]]]:
    """Joints of each depth below the root, with the place of their parents one depth above."""
    depth = [0] * len(parents)
    for joint in range(1, len(parents)):
        depth[joint] = depth[parents[joint]] + 1
    rows = [[j for j, d in enumerate(depth) if d == level] for level in range(max(depth) + 1)]
    return [(here, [above.index(parents[j]) for j in here]) for above, here in pairwise(rows)]


def forward_kinematics(
    local_matrix: Float[Tensor, "*batch J 3 3"],
    root_position: Float[Tensor, "*batch 3"],
    offsets: Float[Tensor, "J 3"],
    parents: Sequence[int],
) -> tuple[Float[Tensor, "*batch J 3 3"], Float[Tensor, "*batch J 3"]]:
    """World rotations and positions of every joint.

    Joints of the same depth are turned together: eight small products instead of 21 for a body.

    Args:
        local_matrix: Rotation of each joint in its parent's frame.
        root_position: World position of joint 0, metres.
        offsets: Position of each joint in its parent's frame, metres; row 0 is not read.
        parents: Parent of each joint, -1 for the root; parents come before their children.

    Returns:
        World rotation matrices and world positions (metres).
    """
    order = [0]
    rotations = [local_matrix[..., :1, :, :]]
    positions = [root_position[..., None, :]]
    for joints, above in _levels(tuple(parents)) if len(parents) > 1 else []:
        parent_rotation = rotations[-1][..., above, :, :]
        step = torch.einsum("...ij,...j->...i", parent_rotation, offsets[joints])
        positions.append(positions[-1][..., above, :] + step)
        rotations.append(parent_rotation @ local_matrix[..., joints, :, :])
        order += joints
    back = sorted(range(len(order)), key=order.__getitem__)
    return torch.cat(rotations, dim=-3)[..., back, :, :], torch.cat(positions, dim=-2)[..., back, :]


def local_from_world(
    world_matrix: Float[Tensor, "*batch J 3 3"], parents: Sequence[int]
) -> Float[Tensor, "*batch J 3 3"]:
    """Local rotations of joints whose world rotations are known."""
    above = world_matrix[..., list(parents[1:]), :, :]
    below = above.transpose(-1, -2) @ world_matrix[..., 1:, :, :]
    return torch.cat([world_matrix[..., :1, :, :], below], dim=-3)
