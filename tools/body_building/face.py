"""Expressions from the CC0 face units, and face landmarks."""

from pathlib import Path
from typing import Any

import numpy as np

from body_building.makehuman import read_target
from body_building.skeleton import IDX, Array

EXPR = [
    ("mouth_smile", [("mouthSmileLeft", 0.8), ("mouthSmileRight", 0.8)]),
    ("mouth_wide", [("mouthStretchLeft", 0.8), ("mouthStretchRight", 0.8)]),
    ("mouth_pucker", [("mouthPucker", 0.8)]),
    ("mouth_funnel", [("mouthFunnel", 0.8)]),
    ("upper_lip_up", [("mouthUpperUpLeft", 0.8), ("mouthUpperUpRight", 0.8)]),
    ("lower_lip_down", [("mouthLowerDownLeft", 0.8), ("mouthLowerDownRight", 0.8)]),
    ("mouth_frown", [("mouthFrownLeft", 0.8), ("mouthFrownRight", 0.8)]),
    ("brow_up", [("browInnerUp", 0.8), ("browOuterUpLeft", 0.8), ("browOuterUpRight", 0.8)]),
    ("brow_down", [("browDownLeft", 0.8), ("browDownRight", 0.8)]),
    ("eye_blink", [("eyeBlinkLeft", 1.0), ("eyeBlinkRight", 1.0)]),
]
"""Name and face units of each expression; 1 is about one strong natural movement."""

LANDMARKS = (
    (-1.62, 0.55),
    (-1.35, 0.78),
    (-1.0, 0.85),
    (-0.65, 0.78),
    (-0.33, 0.65),
    (0.33, 0.65),
    (0.65, 0.78),
    (1.0, 0.85),
    (1.35, 0.78),
    (1.62, 0.55),
    (0, 0.05),
    (0, -0.35),
    (0, -0.75),
    (0, -1.15),
    (-0.45, -1.42),
    (-0.22, -1.48),
    (0, -1.52),
    (0.22, -1.48),
    (0.45, -1.42),
    (-1.45, 0),
    (-1.18, 0.18),
    (-0.82, 0.18),
    (-0.55, -0.05),
    (-0.82, -0.16),
    (-1.18, -0.16),
    (0.55, -0.05),
    (0.82, 0.18),
    (1.18, 0.18),
    (1.45, 0),
    (1.18, -0.16),
    (0.82, -0.16),
    (-0.78, -2.27),
    (-0.5, -2.12),
    (-0.2, -2.02),
    (0, -2.06),
    (0.2, -2.02),
    (0.5, -2.12),
    (0.78, -2.27),
    (0.5, -2.5),
    (0.2, -2.6),
    (0, -2.62),
    (-0.2, -2.6),
    (-0.5, -2.5),
    (-0.62, -2.27),
    (-0.2, -2.22),
    (0, -2.24),
    (0.2, -2.22),
    (0.62, -2.27),
    (0.2, -2.31),
    (0, -2.33),
    (-0.2, -2.31),
)
"""Brows, nose, eyes, mouth: place on the face around the eyes' middle, in half eye distances."""


def expressions(root: Path, n: int, B: Any) -> tuple[Array, list[str]]:
    """Offsets of every expression and their names."""
    base = root / "faceunits01/targets/faceunits"
    out, names = [], []
    for name, mix in EXPR:
        d = np.zeros((n, 3), np.float32)
        for unit_name, a in mix:
            p = base / f"{unit_name}.target"
            if p.exists():
                d += a * read_target(p, n)
        out.append(B @ d)
        names.append(name)
    return np.stack(out), names


def landmarks(v: Array, f: Array, J: Array, parts: Array) -> tuple[Array, Array]:
    """51 inner-face landmarks in the usual 68-point order without the jaw line, approximate."""
    ey = 0.5 * (J[IDX["left_eye_smplhf"]] + J[IDX["right_eye_smplhf"]])
    e = 0.5 * abs(J[IDX["left_eye_smplhf"], 0] - J[IDX["right_eye_smplhf"], 0])  # half eye distance
    tri = np.arange(len(f))[
        (np.isin(parts[f], (0, 7)).all(1)) & (v[f].mean(1)[:, 2] > ey[2] - 0.03)
    ]
    a, b, c = (v[f[tri, k]] for k in range(3))
    li, lb = [], []
    for x, y in LANDMARKS:
        p = np.array([ey[0] + x * e, ey[1] + y * e])
        d00 = (b - a)[:, :2]
        d11 = (c - a)[:, :2]
        q = p - a[:, :2]
        det = d00[:, 0] * d11[:, 1] - d00[:, 1] * d11[:, 0]
        det = np.where(np.abs(det) < 1e-12, np.nan, det)
        u = (q[:, 0] * d11[:, 1] - q[:, 1] * d11[:, 0]) / det
        w = (d00[:, 0] * q[:, 1] - d00[:, 1] * q[:, 0]) / det
        hit = (u >= 0) & (w >= 0) & (u + w <= 1)
        z = np.where(hit, (1 - u - w) * a[:, 2] + u * b[:, 2] + w * c[:, 2], -np.inf)
        if not np.isfinite(z.max()):
            k = int(np.argmin(np.linalg.norm((a + b + c)[:, :2] / 3 - p, axis=1)))
            li.append(tri[k])
            lb.append((1 / 3, 1 / 3, 1 / 3))
            continue
        k = int(np.argmax(z))
        li.append(tri[k])
        lb.append((1 - u[k] - w[k], u[k], w[k]))
    return np.asarray(li, np.int64), np.asarray(lb, np.float32)
