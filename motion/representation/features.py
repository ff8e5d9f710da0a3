"""``Motion`` <-> feature vectors per part (DESIGN section 5), whole or as a stream.

The root is told by its height, its planar velocity in the heading frame and its yaw rate, so a
motion's features do not depend on where it starts or which way it faces; integrating them gives a
motion that starts at the origin facing +z. Velocity and yaw rate of frame t lead from frame t-1 to
frame t; both are zero in frame 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from motion.geometry import (
    axis_angle_to_matrix,
    forward_kinematics,
    matrix_from_6d,
    matrix_to_6d,
    matrix_to_axis_angle,
    yaw_of_matrix,
    yaw_to_matrix,
)
from motion.representation.motion import FPS, NUM_EXPRESSIONS, Motion
from motion.representation.parts import PARTS
from motion.representation.skeleton import (
    FOOT_JOINTS,
    JOINT_INDEX,
    NUM_BODY_JOINTS,
    NUM_JOINTS,
    PARENTS,
    SOLE_HEIGHT,
    rest_offsets,
    rest_positions,
)

CONTACT_SPEED = 0.35
"""A foot joint slower than this (metres a second) and near the floor counts as planted."""
CONTACT_HEIGHT = 0.05
"""Metres above its height in the rest pose up to which a foot joint can be planted."""


@dataclass(frozen=True)
class RootState:
    """Where integration stands: heading (radians) and planar position (x, z in metres)."""

    yaw: Float[Tensor, " B"]
    position: Float[Tensor, "B 2"]

    @classmethod
    def origin(cls, batch: int, like: Tensor) -> "RootState":
        """At the origin, facing +z."""
        return cls(yaw=like.new_zeros(batch), position=like.new_zeros(batch, 2))


@dataclass(frozen=True)
class RootPath:
    """The integrated root: world orientation and position of every frame."""

    orientation: Float[Tensor, "B T 3 3"]
    position: Float[Tensor, "B T 3"]
    yaw: Float[Tensor, "B T"]

    @property
    def end(self) -> RootState:
        """State from which the next chunk goes on."""
        return RootState(yaw=self.yaw[:, -1], position=self.position[:, -1][:, [0, 2]])


def foot_contact(joints: Float[Tensor, "T J 3"]) -> Bool[Tensor, "T 4"]:
    """Which foot joints are planted: slow and near the floor (y = 0)."""
    feet = [JOINT_INDEX[name] for name in FOOT_JOINTS]
    position = joints[:, feet]
    speed = torch.zeros_like(position[..., 0])
    if len(joints) > 1:
        step = torch.linalg.vector_norm(torch.diff(position, dim=0), dim=-1) * FPS
        speed = torch.cat([step[:1], step])
    rest = rest_positions()[feet, 1].to(joints) - SOLE_HEIGHT
    return (speed < CONTACT_SPEED) & (position[..., 1] < rest + CONTACT_HEIGHT)


def _root_features(motion: Motion) -> list[Float[Tensor, "T _"]]:
    matrix = axis_angle_to_matrix(motion.global_orient)
    yaw = yaw_of_matrix(matrix)
    turn = torch.diff(yaw, prepend=yaw[:1])
    turn = torch.remainder(turn + torch.pi, 2 * torch.pi) - torch.pi
    position = motion.root_position
    step = torch.diff(position, dim=0, prepend=position[:1])
    before = torch.cat([yaw[:1], yaw[:-1]])
    local_step = torch.einsum("tji,tj->ti", yaw_to_matrix(before), step)
    heading_free = yaw_to_matrix(-yaw) @ matrix
    return [
        position[:, 1:2],
        local_step[:, [0, 2]] * FPS,
        turn[:, None] * FPS,
        matrix_to_6d(heading_free),
    ]


def extract_features(motion: Motion) -> dict[str, Float[Tensor, "T _"]]:
    """Feature vectors of every part that the motion really has.

    Args:
        motion: At 30 fps.
    """
    if motion.fps != FPS:
        raise ValueError(f"features need {FPS} frames per second, the motion has {motion.fps}")
    local = motion.local_matrix()
    result: dict[str, Tensor] = {}
    for name, part in PARTS.items():
        if name not in motion.parts:
            continue
        columns = [matrix_to_6d(local[:, part.joint_indices]).flatten(-2)]
        if name == "lower":
            contact = foot_contact(motion.joints(NUM_BODY_JOINTS)).to(local)
            columns = [*_root_features(motion), *columns, contact]
        if name == "face":
            columns.append(motion.expression[:, :NUM_EXPRESSIONS])
        result[name] = torch.cat(columns, dim=-1)
    return result


def integrate_root(lower: Float[Tensor, "B T D"], start: RootState | None = None) -> RootPath:
    """Follow velocities and yaw rates of the lower part's features into world space."""
    slices = PARTS["lower"].slices
    start = start or RootState.origin(len(lower), lower)
    turn = lower[..., slices["yaw_rate"]][..., 0] / FPS
    yaw = start.yaw[:, None] + torch.cumsum(turn, dim=1)
    before = torch.cat([start.yaw[:, None], yaw[:, :-1]], dim=1)
    step = lower[..., slices["planar_velocity"]] / FPS
    sine, cosine = torch.sin(before), torch.cos(before)
    world_x = cosine * step[..., 0] + sine * step[..., 1]
    world_z = cosine * step[..., 1] - sine * step[..., 0]
    planar = start.position[:, None] + torch.cumsum(torch.stack([world_x, world_z], -1), dim=1)
    height = lower[..., slices["root_height"]][..., 0]
    orientation = yaw_to_matrix(yaw) @ matrix_from_6d(lower[..., slices["root_orient_6d"]])
    position = torch.stack([planar[..., 0], height, planar[..., 1]], dim=-1)
    return RootPath(orientation=orientation, position=position, yaw=yaw)


