"""Motions as BVH files, for Blender, Maya, MotionBuilder, Unity and Unreal.

Conventions: y up, the person faces +z and rests in the T pose with all rotations zero; the root has
six channels, absolute positions first, and offset zero (some programs add that offset to the
positions and some do not; zero is read alike by all). Every other joint has ``Zrotation Xrotation
Yrotation`` in degrees, so that R = Rz Rx Ry. Lengths are centimetres by default, as game tools
expect; Blender reads one unit as one metre, so give it ``scale=0.01`` when importing or write
metres (``BvhConfig(units_per_metre=1)``). Proportions are those of the packaged neutral body.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from motion.errors import ConfigError, RequestError
from motion.formats.atomic import atomic_path
from motion.geometry import axis_angle_to_matrix
from motion.representation import JOINT_NAMES, PARENTS, Motion, rest_offsets

_LIMBS = {
    "hip": "UpLeg",
    "knee": "Leg",
    "ankle": "Foot",
    "foot": "ToeBase",
    "collar": "Shoulder",
    "shoulder": "Arm",
    "elbow": "ForeArm",
    "wrist": "Hand",
    "eye_smplhf": "Eye",
}
_TRUNK = {
    "pelvis": "Hips",
    "spine1": "Spine",
    "spine2": "Spine1",
    "spine3": "Spine2",
    "neck": "Neck",
    "head": "Head",
    "jaw": "Jaw",
}


def _bvh_name(joint: str) -> str:
    if joint in _TRUNK:
        return _TRUNK[joint]
    side, limb = joint.split("_", 1)
    if limb in _LIMBS:
        return side.capitalize() + _LIMBS[limb]
    return f"{side.capitalize()}Hand{limb.capitalize()}"  # a finger: left_index1


BVH_NAMES: tuple[str, ...] = tuple(_bvh_name(joint) for joint in JOINT_NAMES)
"""Name in the file of each of the 55 joints: those of Mixamo, which game tools know."""

FACE_JOINTS = frozenset({"jaw", "left_eye_smplhf", "right_eye_smplhf"})
_END_OFFSETS = {
    "head": (0.0, 0.17, 0.02),
    "jaw": (0.0, -0.03, 0.08),
    "left_eye_smplhf": (0.0, 0.0, 0.03),
    "right_eye_smplhf": (0.0, 0.0, 0.03),
    "left_foot": (0.0, -0.01, 0.07),
    "right_foot": (0.0, -0.01, 0.07),
}
"""Where a bone without a child ends, metres from its joint; fingers go on as they came."""
_FINGER_TIP = 0.8
"""Length of the last finger bone over the one before it."""


@dataclass(frozen=True, kw_only=True)
class BvhConfig:
    """How a BVH file is written."""

    units_per_metre: float = 100.0
    """100 writes centimetres, 1 metres."""
    include_face: bool = True
    """Whether jaw and eyes are joints of the file."""

    def __post_init__(self) -> None:
        """Check the values."""
        if not (math.isfinite(self.units_per_metre) and self.units_per_metre > 0):
            raise ConfigError(f"units_per_metre must be above zero, got {self.units_per_metre}")


def write_bvh(motion: Motion, path: Path | str, config: BvhConfig | None = None) -> None:
    """Write a motion with fingers (and jaw and eyes) as BVH.

    Raises:
        RequestError: The hand poses are relative to a relaxed hand, which a BVH file cannot say.
        OutputError: The file cannot be written.
    """
    if not motion.flat_hand_mean:
        raise RequestError(
            "the hand poses of this motion are relative to the relaxed hand of a body file; "
            "add it first with motion.body.BodyModel.load().with_flat_hands(motion)"
        )
    config = config or BvhConfig()
    order = [joint for joint, _ in _walk(config)]
    lines = ["HIERARCHY", *_hierarchy(config), "MOTION", f"Frames: {motion.num_frames}"]
    lines.append(f"Frame Time: {1 / motion.fps:.12g}")
    matrix = motion.full_pose.double()
    matrix = axis_angle_to_matrix(rearrange(matrix, "t (j c) -> t j c", c=3))[:, order]
    degrees = np.rad2deg(matrix_to_zxy(matrix.numpy()))
    root = motion.root_position.double().numpy() * config.units_per_metre
    rows = np.concatenate([root, degrees.reshape(len(degrees), -1)], axis=1)
    lines += [" ".join(f"{value:.6f}" for value in row) for row in rows]
    with atomic_path(Path(path)) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="ascii")


def _children(joint: int, config: BvhConfig) -> list[int]:
    return [
        child
        for child, parent in enumerate(PARENTS)
        if parent == joint and (config.include_face or JOINT_NAMES[child] not in FACE_JOINTS)
    ]


def _walk(config: BvhConfig, joint: int = 0, depth: int = 0) -> Iterator[tuple[int, int]]:
    """Joints with their depth, each before its children: the order of a BVH file."""
    yield joint, depth
    for child in _children(joint, config):
        yield from _walk(config, child, depth + 1)


def _hierarchy(config: BvhConfig) -> list[str]:
    lines = []
    joints = list(_walk(config))
    for place, (joint, depth) in enumerate(joints):
        offset = rest_offsets()[joint] if depth else torch.zeros(3)
        pad = "  " * depth
        channels = "Zrotation Xrotation Yrotation"
        if depth == 0:
            channels = f"Xposition Yposition Zposition {channels}"
        lines += [
            f"{pad}{'JOINT' if depth else 'ROOT'} {BVH_NAMES[joint]}",
            f"{pad}{{",
            f"{pad}  OFFSET {_triple(offset, config)}",
            f"{pad}  CHANNELS {len(channels.split())} {channels}",
        ]
        if not _children(joint, config):
            end = _triple(_end_offset(joint), config)
            lines += [f"{pad}  End Site", f"{pad}  {{", f"{pad}    OFFSET {end}", f"{pad}  }}"]
        next_depth = joints[place + 1][1] if place + 1 < len(joints) else 0
        lines += ["  " * level + "}" for level in range(depth, next_depth - 1, -1)]
    return lines


def _end_offset(joint: int) -> Float[Tensor, " 3"]:
    name = JOINT_NAMES[joint]
    if name in _END_OFFSETS:
        return torch.tensor(_END_OFFSETS[name])
    return rest_offsets()[joint] * _FINGER_TIP


def _triple(metres: Float[Tensor, " 3"], config: BvhConfig) -> str:
    return " ".join(f"{float(value) * config.units_per_metre:.6f}" for value in metres)


def matrix_to_zxy(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles z, x, y (radians) of R = Rz Rx Ry for T x J matrices, continuous over time.

    Of the two triples that give a rotation, and of all full turns of each, the one nearest to the
    frame before is taken: programs interpolate the angles one by one.
    """
    x = np.arcsin(np.clip(matrix[..., 2, 1], -1, 1))
    z = np.arctan2(-matrix[..., 0, 1], matrix[..., 1, 1])
    y = np.arctan2(-matrix[..., 2, 0], matrix[..., 2, 2])
    locked = np.hypot(matrix[..., 0, 1], matrix[..., 1, 1]) < 1e-6  # x is a right angle
    z = np.where(locked, np.arctan2(matrix[..., 1, 0], matrix[..., 0, 0]), z)
    angles = np.stack([z, x, np.where(locked, 0.0, y)], axis=-1)  # (T, J, 3)
    other = np.stack([angles[..., 0] + np.pi, np.pi - angles[..., 1], angles[..., 2] + np.pi], -1)
    for frame in range(1, len(angles)):
        before = angles[frame - 1]
        choices = np.stack([angles[frame], other[frame]])
        choices += 2 * np.pi * np.round((before - choices) / (2 * np.pi))
        nearer = np.abs(choices - before).sum(-1).argmin(0)  # (J,)
        angles[frame] = np.take_along_axis(choices, nearer[None, :, None], axis=0)[0]
    return angles
