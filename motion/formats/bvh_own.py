"""Read back the BVH files that this package writes, exactly: no retargeting.

They are told by their joint names and proportions; unit, channel order and frame rate may differ,
so files that went through an editor come back too. Skeletons of others need retargeting.
"""

from pathlib import Path

import numpy as np
import torch

from motion.errors import FormatError
from motion.formats.bvh import BVH_NAMES, FACE_JOINTS
from motion.formats.bvh_reading import BvhFile, read_bvh_file
from motion.formats.npz import moving_parts
from motion.geometry import matrix_to_axis_angle
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
_END = " end"
"""What the reader adds to a joint's name for the end of its bone."""


def read_bvh(path: Path | str) -> Motion:
    """Read a BVH file of this package's skeleton, at the fps of the file.

    A BVH file does not say what was captured: hands and face that never move count as absent.

    Raises:
        FormatError: The file is damaged, or holds another skeleton.
    """
    path = Path(path)
    file = read_bvh_file(path)
    columns = [index for index, name in enumerate(file.names) if not name.endswith(_END)]
    names = [file.names[index] for index in columns]
    scale = _units_per_metre(path, file, columns)
    pose = torch.zeros(len(file.root), NUM_JOINTS, 3)
    joints = [_JOINT_OF_NAME[name] for name in names]
    pose[:, joints] = matrix_to_axis_angle(file.local_matrix[:, columns])
    full_pose = pose.flatten(1)
    given = frozenset(PART_NAMES) - (frozenset() if set(names) >= _FACE_NAMES else {"face"})
    no_expression = np.zeros((len(pose), 1), np.float32)
    return Motion.from_full_pose(
        full_pose,
        file.root / scale - rest_positions()[0],
        fps=float(file.fps),
        parts=moving_parts(full_pose.numpy(), no_expression, given),
        source=path.stem,
    )


def _units_per_metre(path: Path, file: BvhFile, columns: list[int]) -> float:
    """Scale of the file; its joints must be ours."""
    names = [file.names[index] for index in columns]
    unknown = sorted(set(names) - set(_JOINT_OF_NAME))
    missing = sorted(set(_JOINT_OF_NAME) - set(names) - _FACE_NAMES)
    if unknown or missing or len(set(names)) != len(names):
        raise FormatError(
            f"{path} holds another skeleton than the one this package writes (missing: "
            f"{missing[:3] or 'none'}, unknown: {unknown[:3] or 'none'}); retarget it first, "
            "for example with 'motion prepare bvh'"
        )
    joints = [_JOINT_OF_NAME[name] for name in names]
    parents = [file.parents[index] for index in columns]
    in_tree = [-1 if p < 0 else _JOINT_OF_NAME[file.names[p]] for p in parents]
    ours, theirs = rest_offsets()[joints[1:]], file.offsets[columns[1:]]
    scale = float(theirs.norm(dim=1).sum() / ours.norm(dim=1).sum())
    difference = (theirs / max(scale, 1e-12) - ours).norm(dim=1)
    if in_tree != [PARENTS[j] for j in joints] or float(difference.max()) > _MAX_DIFFERENCE:
        worst = names[int(difference.argmax()) + 1]
        raise FormatError(
            f"{path} has our joint names but other bones (most of all {worst}); retarget it "
            "first, for example with 'motion prepare bvh'"
        )
    return scale
