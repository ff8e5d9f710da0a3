"""Read back the BVH files that this package writes, exactly: no retargeting.

They are told by their joint names and proportions; unit, channel order and frame rate may differ,
so files that went through an editor come back too. Skeletons of others need retargeting.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from motion.errors import FormatError
from motion.formats.bvh import BVH_NAMES, FACE_JOINTS
from motion.formats.npz import moving_parts
from motion.geometry import matrix_to_axis_angle
from motion.geometry.resample import exact_fps
from motion.representation import (
    JOINT_NAMES,
    NUM_JOINTS,
    PARENTS,
    PART_NAMES,
    Motion,
    rest_offsets,
    rest_positions,
)

_JOINT_OF_NAME = {name: joint for joint, name in enumerate(BVH_NAMES)}
_FACE_NAMES = {BVH_NAMES[JOINT_NAMES.index(joint)] for joint in FACE_JOINTS}
_MAX_DIFFERENCE = 0.01
"""Metres between a joint's offset and that of our skeleton; more is another skeleton."""
_AXES = {"X": 0, "Y": 1, "Z": 2}


@dataclass(frozen=True)
class _File:
    """What a BVH file says, in its own unit and degrees."""

    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    offsets: list[list[float]] = field(default_factory=list)
    channels: list[list[str]] = field(default_factory=list)


def read_bvh(path: Path | str) -> Motion:
    """Read a BVH file of this package's skeleton, at the fps of the file.

    A BVH file does not say what was captured: hands and face that never move count as absent.

    Raises:
        FormatError: The file is damaged, or holds another skeleton.
    """
    path = Path(path)
    try:
        tokens = path.read_text(encoding="utf-8", errors="replace").split()
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}") from error
    if "MOTION" not in tokens or tokens[0] != "HIERARCHY":
        raise FormatError(f"{path} is no BVH file: expected HIERARCHY at its start, then MOTION")
    start = tokens.index("MOTION")
    try:
        file = _hierarchy(tokens[1:start])
        frame_time, rows = _frames(tokens[start + 1 :])
    except (IndexError, ValueError) as error:
        raise FormatError(f"{path} is cut off or damaged ({error})") from error
    width = sum(map(len, file.channels))
    num_frames, rest = divmod(rows.size, max(width, 1))
    if rest or num_frames == 0 or not np.isfinite(rows).all() or not frame_time > 0:
        raise FormatError(
            f"{path} is cut off or damaged: {rows.size} numbers do not make whole frames of "
            f"{width} finite values, or its frame time {frame_time} is not positive"
        )
    scale = _units_per_metre(path, file)
    return _motion(path, file, rows.reshape(num_frames, width), scale, 1 / frame_time)


def _hierarchy(tokens: list[str]) -> _File:
    file = _File()
    stack: list[int] = []
    current = -1  # -2: the end of a bone, which is no joint
    for place, token in enumerate(tokens):
        if token in ("ROOT", "JOINT"):
            file.names.append(tokens[place + 1])
            file.parents.append(stack[-1] if stack else -1)
            current = len(file.names) - 1
        elif token == "End":
            current = -2
        elif token == "{":
            stack.append(current)
        elif token == "}":
            stack.pop()
        elif token == "OFFSET" and stack[-1] >= 0:
            file.offsets.append([float(value) for value in tokens[place + 1 : place + 4]])
        elif token == "CHANNELS":
            count = int(tokens[place + 1])
            file.channels.append(tokens[place + 2 : place + 2 + count])
    if stack or not len(file.names) == len(file.offsets) == len(file.channels):
        raise ValueError("its HIERARCHY is not closed")
    return file


def _frames(tokens: list[str]) -> tuple[float, NDArray[np.float64]]:
    """Frame time in seconds and all numbers after it."""
    if tokens[0] != "Frames:" or tokens[2:4] != ["Frame", "Time:"]:
        raise ValueError("expected 'Frames:' and 'Frame Time:' after MOTION")
    rows = np.array(tokens[5:], dtype=np.float64)
    if int(tokens[1]) and rows.size % int(tokens[1]):
        raise ValueError(f"{rows.size} numbers do not make {tokens[1]} frames")
    return float(tokens[4]), rows


