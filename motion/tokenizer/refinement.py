"""Second decoder stage: correct the root by what the feet do.

UDE-2 decodes the local pose first and then refines the global root and contacts from it
(arXiv 2311.16471, section 3.2). Here stage two sees the decoded root features, where the feet are
and how they move against the root (forward kinematics), and adds a correction to height, planar
velocity and yaw rate: a planted foot tells how the root must move. It starts as the identity.
"""

from itertools import pairwise

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from motion.geometry import forward_kinematics, matrix_from_6d
from motion.representation import FOOT_JOINTS, FPS, JOINT_INDEX, PARENTS, PARTS, rest_offsets

REFINED_BLOCKS = ("root_height", "planar_velocity", "yaw_rate")
KERNEL = 5
NUM_LAYERS = 3
LEG_JOINTS = (0, 1, 2, 4, 5, 7, 8, 10, 11)
"""Root, hips, knees, ankles, feet: the joints stage two computes."""


class RootRefiner(nn.Module):
    """Adds a learned correction to the root blocks of the lower part's features."""

    def __init__(self, width: int) -> None:
        super().__init__()
        slices = PARTS["lower"].slices
        self.columns = [
            column
            for name in REFINED_BLOCKS
            for column in range(slices[name].start, slices[name].stop)
        ]
        num_inputs = len(self.columns) + 2 * 3 * len(FOOT_JOINTS) + len(FOOT_JOINTS)
        sizes = [num_inputs, *[width] * (NUM_LAYERS - 1), len(self.columns)]
        self.layers = nn.ModuleList(
            nn.Conv1d(a, b, KERNEL, padding=KERNEL // 2) for a, b in pairwise(sizes)
        )
        nn.init.zeros_(self.layers[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.layers[-1].bias)  # type: ignore[arg-type]

    @property
    def halo_frames(self) -> int:
        """Frames on either side that a corrected frame can depend on."""
        return NUM_LAYERS * (KERNEL // 2) + 1

    def forward(
        self, lower: Float[Tensor, "B T D"], mask: Float[Tensor, "B T 1"] | None = None
    ) -> Float[Tensor, "B T D"]:
        """Correct the root of features in metres and radians; padding reads as zeros."""
        feet = feet_from_root(lower)
        speed = torch.diff(feet, dim=1, prepend=feet[:, :1]) * FPS
        contact = lower[..., PARTS["lower"].slices["foot_contact"]]
        x = torch.cat([lower[..., self.columns], feet, speed, contact], dim=-1)
        for index, layer in enumerate(self.layers):
            x = x if mask is None else x * mask
            x = rearrange(layer(rearrange(x, "B T C -> B C T")), "B C T -> B T C")
            if index < NUM_LAYERS - 1:
                x = nn.functional.gelu(x)
        full = torch.zeros_like(lower)
        full[..., self.columns] = x
        return lower + full


def feet_from_root(lower: Float[Tensor, "B T D"]) -> Float[Tensor, "B T 12"]:
    """Positions of the four foot joints from the root, in the heading frame, metres."""
    part = PARTS["lower"]
    sixd = lower[..., part.slices["joints_6d"]]
    local = matrix_from_6d(rearrange(sixd, "B T (J d) -> B T J d", d=6))
    root = matrix_from_6d(lower[..., part.slices["root_orient_6d"]])
    order = [part.joint_indices.index(joint) for joint in LEG_JOINTS[1:]]
    matrix = torch.cat([root[..., None, :, :], local[..., order, :, :]], dim=-3)
    parents = [-1, *(LEG_JOINTS.index(PARENTS[joint]) for joint in LEG_JOINTS[1:])]
    offsets = rest_offsets()[list(LEG_JOINTS)].to(lower)
    joints = forward_kinematics(matrix, lower.new_zeros(*lower.shape[:2], 3), offsets, parents)[1]
    feet = [LEG_JOINTS.index(JOINT_INDEX[name]) for name in FOOT_JOINTS]
    return rearrange(joints[..., feet, :], "B T J c -> B T (J c)")
