"""``Motion``: SMPL-X parameters over time, the one record every room understands."""

from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import torch
from jaxtyping import Float
from torch import Tensor

from motion.errors import FormatError
from motion.geometry import axis_angle_to_matrix, forward_kinematics
from motion.representation.skeleton import (
    MIRROR_ORDER,
    NUM_JOINTS,
    PARENTS,
    rest_offsets,
    rest_positions,
)

FPS = 30
"""Frames per second of every motion inside the package; readers resample to it."""

PART_NAMES: tuple[str, ...] = ("lower", "upper", "left_hand", "right_hand", "face")
NUM_EXPRESSIONS = 10
FULL_POSE_WIDTHS: dict[str, int] = {
    "global_orient": 3,
    "body_pose": 63,
    "jaw_pose": 3,
    "leye_pose": 3,
    "reye_pose": 3,
    "left_hand_pose": 45,
    "right_hand_pose": 45,
}
"""Fields that make up ``full_pose``, in SMPL-X order, with their widths."""


@dataclass(frozen=True, kw_only=True)
class Motion:
    """A sequence of SMPL-X poses: axis-angle in radians, metres, y up, left at +x."""

    global_orient: Float[Tensor, "T 3"]
    transl: Float[Tensor, "T 3"]
    """SMPL-X translation: the pelvis stands at its rest position plus this."""
    body_pose: Float[Tensor, "T 63"]
    jaw_pose: Float[Tensor, "T 3"]
    leye_pose: Float[Tensor, "T 3"]
    reye_pose: Float[Tensor, "T 3"]
    left_hand_pose: Float[Tensor, "T 45"]
    right_hand_pose: Float[Tensor, "T 45"]
    expression: Float[Tensor, "T E"]
    betas: Float[Tensor, " S"] = field(default_factory=lambda: torch.zeros(10))
    fps: float = float(FPS)
    parts: frozenset[str] = frozenset(PART_NAMES)
    """Parts that were really captured or generated; the others hold a rest pose."""
    gender: str = "neutral"
    flat_hand_mean: bool = True
    """True: hand poses are relative to a flat hand; False: to the body file's relaxed hand."""
    source: str = ""
    """Where it comes from: a file or clip id."""

    def __post_init__(self) -> None:
        """Check that all fields have the same number of frames."""
        lengths = {f.name: len(getattr(self, f.name)) for f in fields(self) if f.name in _PER_FRAME}
        if len(set(lengths.values())) != 1:
            raise FormatError(f"all fields of a motion need the same frame count, got {lengths}")
        unknown = self.parts - set(PART_NAMES)
        if unknown:
            raise FormatError(f"unknown parts {sorted(unknown)}; known are {list(PART_NAMES)}")

    @property
    def num_frames(self) -> int:
        """Count of frames."""
        return len(self.transl)

    @property
    def duration_seconds(self) -> float:
        """Frames divided by frames per second."""
        return self.num_frames / self.fps

    @property
    def full_pose(self) -> Float[Tensor, "T 165"]:
        """All 55 joints in SMPL-X order."""
        return torch.cat([getattr(self, name) for name in FULL_POSE_WIDTHS], dim=-1)

    @property
    def root_position(self) -> Float[Tensor, "T 3"]:
        """World position of the pelvis joint (zero betas), metres."""
        return self.transl + rest_positions()[0].to(self.transl)

    def local_matrix(self, num_joints: int = NUM_JOINTS) -> Float[Tensor, "T J 3 3"]:
        """Local rotation of the first ``num_joints`` joints."""
        pose = self.full_pose[:, : 3 * num_joints]
        return axis_angle_to_matrix(pose.reshape(-1, num_joints, 3))

    def joints(self, num_joints: int = NUM_JOINTS) -> Float[Tensor, "T J 3"]:
        """World positions (metres) of the first ``num_joints`` joints of the mean body."""
        offsets = rest_offsets()[:num_joints].to(self.transl)
        matrix = self.local_matrix(num_joints)
        return forward_kinematics(matrix, self.root_position, offsets, PARENTS[:num_joints])[1]

    def frames(self, start: int, stop: int) -> Self:
        """Frames ``start`` to ``stop`` (half-open) as a motion of its own."""
        cut: dict[str, Any] = {name: getattr(self, name)[start:stop] for name in _PER_FRAME}
        return replace(self, **cut)

    def mirrored(self) -> Self:
        """The same motion seen in a mirror: left and right change places."""
        pose = self.full_pose.reshape(-1, NUM_JOINTS, 3)[:, list(MIRROR_ORDER)]
        pose = pose * pose.new_tensor([1.0, -1.0, -1.0])
        pose_fields: dict[str, Any] = {**split_full_pose(pose.flatten(-2))}
        transl = self.transl * self.transl.new_tensor([-1.0, 1.0, 1.0])
        swap = {"left_hand": "right_hand", "right_hand": "left_hand"}
        parts = frozenset(swap.get(part, part) for part in self.parts)
        return replace(self, **pose_fields, transl=transl, parts=parts)

    @classmethod
    def from_full_pose(
        cls,
        full_pose: Float[Tensor, "T 165"],
        transl: Float[Tensor, "T 3"],
        *,
        expression: Float[Tensor, "T E"] | None = None,
        **rest: Any,
    ) -> Self:
        """Build a motion of the 165 numbers a frame that AMASS-style files hold."""
        if expression is None:
            expression = full_pose.new_zeros(len(full_pose), NUM_EXPRESSIONS)
        values: dict[str, Any] = {**split_full_pose(full_pose), **rest}
        return cls(transl=transl, expression=expression, **values)


_PER_FRAME = (*FULL_POSE_WIDTHS, "transl", "expression")


def split_full_pose(full_pose: Float[Tensor, "T 165"]) -> dict[str, Tensor]:
    """Cut the 165 numbers of a pose into the SMPL-X fields."""
    pieces = torch.split(full_pose, list(FULL_POSE_WIDTHS.values()), dim=-1)
    return dict(zip(FULL_POSE_WIDTHS, pieces, strict=True))


def join_motions(pieces: list[Motion]) -> Motion:
    """Put motions of one fps one after the other, as they are."""
    joined: dict[str, Any] = {
        name: torch.cat([getattr(piece, name) for piece in pieces]) for name in _PER_FRAME
    }
    parts = frozenset.intersection(*(piece.parts for piece in pieces))
    return replace(pieces[0], **joined, parts=parts)


def num_frames_of(seconds: float, fps: float = FPS) -> int:
    """Frames that ``seconds`` last: round(seconds x fps)."""
    return round(seconds * fps)