def _units_per_metre(path: Path, file: _File) -> float:
    """Scale of the file; its joints must be ours."""
    names = set(file.names)
    unknown = sorted(names - set(_JOINT_OF_NAME))
    missing = sorted(set(_JOINT_OF_NAME) - names - _FACE_NAMES)
    if unknown or missing or len(names) != len(file.names):
        raise FormatError(
            f"{path} holds another skeleton than the one this package writes (missing: "
            f"{missing[:3] or 'none'}, unknown: {unknown[:3] or 'none'}); retarget it first, "
            "for example with 'motion prepare bvh'"
        )
    joints = [_JOINT_OF_NAME[name] for name in file.names]
    ours = rest_offsets()[joints[1:]].double()
    theirs = torch.tensor(file.offsets[1:], dtype=torch.float64)
    scale = float(theirs.norm(dim=1).sum() / ours.norm(dim=1).sum())
    difference = (theirs / max(scale, 1e-12) - ours).norm(dim=1)
    in_order = [-1 if p < 0 else joints[p] for p in file.parents] == [PARENTS[j] for j in joints]
    if not in_order or not scale > 0 or float(difference.max()) > _MAX_DIFFERENCE:
        worst = file.names[int(difference.argmax()) + 1]
        raise FormatError(
            f"{path} has our joint names but other bones (first {worst}); retarget it first, "
            "for example with 'motion prepare bvh'"
        )
    return scale


def _motion(
    path: Path, file: _File, rows: NDArray[np.float64], units_per_metre: float, fps: float
) -> Motion:
    pose = torch.zeros(len(rows), NUM_JOINTS, 3)
    pelvis = torch.tensor(file.offsets[0], dtype=torch.float64).expand(len(rows), 3)
    column = 0
    for name, channels in zip(file.names, file.channels, strict=True):
        values = torch.from_numpy(rows[:, column : column + len(channels)])
        column += len(channels)
        matrix, position = _local(channels, values)
        pose[:, _JOINT_OF_NAME[name]] = matrix_to_axis_angle(matrix).float()
        if name == file.names[0] and position is not None:
            pelvis = position
    full_pose = pose.flatten(1)
    still = np.zeros((len(rows), 1), np.float32)
    has_face = set(file.names) >= _FACE_NAMES
    given = frozenset(PART_NAMES) - (frozenset() if has_face else {"face"})
    return Motion.from_full_pose(
        full_pose,
        (pelvis / units_per_metre).float() - rest_positions()[0],
        fps=float(exact_fps(fps)),
        parts=moving_parts(full_pose.numpy(), still, given),
        source=path.stem,
    )


def _local(
    channels: list[str], values: Float[Tensor, "T C"]
) -> tuple[Float[Tensor, "T 3 3"], Float[Tensor, "T 3"] | None]:
    """Rotation of one joint, its channels applied in their order, and its position channels."""
    matrix = torch.eye(3, dtype=values.dtype).expand(len(values), 3, 3)
    position = values.new_zeros(len(values), 3)
    has_position = False
    for index, channel in enumerate(channels):
        axis = _AXES[channel[:1].upper()]
        if channel.lower().endswith("position"):
            position[:, axis] = values[:, index]
            has_position = True
        else:
            matrix = matrix @ _turn(axis, torch.deg2rad(values[:, index]))
    return matrix, position if has_position else None


def _turn(axis: int, angle: Float[Tensor, " T"]) -> Float[Tensor, "T 3 3"]:
    """Rotation about one of the axes x, y, z."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = torch.eye(3, dtype=angle.dtype).repeat(len(angle), 1, 1)
    matrix[:, first, first] = matrix[:, second, second] = torch.cos(angle)
    matrix[:, second, first] = torch.sin(angle)
    matrix[:, first, second] = -torch.sin(angle)
    return matrix
