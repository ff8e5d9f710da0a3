"""Rotations, kinematics, retargeting, inverse kinematics and resampling: no knowledge of people."""

from motion.geometry.bridges import bridge_rotations, bridge_values
from motion.geometry.kinematics import forward_kinematics, local_from_world
from motion.geometry.rotations import (
    axis_angle_to_matrix,
    matrix_from_6d,
    matrix_to_6d,
    matrix_to_axis_angle,
    matrix_to_quat_wxyz,
    quat_wxyz_to_matrix,
    slerp,
    turn_between,
    yaw_of_matrix,
    yaw_to_matrix,
)

__all__ = [
    "axis_angle_to_matrix",
    "bridge_rotations",
    "bridge_values",
    "forward_kinematics",
    "local_from_world",
    "matrix_from_6d",
    "matrix_to_6d",
    "matrix_to_axis_angle",
    "matrix_to_quat_wxyz",
    "quat_wxyz_to_matrix",
    "slerp",
    "turn_between",
    "yaw_of_matrix",
    "yaw_to_matrix",
]
