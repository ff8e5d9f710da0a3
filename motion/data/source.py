"""``SourceMotion``: a captured motion on the skeleton it came with, before retargeting."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor

from motion.geometry import forward_kinematics
from motion.geometry.resample import resample_linear, resample_rotations


@dataclass(frozen=True, kw_only=True)
class SourceMotion:
    """Local rotations on a foreign skeleton: metres (or the file's own unit), y up."""

    name: str
    """File or clip id, for messages."""
    skeleton: str
    """Kind of skeleton: a key of the table in ``motion.data.skeletons``."""
    joint_names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Float[Tensor, "J 3"]
    root: Float[Tensor, "T 3"]
    local_matrix: Float[Tensor, "T J 3 3"]
    fps: Fraction

    @property
    def num_frames(self) -> int:
        """Count of frames."""
        return len(self.root)

    def world(self) -> tuple[Float[Tensor, "T J 3 3"], Float[Tensor, "T J 3"]]:
        """World rotations and positions of every joint."""
        return forward_kinematics(self.local_matrix, self.root, self.offsets, self.parents)

    def rest_positions(self) -> Float[Tensor, "J 3"]:
        """Joint positions with every rotation zero and the root at the origin."""
        identity = torch.eye(3).expand(len(self.parents), 3, 3)
        return forward_kinematics(identity, torch.zeros(3), self.offsets, self.parents)[1]

    def frames(self, start: int, stop: int) -> Self:
        """Frames ``start`` to ``stop`` (half-open)."""
        return replace(self, root=self.root[start:stop], local_matrix=self.local_matrix[start:stop])

    def resampled(self, fps: Fraction) -> Self:
        """The same motion at another frame rate."""
        if fps == self.fps:
            return self
        return replace(
            self,
            root=resample_linear(self.root, self.fps, fps),
            local_matrix=resample_rotations(self.local_matrix, self.fps, fps),
            fps=fps,
        )
