"""Shirt and trousers, hair, brows and colours."""

from typing import Any

import numpy as np
from scipy.sparse import vstack
from scipy.spatial import cKDTree

from body_building.makehuman import MakeHuman
from body_building.meshes import COLORS, PART_NAMES, Cutter, triangulate, vertex_normals
from body_building.skeleton import IDX, SKIN_VERTICES, Array, unit


class Tailor:
    """Fields over the MakeHuman vertices that say where cloth, hair and brows begin."""

    def __init__(self, n: int, v: Array, J: Array, W: Array) -> None:
        """Take the count of vertices, the T-posed vertices, the joints and the skin weights."""
        self.n, self.v, self.J, self.W = n, v, J, W
        self.is_skin = np.arange(n) < SKIN_VERTICES
        self.eyes = 0.5 * (self.j("left_eye_smplhf") + self.j("right_eye_smplhf"))
        self.headskin = (W[:, IDX["head"]] > 0.5) & self.is_skin
        h = v[self.headskin, 1].max() - self.eyes[1]
        self.face = (v - self.eyes) / h

    def j(self, name: str) -> Array:
        """Position of a joint."""
        return self.J[IDX[name]]

    def sleeve(self) -> Array:
        """Metres along the upper arms to the end of the sleeve."""
        x, y, _ = self.v.T
        sleeve = np.full(self.n, 1.0)
        for s, sg in (("left", 1), ("right", -1)):
            shoulder = self.j(f"{s}_shoulder")
            d = self.j(f"{s}_elbow") - shoulder
            t = (self.v - shoulder) @ unit(d)
            on_arm = (x * sg > abs(shoulder[0]) - 0.02) & (y > self.j("spine1")[1])
            sleeve = np.where(on_arm, 0.60 * np.linalg.norm(d) - t, sleeve)
        return sleeve

    def neck(self) -> Array:
        """Metres outside the opening for the neck."""
        _, y, z = self.v.T
        j = self.j("neck")
        ax = unit(self.j("head") - j)
        rel = self.v - j
        dist = np.linalg.norm(rel - (rel @ ax)[:, None] * ax, axis=1)
        rim = j[1] - 0.030 - 0.45 * (z - j[2])  # lower in front than behind
        return np.maximum(np.minimum(dist - 0.082, j[1] + 0.06 - y), rim - y)

    def hair(self) -> Array:
        """Heights above the hairline, in units of the upper head."""
        x, _, z = self.v.T
        r = self.face
        line = np.interp(
            -r[:, 2],
            [-1.5, -0.3, 0, 0.28, 0.42, 0.55, 0.75, 0.95, 1.15, 1.6],
            [0.86, 0.84, 0.76, 0.60, 0.25, 0.12, 0.16, -0.25, -0.52, -0.62],
        )
        ear = (np.abs(x) > 0.074) & (r[:, 1] < 0.33) & (r[:, 2] > -1.15)
        hairf = np.where(ear, -0.2, r[:, 1] - line)
        nape = (self.W[:, IDX["neck"]] > 0.3) & self.is_skin & (z < self.eyes[2] - 0.1)
        return np.where(self.headskin | nape, hairf, -1.0)

    def brow(self) -> Array:
        """Distances inside the brows, in units of the upper head."""
        r = self.face
        bx = np.abs(r[:, 0])
        middle = 0.215 + 0.10 * bx - 0.62 * np.clip(bx - 0.36, 0, 1)
        half = 0.040 - 0.045 * np.clip(bx - 0.34, 0, 1)
        inside = np.minimum(half - np.abs(r[:, 1] - middle), bx - 0.105)
        inside = np.minimum(inside, 0.52 - bx)
        return np.where(self.headskin & (r[:, 2] > -0.15), inside, -0.1)

    def color(self, part: str, p: Array) -> Array:
        """SRGB of the vertices of a part at the places ``p``."""
        c = np.tile(np.array(COLORS[part], float), (len(p), 1))
        if part == "skin":  # lips: a soft tint
            ey = self.eyes
            e = 0.5 * abs(self.j("left_eye_smplhf")[0] - self.j("right_eye_smplhf")[0])
            across = (p[:, 0] - ey[0]) / (0.80 * e)
            along = (p[:, 1] - (ey[1] - 2.27 * e)) / (0.36 * e)
            q = np.sqrt(across**2 + along**2)
            w = np.clip((1.15 - q) / 0.35, 0, 1) * (p[:, 2] > ey[2]) * 0.55
            c = c * (1 - w[:, None]) + w[:, None] * np.array([172, 100, 92])
        if part == "eye":
            d = p - p.mean(0)
            rad = np.linalg.norm(d[:, :2], axis=1) / np.linalg.norm(d, axis=1).max()
            front = d[:, 2] > 0
            c[front & (rad < 0.52)] = (74, 88, 84)
            c[front & (rad < 0.25)] = (14, 14, 16)
        return np.round(c).astype(np.uint8)


