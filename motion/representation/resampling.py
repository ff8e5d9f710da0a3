"""A motion at another frame rate."""

from dataclasses import replace

from motion.geometry import axis_angle_to_matrix, matrix_to_axis_angle
from motion.geometry.resample import resample_linear, resample_rotations
from motion.representation.motion import FPS, Motion, split_full_pose
from motion.representation.skeleton import NUM_JOINTS


def resample_motion(motion: Motion, fps: float = FPS) -> Motion:
    """Give the motion at ``fps`` frames per second; rotations on the shortest arc."""
    if motion.fps == fps:
        return motion
    matrix = axis_angle_to_matrix(motion.full_pose.reshape(-1, NUM_JOINTS, 3))
    pose = matrix_to_axis_angle(resample_rotations(matrix, motion.fps, fps)).flatten(-2)
    return replace(
        motion,
        **split_full_pose(pose),  # type: ignore[arg-type]
        transl=resample_linear(motion.transl, motion.fps, fps),
        expression=resample_linear(motion.expression, motion.fps, fps),
        fps=float(fps),
    )
