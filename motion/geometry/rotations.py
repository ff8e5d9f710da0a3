"""Rotations in the forms the package uses, all as torch tensors.

Axis-angle (rotation vectors, radians) at the borders, matrices (column vectors) for composition,
6D (first two columns of the matrix, concatenated; Zhou et al., CVPR 2019) inside features, and
unit quaternions with the real part first.
"""

import roma
import torch
from jaxtyping import Float
from torch import Tensor


def axis_angle_to_matrix(axis_angle: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Turn rotation vectors (radians) into matrices."""
    return roma.rotvec_to_rotmat(axis_angle)  # type: ignore[no-any-return]


def matrix_to_axis_angle(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3"]:
    """Turn matrices into rotation vectors with angles in [0, pi] radians."""
    return roma.rotmat_to_rotvec(matrix)  # type: ignore[no-any-return]


def matrix_to_6d(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 6"]:
    """Keep the first two columns of a matrix."""
    return matrix[..., :, :2].transpose(-1, -2).flatten(-2)


def matrix_from_6d(sixd: Float[Tensor, "*batch 6"]) -> Float[Tensor, "*batch 3 3"]:
    """Make a rotation matrix of two columns by Gram-Schmidt."""
    first = torch.nn.functional.normalize(sixd[..., :3], dim=-1, eps=1e-8)
    second = sixd[..., 3:] - (first * sixd[..., 3:]).sum(-1, keepdim=True) * first
    second = torch.nn.functional.normalize(second, dim=-1, eps=1e-8)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)


def matrix_to_quat_wxyz(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 4"]:
    """Turn matrices into unit quaternions, real part first."""
    return roma.rotmat_to_unitquat(matrix).roll(1, dims=-1)  # type: ignore[no-any-return]


def quat_wxyz_to_matrix(quat_wxyz: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 3 3"]:
    """Turn unit quaternions, real part first, into matrices."""
    return roma.unitquat_to_rotmat(quat_wxyz.roll(-1, dims=-1))  # type: ignore[no-any-return]


def yaw_to_matrix(yaw: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch 3 3"]:
    """Rotation about +y by ``yaw`` radians; positive turns +z towards +x (to the person's left)."""
    sine, cosine = torch.sin(yaw), torch.cos(yaw)
    zero, one = torch.zeros_like(yaw), torch.ones_like(yaw)
    rows = [cosine, zero, sine, zero, one, zero, -sine, zero, cosine]
    return torch.stack(rows, dim=-1).reshape(*yaw.shape, 3, 3)


def yaw_of_matrix(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch"]:
    """Heading of a rotation in radians: its twist about +y (swing-twist decomposition).

    Unlike the projected forward axis, the twist stays smooth when a body bows or lies down; only
    a body turned upside down has none.
    """
    y = matrix[..., 0, 2] - matrix[..., 2, 0]
    w = 1 + matrix[..., 0, 0] + matrix[..., 1, 1] + matrix[..., 2, 2]
    return 2 * torch.atan2(y, w)


def turn_between(
    first: Float[Tensor, "*batch 3 3"], second: Float[Tensor, "*batch 3 3"]
) -> Float[Tensor, "*batch 3"]:
    """Rotation vector (radians, in the frame of ``first``) that leads to ``second``."""
    return matrix_to_axis_angle(first.transpose(-1, -2) @ second)


def slerp(
    start: Float[Tensor, "*batch 3 3"],
    end: Float[Tensor, "*batch 3 3"],
    weight: Float[Tensor, "*batch"],
) -> Float[Tensor, "*batch 3 3"]:
    """Go from ``start`` (weight 0) to ``end`` (weight 1) along the shortest rotation."""
    return start @ axis_angle_to_matrix(turn_between(start, end) * weight[..., None])
