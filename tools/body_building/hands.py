"""A relaxed hand and a basis of hand movements, of our own design.

Left hand: fingers along +x, palm down, so a curl is a negative turn about z; right hand mirrored.
"""

import numpy as np

from body_building.skeleton import FINGERS, Array

_FAN = {"index": 3.0, "middle": -8.0, "pinky": -28.0, "ring": -13.0}
"""Degrees by which each finger points aside."""
_CURL = {
    finger: np.array([np.sin(np.radians(a)), 0, -np.cos(np.radians(a))])
    for finger, a in _FAN.items()
}
_CURLS = np.concatenate([np.tile(_CURL[f], (3, 1)) for f in FINGERS[:4]])  # 12 x 3
_STRENGTH = {"index": 0.8, "middle": 1.0, "ring": 1.1, "pinky": 1.1}
_SPREAD = {"index": -0.05, "middle": 0.0, "ring": 0.06, "pinky": 0.16}


def relaxed_left_hand() -> Array:
    """Axis-angle (radians) of the 15 joints."""
    mean = np.zeros((15, 3))
    for i, f in enumerate(FINGERS):
        if f == "thumb":
            mean[3 * i : 3 * i + 3] = [[0.12, 0.15, -0.05], [0, 0.10, -0.05], [0, 0.18, 0]]
        else:
            mean[3 * i : 3 * i + 3] = (
                _STRENGTH[f] * np.array([0.22, 0.35, 0.22])[:, None] * _CURL[f]
            )
            mean[3 * i, 1] += _SPREAD[f]
    return mean.reshape(-1)


def left_movements() -> list[Array]:
    """Useful movements: all curl, thumb in, single fingers, spread, knuckles, middles, thumb."""

    def move(joints: list[int], value: Array) -> Array:
        r = np.zeros((15, 3))
        r[joints] = value
        return r

    rows = [move(list(range(12)), _CURLS)]
    thumb = np.zeros((15, 3))
    thumb[12:, 1] = 1
    thumb[12, 0] = 0.5
    rows.append(thumb)
    for i in range(4):
        rows.append(move([3 * i, 3 * i + 1, 3 * i + 2], _CURLS[3 * i : 3 * i + 3]))
    spread = np.zeros((15, 3))
    spread[[0, 3, 6, 9], 1] = (-1.0, -0.3, 1.0, 0.4)  # index, middle, pinky, ring
    rows.append(spread)
    for knuckles in ([0, 3, 6, 9], [1, 4, 7, 10]):
        rows.append(move(knuckles, _CURLS[knuckles]))
    rows.append(move([12], np.array([0, 0, -1.0])))
    rows += [move([joint], np.array([0, 1.0, 0])) for joint in (13, 14)]
    return rows


def orthonormal(rows: Array) -> Array:
    """Gram-Schmidt over rows, until the space is full."""
    basis: list[Array] = []
    for a in rows:
        a = a - sum((a @ b) * b for b in basis) if basis else a
        norm = np.linalg.norm(a)
        if norm > 1e-6:
            basis.append(a / norm)
        if len(basis) == rows.shape[1]:
            break
    return np.stack(basis)


def hand_basis() -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Relaxed left and right hand (45), and their bases (45 x 45)."""
    mean = relaxed_left_hand()
    rows = np.stack([row.reshape(-1) for row in left_movements()])
    basis = orthonormal(np.concatenate([rows, np.eye(45)]))
    flip = np.tile([1.0, -1.0, -1.0], 15)
    means = (mean.astype(np.float32), (mean * flip).astype(np.float32))
    return means, (basis.astype(np.float32), (basis * flip).astype(np.float32))
