"""``BodyModel``: joints and mesh of a motion.

Axis letters added: ``F`` triangles, ``C`` shape coefficients (betas), ``E`` expression
coefficients.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import torch
from einops import rearrange
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from motion.body.files import BodyArrays, find_body_file, read_body
from motion.body.skinning import (
    JointTree,
    SparseWeights,
    face_incidence,
    turned_offsets,
    vertex_normals,
)
from motion.body.smplx_engine import SmplxEngine
from motion.errors import ConfigError
from motion.geometry import axis_angle_to_matrix
from motion.representation import NUM_JOINTS, PARENTS, Motion, split_full_pose

HANDS = slice(25, 55)
"""Joints of the two hands among the 55."""


@dataclass(frozen=True, kw_only=True)
class BodyConfig:
    """How a body is moved."""

    coefficients: Literal["auto", "always", "never"] = "auto"
    """Whether a motion's betas and expression move the body. They are numbers in the shape space of
    one body file: those of SMPL-X data mean nothing to the packaged bodies. ``auto`` uses them for
    a licensed file and drops them for a packaged one; ``always`` is for motions that were made for
    the body at hand."""
    engine: Literal["torch", "smplx"] = "torch"
    """``torch``: our own skinning; ``smplx``: that package (extra ``body``), for comparison."""
    batch_frames: int = 64
    """Frames skinned at once; 64 take about 30 MB."""

    def __post_init__(self) -> None:
        """Check the values."""
        if self.coefficients not in ("auto", "always", "never"):
            raise ConfigError(f"coefficients must be auto, always or never: {self.coefficients!r}")
        if self.engine not in ("torch", "smplx"):
            raise ConfigError(f"engine must be torch or smplx, got {self.engine!r}")
        if self.batch_frames < 1:
            raise ConfigError(f"batch_frames must be at least 1, got {self.batch_frames}")


class BodyModel:
    """A skinned human that takes SMPL-X poses; immutable once made."""

    def __init__(self, arrays: BodyArrays, config: BodyConfig | None = None) -> None:
        self.arrays = arrays
        self.config = config or BodyConfig()
        self._tree = JointTree.of(PARENTS).to(arrays.template.device)
        self._weights = SparseWeights.of(arrays.weights)
        self._joint_expression_dirs = torch.einsum(
            "jv,vce->jce", arrays.joint_regressor, arrays.expression_dirs
        )
        moved = arrays.expression_dirs.abs().sum(dim=(1, 2)) > 0
        self._face_vertices = moved.nonzero()[:, 0]

    @classmethod
    def load(
        cls,
        source: Path | str | None = None,
        *,
        gender: str = "neutral",
        config: BodyConfig | None = None,
    ) -> Self:
        """Load a body.

        Args:
            source: A licensed SMPL-X npz file or the folder of them, or "neutral", "female", "male"
                for a packaged body. None: what the environment variable ``MOTION_SMPLX`` names,
                and without it the packaged body.
            gender: Which body when ``source`` does not say it.
            config: How it is moved.

        Raises:
            WeightsError: The file does not exist, is damaged or lacks arrays.
        """
        return cls(read_body(find_body_file(source, gender)), config)

    def to(self, device: torch.device | str) -> "BodyModel":
        """Give the same body on another device."""
        return BodyModel(self.arrays.to(device), self.config)

    @property
    def num_vertices(self) -> int:
        """Count of vertices."""
        return len(self.arrays.template)

    @property
    def faces(self) -> Int[Tensor, "F 3"]:
        """Triangles, counter-clockwise seen from outside."""
        return self.arrays.faces

    @property
    def colors(self) -> UInt8[Tensor, "V 3"]:
        """Colour of every vertex, sRGB."""
        return self.arrays.colors

    @cached_property
    def colors_linear(self) -> Float[Tensor, "V 3"]:
        """Colour of every vertex in linear light, 0 to 1, as renderers and glTF want it."""
        srgb = self.arrays.colors.float() / 255
        return torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)

    @property
    def uses_coefficients(self) -> bool:
        """Whether betas and expression of motions are applied to this body."""
        if self.config.coefficients == "auto":
            return not self.arrays.is_packaged
        return self.config.coefficients == "always"

    def betas_of(self, motion: Motion) -> Float[Tensor, " C"]:
        """The betas that shape this body for a motion: cut or filled with zeros to its count."""
        return self._fitted(motion.betas, self.arrays.shape_dirs.shape[2])

    def expression_of(self, motion: Motion) -> Float[Tensor, "T E"]:
        """The expression coefficients that move this body's face for a motion."""
        return self._fitted(motion.expression, self.arrays.expression_dirs.shape[2])

    def _fitted(self, values: Float[Tensor, "*T N"], width: int) -> Float[Tensor, "*T M"]:
        fitted = self.arrays.template.new_zeros(*values.shape[:-1], width)
        if self.uses_coefficients:
            shared = min(width, values.shape[-1])
            fitted[..., :shared] = values[..., :shared].to(fitted)
        return fitted

    def pose_of(self, motion: Motion) -> Float[Tensor, "T J 3"]:
        """Axis-angle of every joint, with the relaxed hand added where the motion asks for it."""
        pose = motion.full_pose.reshape(-1, NUM_JOINTS, 3).to(self.arrays.template)
        if motion.flat_hand_mean:
            return pose
        hands = pose[:, HANDS] + self.arrays.hands_mean.reshape(-1, 3)
        return torch.cat([pose[:, : HANDS.start], hands], dim=1)

    def with_flat_hands(self, motion: Motion) -> Motion:
        """Write the relaxed hand into the hand poses, for files that know only the flat hand."""
        pieces = split_full_pose(self.pose_of(motion).flatten(1))
        hands: dict[str, Any] = {
            name: pieces[name] for name in ("left_hand_pose", "right_hand_pose")
        }
        return replace(motion, flat_hand_mean=True, **hands)

    def rest_vertices(self, betas: Float[Tensor, " C"] | None = None) -> Float[Tensor, "V 3"]:
        """Mesh in the rest pose, metres; ``betas`` are this body's own, None the mean body."""
        if betas is None:
            return self.arrays.template
        return self.arrays.template + self.arrays.shape_dirs[:, :, : len(betas)] @ betas

    def rest_joints(self, betas: Float[Tensor, " C"] | None = None) -> Float[Tensor, "J 3"]:
        """Joints in the rest pose, metres."""
        return self.arrays.joint_regressor @ self.rest_vertices(betas)

    def joints(self, motion: Motion) -> Float[Tensor, "T J 3"]:
        """World positions of the 55 joints, metres."""
        position = self._posed_joints(motion)[2]
        return position + motion.transl.to(position)[:, None]

    def vertices(
        self, motion: Motion, start: int = 0, stop: int | None = None
    ) -> Float[Tensor, "T V 3"]:
        """World positions of the mesh, metres.

        Args:
            motion: What the body does.
            start: First frame.
            stop: Frame after the last one; None: to the end.
        """
        stop = motion.num_frames if stop is None else stop
        piece = motion.frames(start, stop)
        step = self.config.batch_frames
        batches = [piece.frames(i, i + step) for i in range(0, piece.num_frames, step)] or [piece]
        if self.config.engine == "smplx":
            return torch.cat([self._smplx_vertices(batch) for batch in batches])
        rest = self.rest_vertices(self.betas_of(motion))
        if len(batches) == 1:
            return self._skinned(batches[0], rest)
        return torch.cat([self._skinned(batch, rest) for batch in batches])

    def normals(self, vertices: Float[Tensor, "T V 3"]) -> Float[Tensor, "T V 3"]:
        """Unit vertex normals of meshes of this body."""
        return vertex_normals(vertices, self.arrays.faces, self._incidence)

    @cached_property
    def _incidence(self) -> Tensor:
        return face_incidence(self.arrays.faces, self.num_vertices)

    @cached_property
    def _smplx(self) -> SmplxEngine:
        return SmplxEngine(self.arrays)

    def _smplx_vertices(self, motion: Motion) -> Float[Tensor, "T V 3"]:
        pose, transl = self.pose_of(motion), motion.transl.to(self.arrays.template)
        return self._smplx.vertices(pose, transl, self.betas_of(motion), self.expression_of(motion))

    def _posed_joints(
        self, motion: Motion
    ) -> tuple[Float[Tensor, "T J 3 3"], Float[Tensor, "#T J 3"], Float[Tensor, "T J 3"]]:
        """World rotations, rest positions, and posed positions without the translation."""
        rest = self.rest_joints(self.betas_of(motion))[None]
        if self.uses_coefficients:
            # expressions move the regressed joints too, by fractions of a millimetre (as in smplx)
            expression = self.expression_of(motion)
            rest = rest + torch.einsum("jce,te->tjc", self._joint_expression_dirs, expression)
        local_matrix = axis_angle_to_matrix(self.pose_of(motion))
        rotation, position = self._tree.world(local_matrix, rest)
        return rotation, rest, position

    def _skinned(self, motion: Motion, rest_vertices: Float[Tensor, "V 3"]) -> Tensor:
        rotation, rest, position = self._posed_joints(motion)
        translation = position - (rotation @ rest[..., None])[..., 0]
        vertices = self._weights.skin(rest_vertices, rotation, translation)
        arrays = self.arrays
        if self.uses_coefficients and len(self._face_vertices):
            rows = self._face_vertices
            offsets = torch.einsum(
                "rce,te->trc", arrays.expression_dirs[rows], self.expression_of(motion)
            )
            vertices[:, rows] += turned_offsets(arrays.weights[rows], rotation, offsets)
        if arrays.pose_dirs is not None:
            local_matrix = axis_angle_to_matrix(self.pose_of(motion)[:, 1:])
            bend = local_matrix - torch.eye(3).to(local_matrix)
            offsets = torch.einsum(
                "vcp,tp->tvc", arrays.pose_dirs, rearrange(bend, "t j row c -> t (j row c)")
            )
            vertices += turned_offsets(arrays.weights, rotation, offsets)
        # added last, as smplx does: the weights of a vertex sum to one only within 2e-5
        return vertices + motion.transl.to(vertices)[:, None]
