"""Read any BVH file: its skeleton and its frames, in the file's own unit and rest pose.

What the joints mean is not decided here. End sites are kept as joints that never turn, named
``<parent> end``, because the end of a foot says where it points.
"""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from motion.errors import FormatError
from motion.geometry import axis_angle_to_matrix, forward_kinematics
from motion.geometry.resample import exact_fps

_CHANNELS = tuple(f"{axis}{kind}" for kind in ("position", "rotation") for axis in "XYZ")
_MIN_FRAME_TIME = 1e-4


@dataclass(frozen=True, kw_only=True)
class BvhFile:
    """A skeleton and its motion as a BVH file tells them."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Float[Tensor, "J 3"]
    """In the unit of the file."""
    root: Float[Tensor, "T 3"]
    """Position channels of the root, in the unit of the file."""
    local_matrix: Float[Tensor, "T J 3 3"]
    fps: Fraction

    def world(self) -> tuple[Float[Tensor, "T J 3 3"], Float[Tensor, "T J 3"]]:
        """World rotations and positions (unit of the file) of every joint."""
        return forward_kinematics(self.local_matrix, self.root, self.offsets, self.parents)


@dataclass
class _Joint:
    name: str
    parent: int
    offset: list[float] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)


def read_bvh_file(path: Path | str) -> BvhFile:
    """Read a BVH file.

    Raises:
        FormatError: The file is missing, cut off, or no BVH file; the message says where.
    """
    path = Path(path)
    try:
        lines = path.read_text("utf-8-sig", errors="replace").splitlines()
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror}") from error
    reader = _Lines(path, lines)
    joints = _read_hierarchy(reader)
    frame_time, values = _read_motion(reader, sum(len(joint.channels) for joint in joints))
    root, local = _pose(joints, values)
    return BvhFile(
        names=tuple(joint.name for joint in joints),
        parents=tuple(joint.parent for joint in joints),
        offsets=torch.tensor([joint.offset for joint in joints], dtype=torch.float32),
        root=root,
        local_matrix=local,
        fps=exact_fps(1 / frame_time),
    )


class _Lines:
    """Non-empty lines, split into words, with line numbers for complaints."""

    def __init__(self, path: Path, lines: list[str]) -> None:
        self.path = path
        self.lines = [(n, line.split()) for n, line in enumerate(lines, 1) if line.strip()]
        self.at = 0

    def next(self, expected: str) -> list[str]:
        """Give the next line's words."""
        if self.at >= len(self.lines):
            raise FormatError(f"{self.path} is cut off: expected {expected} at its end")
        self.at += 1
        return self.lines[self.at - 1][1]

    def wrong(self, expected: str) -> FormatError:
        """Complain about the line read last."""
        number, words = self.lines[max(self.at - 1, 0)] if self.lines else (1, [])
        found = " ".join(words[:6]) or "nothing"
        return FormatError(
            f"{self.path}, line {number}: expected {expected}, found '{found}'; "
            "is it a BVH file, and complete?"
        )


def _read_hierarchy(reader: _Lines) -> list[_Joint]:
    if [word.upper() for word in reader.next("HIERARCHY")] != ["HIERARCHY"]:
        raise reader.wrong("HIERARCHY")
    joints: list[_Joint] = []
    open_joints: list[int] = []
    while True:
        words = reader.next("more joints, or MOTION")
        key = words[0].upper()
        if key == "MOTION" and joints and not open_joints:
            return joints
        if key in ("ROOT", "JOINT", "END"):
            _open_joint(reader, words, joints, open_joints)
        elif key == "}" and open_joints:
            if not joints[open_joints[-1]].offset:
                raise reader.wrong(f"an OFFSET for {joints[open_joints[-1]].name} before this")
            open_joints.pop()
        elif key in ("OFFSET", "CHANNELS") and open_joints:
            _fill_joint(reader, words, joints[open_joints[-1]])
        else:
            raise reader.wrong("JOINT, End Site, OFFSET, CHANNELS, } or MOTION")


