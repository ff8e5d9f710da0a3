"""The key points that smplx reads by vertex number, and the joint regressor."""

import numpy as np
from scipy.optimize import nnls
from scipy.spatial import cKDTree

from body_building.meshes import PART_NAMES
from body_building.skeleton import FINGERS, IDX, Array, unit

EXTRA_SLOTS = {
    "nose": 9120,
    "reye": 9929,
    "leye": 9448,
    "rear": 616,
    "lear": 6,
    "rthumb": 8079,
    "rindex": 7669,
    "rmiddle": 7794,
    "rring": 7905,
    "rpinky": 8022,
    "lthumb": 5361,
    "lindex": 4933,
    "lmiddle": 5058,
    "lring": 5169,
    "lpinky": 5286,
    "LBigToe": 5770,
    "LSmallToe": 5780,
    "LHeel": 8846,
    "RBigToe": 8463,
    "RSmallToe": 8474,
    "RHeel": 8635,
}
"""Vertex numbers that the smplx package reads as extra key points."""


def pick_keypoints(
    v: Array, J: Array, W: Array, parts: Array, basev: Array, vg: dict[str, Array]
) -> dict[str, int]:
    """Vertices for the numbers that the smplx package reads as key points."""
    body = np.isin(parts, (0, 1))
    idx = np.arange(len(v))
    pick = {}

    def j(name: str) -> Array:
        return J[IDX[name]]

    def best(mask: Array, score: Array) -> int:
        c = idx[mask & body]
        return int(c[np.argmax(score[c])])

    head = W[:, IDX["head"]] > 0.3
    mid = np.abs(v[:, 0]) < 0.004
    ey = 0.5 * (j("left_eye_smplhf") + j("right_eye_smplhf"))
    near = np.abs(v[:, 1] - (ey[1] - 0.035)) < 0.03
    pick["nose"] = best(head & mid & near, v[:, 2])
    for s, S, e in (("left", 1, "l"), ("right", -1, "r")):
        g = np.isin(basev, vg[f"helper-{e}-eye"]) & (parts == PART_NAMES.index("eye"))
        c = idx[g]
        pick[e + "eye"] = int(c[np.argmax(v[c, 2])])
        ear = (
            head
            & (np.abs(v[:, 1] - ey[1] + 0.015) < 0.035)
            & (v[:, 0] * S > 0)
            & (v[:, 2] < ey[2] - 0.05)
        )
        pick[e + "ear"] = best(ear, v[:, 0] * S)
        for f in FINGERS:
            w3 = W[:, IDX[f"{s}_{f}3"]] > 0.5
            d = j(f"{s}_{f}3") - j(f"{s}_{f}2")
            pick[e + f] = best(w3, (v - j(f"{s}_{f}3")) @ unit(d))
        U = e.upper()
        toe = W[:, IDX[f"{s}_foot"]] > 0.5
        foot = j(f"{s}_foot")
        pick[U + "BigToe"] = best(
            toe & ((v[:, 0] - foot[0]) * S < -0.005), v[:, 2] - 0.3 * v[:, 0] * S
        )
        pick[U + "SmallToe"] = best(
            toe & ((v[:, 0] - foot[0]) * S > 0.012), v[:, 0] * S + 0.2 * v[:, 2]
        )
        ank = W[:, IDX[f"{s}_ankle"]] > 0.5
        pick[U + "Heel"] = best(ank & (v[:, 1] < v[:, 1].min() + 0.03), -v[:, 2])
    return pick


def fit_regressor(v: Array, comps: Array, Jt: Array, Jd: Array, E: Array, parts: Array) -> Array:
    """Sparse joint regressor, exact for the template, near to it for all shape directions."""
    n, K = len(v), len(comps)
    still = np.abs(E).max((0, 2)) < 1e-4  # vertices that no expression moves
    tree_all = np.arange(n)[np.isin(parts, [0, 1, 2, 3, 4]) & still]
    tree = cKDTree(v[tree_all])
    out = np.zeros((55, n))
    for jn in range(55):
        for k in (48, 160, 600):
            c = tree_all[tree.query(Jt[jn], k=k)[1]]
            A = np.concatenate(
                [v[c].T] + [comps[q][c].T for q in range(K)] + [5 * np.ones((1, len(c)))], 0
            )
            b = np.concatenate([Jt[jn]] + [Jd[q, jn] for q in range(K)] + [[5.0]])
            w, res = nnls(A, b, maxiter=20 * len(c))
            if res < 6e-4 or k == 600:
                break
        near = np.exp(-((np.linalg.norm(v[c] - Jt[jn], axis=1) / 0.15) ** 2)) + 1e-3
        for _ in range(3):  # smallest signed correction that makes it exact
            Aw = A * near
            w = w + near * np.linalg.lstsq(Aw, b - A @ w, rcond=1e-5)[0]
        w[np.abs(w) < 2e-5] = 0
        w /= w.sum()
        out[jn, c] = w
    return out
