"""Joint names and rotations for building the body."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from motion.representation import JOINT_INDEX, JOINT_NAMES

Array = NDArray[Any]

FINGERS = ("index", "middle", "pinky", "ring", "thumb")
"""SMPL-X order inside a hand."""
IDX = JOINT_INDEX
NAMES = JOINT_NAMES
MH_FINGER = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "pinky": 5}
SKIN_VERTICES = 13380
"""The first vertices of the MakeHuman mesh: skin; helpers (clothes, eyes, teeth) follow."""
PELVIS_AT = np.array([0.0, -0.35, 0.01])
"""Origin near the chest, as SMPL-X has it."""


def unit(a: Array) -> Array:
    """Vector of length one."""
    return a / np.linalg.norm(a)


def axis_rot(axis: Any, deg: float) -> Array:
    """Rotation by degrees about an axis."""
    a = unit(np.asarray(axis, float))
    t = np.radians(deg)
    K = np.array([[0, -a[2], a[1]], [a[2], 0, -a[0]], [-a[1], a[0], 0]])
    return np.eye(3) + np.sin(t) * K + (1 - np.cos(t)) * K @ K


def swing(a: Array, b: Array) -> Array:
    """Smallest rotation that takes direction a to direction b."""
    a, b = unit(a), unit(b)
    c, d = np.cross(a, b), float(a @ b)
    s = np.linalg.norm(c)
    return np.eye(3) if s < 1e-9 else axis_rot(c, np.degrees(np.arctan2(s, d)))


def frame(x: Array, up: Array) -> Array:
    """Axes with x as given and y near up, as columns."""
    x = unit(x)
    z = unit(np.cross(x, up))
    return np.stack([x, np.cross(z, x), z], 1)


def twist_angle(R: Array, axis: Array) -> float:
    """Angle (deg) of the part of R that turns about axis."""
    a = unit(axis)
    q = np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]])
    w = np.sqrt(max(0.0, 1 + np.trace(R))) / 2
    xyz = q / (4 * max(w, 1e-9))
    return np.degrees(2 * np.arctan2(xyz @ a, w))
