"""The legs of a motion in world space: read them, bend them to new ankles, write them back.

Axes: 2 sides (left, right); L = 4 leg joints (hip, knee, ankle, foot).
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from motion.geometry import axis_angle_to_matrix, matrix_to_axis_angle
from motion.geometry.inverse_kinematics import SOFT_REACH, TwoBoneChain, hinge_ik, soft_limit
from motion.representation import JOINT_INDEX, Motion, rest_offsets, sole_offsets

LEG = ("hip", "knee", "ankle", "foot")
SIDES = ("left", "right")
HIP, KNEE, ANKLE, FOOT = range(4)
HEEL, BALL, TIP = range(3)

LEG_JOINTS = tuple(tuple(JOINT_INDEX[f"{side}_{name}"] for side in SIDES) for name in LEG)
"""SMPL-X indices, [joint][side]."""


@dataclass(frozen=True)
class Legs:
    """World rotations and positions (metres) of both legs."""

    root_matrix: Float[Tensor, "T 3 3"]
    matrix: Float[Tensor, "T L 2 3 3"]
    position: Float[Tensor, "T L 2 3"]

    @classmethod
    def of(cls, motion: Motion) -> "Legs":
        """Read them by forward kinematics on the mean body."""
        pose = motion.body_pose.reshape(motion.num_frames, -1, 3)
        order = [joint - 1 for row in LEG_JOINTS for joint in row]
        local = axis_angle_to_matrix(torch.cat([motion.global_orient[:, None], pose[:, order]], 1))
        root, local = (
            local[:, 0],
            rearrange(local[:, 1:], "t (leg side) i j -> t leg side i j", side=2),
        )
        offsets = leg_offsets().to(local)
        above, place = root[:, None].expand(-1, 2, 3, 3), motion.root_position[:, None]
        matrices, positions = [], []
        for joint in range(len(LEG)):
            place = place + _turn(above, offsets[joint])
            above = above @ local[:, joint]
            matrices.append(above)
            positions.append(place)
        return cls(root, torch.stack(matrices, 1), torch.stack(positions, 1))

    @property
    def length(self) -> float:
        """Length of the straight leg from hip to ankle, metres."""
        return float(torch.linalg.vector_norm(leg_offsets()[[KNEE, ANKLE], 0], dim=-1).sum())

    def with_feet(self, ankle: Float[Tensor, "T 2 3 3"], foot: Float[Tensor, "T 2 3 3"]) -> "Legs":
        """Turn the feet in the world about their balls, which stay where they are.

        The ankle's place then no longer fits the shin's end until ``reaching`` bends the leg.
        """
        matrix = torch.stack([self.matrix[:, HIP], self.matrix[:, KNEE], ankle, foot], dim=1)
        ball = self.position[:, FOOT]
        place = ball - _turn(ankle, leg_offsets()[FOOT].to(ball))
        position = torch.stack([self.position[:, HIP], self.position[:, KNEE], place, ball], dim=1)
        return replace(self, matrix=matrix, position=position)

    def sole(self) -> Float[Tensor, "T 2 3 3"]:
        """Heel, ball and toe tip of each foot, on its sole."""
        offsets = _sole_table().to(self.position)  # (2, 3, 3)
        ankle, foot = self.matrix[:, ANKLE], self.matrix[:, FOOT]
        ball = self.position[:, FOOT]
        return torch.stack(
            [
                self.position[:, ANKLE] + _turn(ankle, offsets[:, HEEL]),
                ball + _turn(ankle, offsets[:, BALL]),
                ball + _turn(foot, offsets[:, TIP]),
            ],
            dim=2,
        )

    def reaching(self, root_shift: Float[Tensor, "T 3"], ankle: Float[Tensor, "T 2 3"]) -> "Legs":
        """Shift the hips and bend the legs so that the ankles are at ``ankle``; feet keep turned.

        Shin ends are taken from the knees, as positions of ankles may have been moved already.
        """
        start = self.position[:, HIP] + root_shift[:, None]
        middle = self.position[:, KNEE] + root_shift[:, None]
        hip, knee = self.matrix[:, HIP], self.matrix[:, KNEE]
        end = middle + _turn(knee, leg_offsets()[ANKLE].to(middle))
        chain = TwoBoneChain(
            start=start,
            middle=middle,
            end=end,
            upper_matrix=hip,
            lower_matrix=knee,
            hinge=knee[..., 0],
        )
        target = start + _without_snap(end - start, ankle - start, self.length)
        hip, knee = hinge_ik(chain, target)
        middle = start + _turn(hip, leg_offsets()[KNEE].to(start))
        end = middle + _turn(knee, leg_offsets()[ANKLE].to(start))
        foot = end + _turn(self.matrix[:, ANKLE], leg_offsets()[FOOT].to(start))
        matrix = torch.stack([hip, knee, self.matrix[:, ANKLE], self.matrix[:, FOOT]], dim=1)
        return replace(self, matrix=matrix, position=torch.stack([start, middle, end, foot], dim=1))

    def written_to(self, motion: Motion, root_shift: Float[Tensor, "T 3"]) -> Motion:
        """The motion with these legs, its root shifted (metres)."""
        above = torch.cat(
            [self.root_matrix[:, None, None].expand(-1, 1, 2, 3, 3), self.matrix[:, :-1]], dim=1
        )
        local = matrix_to_axis_angle(above.transpose(-1, -2) @ self.matrix)  # (T, L, 2, 3)
        pose = motion.body_pose.reshape(motion.num_frames, -1, 3).clone()
        for joint, row in enumerate(LEG_JOINTS):
            pose[:, [index - 1 for index in row]] = local[:, joint].to(pose)
        changed: dict[str, Any] = {"body_pose": pose.flatten(1)}
        return replace(motion, transl=motion.transl + root_shift, **changed)


def _without_snap(
    before: Float[Tensor, "T 2 3"], wanted: Float[Tensor, "T 2 3"], length: float
) -> Float[Tensor, "T 2 3"]:
    """Shorten a reach that would stretch the leg: near straight, knees move far for little."""
    distance = torch.linalg.vector_norm(wanted, dim=-1, keepdim=True)
    limited = torch.maximum(
        soft_limit(distance, length, SOFT_REACH * length),
        torch.linalg.vector_norm(before, dim=-1, keepdim=True),
    )
    shortened: Tensor = wanted * (torch.minimum(distance, limited) / distance.clamp(min=1e-6))
    return shortened


@cache
def leg_offsets() -> Float[Tensor, "L 2 3"]:
    """Position of each leg joint in its parent's frame, metres."""
    return rest_offsets()[torch.tensor(LEG_JOINTS)]


@cache
def _sole_table() -> Float[Tensor, "2 3 3"]:
    return torch.stack([sole_offsets(side) for side in SIDES])


def _turn(matrix: Float[Tensor, "T 2 3 3"], offset: Float[Tensor, "2 3"]) -> Float[Tensor, "T 2 3"]:
    return (matrix @ offset[..., None])[..., 0]
