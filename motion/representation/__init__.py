"""``Motion``, the skeleton, the parts, and features <-> pose."""

from motion.representation.motion import (
    FPS,
    FULL_POSE_WIDTHS,
    NUM_EXPRESSIONS,
    PART_NAMES,
    Motion,
    join_motions,
    num_frames_of,
    split_full_pose,
)
from motion.representation.skeleton import (
    FOOT_JOINTS,
    JOINT_INDEX,
    JOINT_NAMES,
    MIRROR_ORDER,
    NUM_BODY_JOINTS,
    NUM_HAND_JOINTS,
    NUM_JOINTS,
    PARENTS,
    SOLE_HEIGHT,
    mirror_name,
    rest_offsets,
    rest_positions,
)

__all__ = [
    "FOOT_JOINTS",
    "FPS",
    "FULL_POSE_WIDTHS",
    "JOINT_INDEX",
    "JOINT_NAMES",
    "MIRROR_ORDER",
    "NUM_BODY_JOINTS",
    "NUM_EXPRESSIONS",
    "NUM_HAND_JOINTS",
    "NUM_JOINTS",
    "PARENTS",
    "PART_NAMES",
    "SOLE_HEIGHT",
    "Motion",
    "join_motions",
    "mirror_name",
    "num_frames_of",
    "rest_offsets",
    "rest_positions",
    "split_full_pose",
]
