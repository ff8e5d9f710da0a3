"""Poses in the world as matrices, for blending motions; and whole motions moved about the floor."""

from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from jaxtyping import Float
from torch import Tensor

from motion.generate.keeping import root_of
from motion.geometry import (
    axis_angle_to_matrix,
    bridge_rotations,
    bridge_values,
    matrix_to_axis_angle,
    slerp,
    yaw_to_matrix,
)
from motion.representation import (
    Motion,
    RootState,
    rest_positions,
    split_full_pose,
)


@dataclass(frozen=True)
class Poses:
    """Where all joints of a body are turned to, and where its pelvis is."""

    matrix: Float[Tensor, "T J 3 3"]
    """Local rotations; that of the root is its world orientation."""
    position: Float[Tensor, "T 3"]
    """Pelvis in the world, metres."""

    @classmethod
    def of(cls, motion: Motion) -> Self:
        """Those of a motion."""
        return cls(motion.local_matrix(), motion.root_position)

    def blended(
        self, other: "Poses", joints: Float[Tensor, "T J"], place: Float[Tensor, " T"]
    ) -> "Poses":
        """Poses on the way to others.

        Args:
            other: Equally many poses.
            joints: Share of the other for each joint's rotation, 0 to 1.
            place: The same for the pelvis.
        """
        return Poses(
            slerp(self.matrix, other.matrix, joints),
            torch.lerp(self.position, other.position, place[:, None]),
        )

    def motion(self, like: Motion, expression: Float[Tensor, "T E"], **changes: Any) -> Motion:
        """Make a motion of them with everything else as another has it."""
        pose: dict[str, Any] = {**split_full_pose(matrix_to_axis_angle(self.matrix).flatten(-2))}
        transl = self.position - rest_positions()[0].to(self.position)
        return replace(like, **pose, transl=transl, expression=expression, **changes)


def bridged(before: Motion, after: Motion | None, count: int) -> Motion:
    """Frames between two motions by smooth interpolation alone.

    Args:
        before: Its last two frames say where the way begins and how fast.
        after: Its first two frames say where it ends; None: the movement fades out.
        count: Frames in between.
    """
    first = before.frames(max(0, before.num_frames - 2), before.num_frames)
    then = None if after is None else after.frames(0, 2)
    poses = Poses(
        bridge_rotations(
            first.local_matrix(), None if then is None else then.local_matrix(), count
        ),
        bridge_values(first.root_position, None if then is None else then.root_position, count),
    )
    expression = bridge_values(first.expression, None if then is None else then.expression, count)
    return poses.motion(first, expression)


def placed(motion: Motion, at: RootState) -> Motion:
    """The same motion turned about y and moved over the floor so that it begins at ``at``."""
    begin = root_of(motion)
    turn = yaw_to_matrix(at.yaw - begin.yaw)[0]
    orient = turn @ axis_angle_to_matrix(motion.global_orient)
    centre = torch.stack([begin.position[0, 0], torch.zeros(()), begin.position[0, 1]])
    aim = torch.stack([at.position[0, 0], torch.zeros(()), at.position[0, 1]])
    position = (motion.root_position - centre) @ turn.T + aim
    return replace(
        motion,
        global_orient=matrix_to_axis_angle(orient),
        transl=position - rest_positions()[0].to(position),
    )