def _open_joint(
    reader: _Lines, words: list[str], joints: list[_Joint], open_joints: list[int]
) -> None:
    key = words[0].upper()
    if (key == "ROOT") == bool(joints) or (key != "ROOT" and not open_joints) or len(words) < 2:
        raise reader.wrong("one ROOT with all joints inside it")
    parent = open_joints[-1] if open_joints else -1
    name = f"{joints[parent].name} end" if key == "END" else " ".join(words[1:]).rstrip("{ ")
    joints.append(_Joint(name, parent))
    open_joints.append(len(joints) - 1)
    if words[-1] != "{" and reader.next("{") != ["{"]:
        raise reader.wrong("{")


def _fill_joint(reader: _Lines, words: list[str], joint: _Joint) -> None:
    try:
        if words[0].upper() == "OFFSET":
            joint.offset = [float(word) for word in words[1:4]]
            good = len(joint.offset) == 3 and all(map(math.isfinite, joint.offset))
        else:
            joint.channels = [word[0].upper() + word[1:].lower() for word in words[2:]]
            good = int(words[1]) == len(joint.channels) == len(set(joint.channels))
            good = good and set(joint.channels) <= set(_CHANNELS)
    except (ValueError, IndexError) as error:
        raise reader.wrong("OFFSET with three numbers, or CHANNELS with a count and names") from (
            error
        )
    if not good:
        raise reader.wrong(f"three finite numbers, or as many channels of {_CHANNELS} as counted")


def _read_motion(reader: _Lines, width: int) -> tuple[float, NDArray[np.float64]]:
    try:
        words = reader.next("'Frames: N'")
        num_frames = int(words[1])
        words = reader.next("'Frame Time: S'")
        frame_time = float(words[2])
    except (ValueError, IndexError) as error:
        raise reader.wrong("'Frames: N', then 'Frame Time: S'") from error
    if num_frames < 1 or not frame_time >= _MIN_FRAME_TIME or math.isinf(frame_time):
        raise reader.wrong("at least one frame and a positive frame time")
    rows = [words for _, words in reader.lines[reader.at : reader.at + num_frames]]
    if len(rows) < num_frames or any(len(row) != width for row in rows):
        bad = next((k for k, row in enumerate(rows) if len(row) != width), len(rows))
        found = len(rows[bad]) if bad < len(rows) else 0
        raise FormatError(
            f"{reader.path} is cut off or broken: frame {bad + 1} of {num_frames} has {found} "
            f"numbers, expected {width}"
        )
    try:
        values = np.array(rows, dtype=np.float64).reshape(num_frames, width)
    except ValueError as error:
        raise FormatError(f"{reader.path}: a frame holds something else than {error}") from error
    if not np.isfinite(values).all():
        frame = int(np.argwhere(~np.isfinite(values))[0, 0])
        raise FormatError(f"{reader.path}: frame {frame + 1} holds a number that is not finite")
    return frame_time, values


def _pose(
    joints: list[_Joint], values: NDArray[np.float64]
) -> tuple[Float[Tensor, "T 3"], Float[Tensor, "T J 3 3"]]:
    numbers = torch.from_numpy(values).to(torch.float32)
    root = torch.tensor(joints[0].offset, dtype=torch.float32).repeat(len(numbers), 1)
    local, column = [], 0
    for index, joint in enumerate(joints):
        turn = torch.eye(3).expand(len(numbers), 3, 3)
        for channel in joint.channels:
            axis = "XYZ".index(channel[0])
            if channel.endswith("rotation"):
                vector = torch.zeros(len(numbers), 3)
                vector[:, axis] = torch.deg2rad(numbers[:, column])
                turn = turn @ axis_angle_to_matrix(vector)
            elif index == 0:
                root[:, axis] = numbers[:, column]
            column += 1
        local.append(turn)
    return root, torch.stack(local, dim=1)