def dress(
    mh: MakeHuman, v: Array, J: Array, W: Array, extra: list[Array]
) -> tuple[Array, Any, Array, Array, Array]:
    """Cut shirt and trousers out of the tights helper, drop hidden skin, mark hair and brows.

    Returns:
        Faces (indices into blended vertices, one separate copy of a vertex for every part), and
        the sparse blend matrix, part, colour and number of every vertex.
    """
    tailor = Tailor(mh.n, v, J, W)
    cut = Cutter(mh.n)
    y = v[:, 1]
    neck, sleeve = tailor.neck(), tailor.sleeve()
    waist = tailor.j("pelvis")[1] - 0.01
    hem = y - (tailor.j("left_ankle")[1] + 0.045)
    keep, _ = cut.split(triangulate(mh.groups["helper-tights"]), neck)
    keep, _ = cut.split(keep, sleeve)
    shirt, low = cut.split(keep, y - waist)
    trousers, _ = cut.split(low, hem)
    covered = np.where(y > waist, np.minimum(neck, sleeve), hem)
    hide = np.where(y > tailor.j("spine3")[1], covered > 0.065, covered > 0.035)
    hide[SKIN_VERTICES:] = False
    skin = triangulate(mh.groups["body"])
    hair, skin = cut.split(skin[~hide[skin].all(1)], tailor.hair())
    brow, skin = cut.split(skin, tailor.brow())
    parts = [("skin", skin), ("hair", hair), ("brow", brow), ("shirt", shirt)]
    parts += [("trousers", trousers)]
    parts += list(zip(("eye", "eye", "teeth", "teeth", "tongue"), extra, strict=True))
    M = cut.matrix()
    faces, rows, part, color, base = [], [], [], [], []
    start = 0
    vb = M @ v
    for name, f in parts:
        used, loc = np.unique(f, return_inverse=True)
        faces.append(loc.reshape(-1, 3) + start)
        rows.append(M[used])
        base.append(used)
        part.append(np.full(len(used), PART_NAMES.index(name), np.uint8))
        color.append(tailor.color(name, vb[used]))
        start += len(used)
    joined = (np.concatenate(pieces) for pieces in (faces, part, color, base))
    all_faces, all_parts, all_colors, all_base = joined
    return all_faces, vstack(rows).tocsr(), all_parts, all_colors, all_base


def hair_lift(v: Array, f: Array, parts: Array, thickness: float = 0.007) -> Array:
    """Offset along the normal for hair, growing from nothing at the hairline."""
    hair = parts == PART_NAMES.index("hair")
    hv = np.nonzero(hair)[0]
    hf = f[hair[f].all(1)]
    e = np.sort(np.concatenate([hf[:, [0, 1]], hf[:, [1, 2]], hf[:, [2, 0]]]), 1)
    u, c = np.unique(e, axis=0, return_counts=True)
    rim = np.unique(u[c == 1])
    d = cKDTree(v[rim]).query(v[hv])[0]
    t = np.clip(d / 0.02, 0, 1)
    out = np.zeros_like(v)
    out[hv] = vertex_normals(v, hf)[hv] * (thickness * t * (2 - t))[:, None]
    return out
