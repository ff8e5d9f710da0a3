"""Triangles, normals, parts, and cutting a mesh along a line."""

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, eye, vstack

from body_building.skeleton import Array

PART_NAMES = ["skin", "hair", "shirt", "trousers", "eye", "teeth", "tongue", "brow"]
COLORS = {
    "skin": (206, 158, 132),
    "hair": (62, 45, 36),
    "shirt": (66, 104, 150),
    "trousers": (70, 73, 84),
    "eye": (236, 236, 234),
    "teeth": (232, 228, 218),
    "tongue": (186, 96, 96),
    "brow": (96, 68, 54),
}


def triangulate(polys: list[list[int]]) -> Array:
    """Cut polygons into fans of triangles."""
    out = []
    for p in polys:
        for k in range(1, len(p) - 1):
            out.append((p[0], p[k], p[k + 1]))
    return np.asarray(out, np.int64)


def vertex_normals(v: Array, f: Array) -> Array:
    """Unit normals of the vertices."""
    n = np.zeros_like(v)
    fn = np.cross(v[f[:, 1]] - v[f[:, 0]], v[f[:, 2]] - v[f[:, 0]])
    for k in range(3):
        np.add.at(n, f[:, k], fn)
    return n / np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-12)


class Cutter:
    """Mesh pieces of blended MakeHuman vertices, cut along the zero line of a field."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.rows: list[
            tuple[int, int, float]
        ] = []  # blends made by cuts: (i, j, t) of earlier vertices

    def extend(self, field: Array) -> Array:
        """Carry a field of the MakeHuman vertices over to the vertices made by cuts."""
        out = np.concatenate([field, np.zeros(len(self.rows))])
        for k, (i, j, t) in enumerate(self.rows):
            out[self.n + k] = (1 - t) * out[i] + t * out[j]
        return out

    def matrix(self) -> Any:
        """Sparse matrix from MakeHuman vertices to all vertices."""
        base = eye(self.n, format="csr")
        cache: dict[int, dict[int, float]] = {}

        def row(i: int) -> dict[int, float]:
            if i < self.n:
                return {i: 1.0}
            if i not in cache:
                a, b, t = self.rows[i - self.n]
                r: dict[int, float] = {}
                for src, w in ((row(a), 1 - t), (row(b), t)):
                    for q, x in src.items():
                        r[q] = r.get(q, 0) + w * x
                cache[i] = r
            return cache[i]

        rows = [row(self.n + k) for k in range(len(self.rows))]
        if not rows:
            return base
        ii = [k for k, r in enumerate(rows) for _ in r]
        jj = [q for r in rows for q in r]
        xx = [x for r in rows for x in r.values()]
        return vstack([base, csr_matrix((xx, (ii, jj)), shape=(len(rows), self.n))]).tocsr()

    def split(self, faces: Any, field: Array) -> tuple[Array, Array]:
        """Cut triangles; ``field`` has one value per MakeHuman vertex.

        Returns:
            The triangles where the field is above zero, and the others.
        """
        val = self.extend(field)
        edge: dict[tuple[int, int], int] = {}
        sides: tuple[list[Any], list[Any]] = ([], [])
        for tri in faces:
            inside = [bool(val[q] > 0) for q in tri]
            if all(inside) or not any(inside):
                sides[not inside[0]].append(tuple(tri))
                continue
            polygons: tuple[list[int], list[int]] = ([], [])
            for k in range(3):
                i, j = tri[k], tri[(k + 1) % 3]
                polygons[not inside[k]].append(i)
                if inside[k] != inside[(k + 1) % 3]:
                    c = self._cross(edge, val, i, j)
                    polygons[0].append(c)
                    polygons[1].append(c)
            for side, polygon in zip(sides, polygons, strict=True):
                side.extend(map(tuple, triangulate([polygon])))
        above, below = (np.asarray(side, np.int64).reshape(-1, 3) for side in sides)
        return above, below

    def _cross(self, edge: dict[tuple[int, int], int], val: Array, i: int, j: int) -> int:
        """The vertex where an edge is cut, made once."""
        a, b = min(i, j), max(i, j)
        if (a, b) not in edge:
            t = float(np.clip(val[a] / (val[a] - val[b]), 0.02, 0.98))
            self.rows.append((a, b, t))
            edge[a, b] = self.n + len(self.rows) - 1
        return edge[a, b]