def local_rotations(
    features: Mapping[str, Float[Tensor, "B T _"]], num_joints: int = NUM_BODY_JOINTS
) -> Float[Tensor, "B T J 3 3"]:
    """Local joint rotations that features tell; absent joints are the identity, the root too."""
    some = next(iter(features.values()))
    identity = torch.eye(3, dtype=some.dtype, device=some.device)
    columns = [identity.expand(*some.shape[:2], 1, 3, 3)] * num_joints
    for name, values in features.items():
        part = PARTS[name]
        sixd = values[..., part.slices["joints_6d"]].reshape(*values.shape[:2], -1, 6)
        matrix = matrix_from_6d(sixd)
        for place, joint in enumerate(part.joint_indices):
            if joint < num_joints:
                columns[joint] = matrix[..., place : place + 1, :, :]
    return torch.cat(columns, dim=-3)


def body_joints(
    features: Mapping[str, Float[Tensor, "B T _"]], path: RootPath | None = None
) -> Float[Tensor, "B T 22 3"]:
    """World joint positions (metres) by forward kinematics on the mean body."""
    path = path or integrate_root(features["lower"])
    local = local_rotations(features)
    local = torch.cat([path.orientation[..., None, :, :], local[..., 1:, :, :]], dim=-3)
    offsets = rest_offsets()[:NUM_BODY_JOINTS].to(local)
    return forward_kinematics(local, path.position, offsets, PARENTS[:NUM_BODY_JOINTS])[1]


def motion_from_features(
    features: Mapping[str, Float[Tensor, "T _"]],
    start: RootState | None = None,
    **rest: Any,
) -> tuple[Motion, RootState]:
    """Build a motion of one clip's features and say where its root ends.

    Args:
        features: Part name to feature vectors; ``lower`` must be there. Absent parts rest.
        start: Root state before the first frame; the origin when None.
        rest: Further fields of ``Motion``, such as ``source``.
    """
    batch = {name: values[None].float() for name, values in features.items()}
    path = integrate_root(batch["lower"], start)
    local = local_rotations(batch, NUM_JOINTS)[0]
    local = torch.cat([path.orientation[0, :, None], local[:, 1:]], dim=1)
    pose = matrix_to_axis_angle(local).flatten(-2)
    expression = None
    if "face" in batch:
        expression = batch["face"][0][:, PARTS["face"].slices["expression"]]
    transl = path.position[0] - rest_positions()[0].to(path.position)
    motion = Motion.from_full_pose(
        pose, transl, expression=expression, parts=frozenset(features), **rest
    )
    return motion, path.end
