"""MakeHuman's CC0 data: base mesh, rig, weights and the targets that shape an adult."""

import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np

from body_building.skeleton import Array


def read_obj(path: Path) -> tuple[Array, dict[str, list[list[int]]]]:
    """Vertices (metres) and the polygons of each group of a Wavefront file."""
    verts: list[list[float]] = []
    groups: dict[str, list[list[int]]] = {}
    cur = ""
    with path.open() as fh:
        for line in fh:
            if line.startswith("v "):
                verts.append([float(x) for x in line.split()[1:4]])
            elif line.startswith("g "):
                cur = line.split()[1]
            elif line.startswith("f "):
                groups.setdefault(cur, []).append(
                    [int(t.split("/")[0]) - 1 for t in line.split()[1:]]
                )
    return np.asarray(verts, np.float64) * 0.1, groups  # decimetres -> metres


def read_target(path: Path, nverts: int) -> Array:
    """Offsets (metres) of all vertices from a MakeHuman target file."""
    opener = gzip.open if path.suffix == ".gz" else open
    out = np.zeros((nverts, 3), np.float32)
    with opener(path, "rt") as fh:
        rows = [line.split() for line in fh if line.strip() and not line.startswith("#")]
    if not rows:  # some macro targets are empty
        return out
    a = np.asarray(rows, np.float64)
    out[a[:, 0].astype(int)] = a[:, 1:4] * 0.1
    return out


def ranges(spec: list[list[int]]) -> Array:
    """Vertex numbers of a list of closed ranges."""
    return np.concatenate([np.arange(a, b + 1) for a, b in spec])


class MakeHuman:
    """Adult shape space: base mesh + macro targets, and the 163-bone rig."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.base, self.groups = read_obj(root / "3dobjs/base.obj")
        self.n = len(self.base)
        self.vg = {
            k: ranges(v)
            for k, v in json.loads(
                (root / "mesh_metadata/basemesh_vertex_groups.json").read_text()
            ).items()
        }
        rig = json.loads((root / "rigs/standard/rig.default.json").read_text())
        rig = rig.get("bones", rig)
        order, seen = [], set()

        def visit(b: str) -> None:
            if b in seen:
                return
            p = rig[b]["parent"]
            if p:
                visit(p)
            seen.add(b)
            order.append(b)

        for b in rig:
            visit(b)
        self.bones = order
        self.bi = {b: i for i, b in enumerate(order)}
        self.bparent = [self.bi[rig[b]["parent"]] if rig[b]["parent"] else -1 for b in order]
        self.head_idx = [self._spot(rig[b]["head"]) for b in order]
        self.tail_idx = [self._spot(rig[b]["tail"]) for b in order]
        w = json.loads((root / "rigs/standard/weights.default.json").read_text())["weights"]
        W = np.zeros((self.n, len(order)), np.float32)
        for b, pairs in w.items():
            if pairs:
                a = np.asarray(pairs)
                W[a[:, 0].astype(int), self.bi[b]] += a[:, 1]
        self.W = W
        self._load_macros()

    def _spot(self, d: dict[str, Any]) -> Array:
        if d["strategy"] == "CUBE":
            return self.vg[d["cube_name"]]
        if d["strategy"] == "VERTEX":
            return np.array([d["vertex_index"]])
        return np.asarray(d["vertex_indices"])

    def _load_macros(self) -> None:
        m = self.root / "targets/macrodetails"
        self.T = {}
        ages, mus, wei = (
            ("young", "old"),
            ("minmuscle", "averagemuscle", "maxmuscle"),
            ("minweight", "averageweight", "maxweight"),
        )
        for g, a in itertools.product(("female", "male"), ages):
            for r in ("african", "asian", "caucasian"):
                self.T["race", r, g, a] = read_target(m / f"{r}-{g}-{a}.target.gz", self.n)
            for mu, we in itertools.product(mus, wei):
                for kind, sub, sfx in (
                    ("uni", "", ""),
                    ("minheight", "height", "-minheight"),
                    ("maxheight", "height", "-maxheight"),
                    ("idealproportions", "proportions", "-idealproportions"),
                    ("uncommonproportions", "proportions", "-uncommonproportions"),
                ):
                    f = (
                        (m / f"universal-{g}-{a}-{mu}-{we}.target.gz")
                        if kind == "uni"
                        else (m / sub / f"{g}-{a}-{mu}-{we}{sfx}.target.gz")
                    )
                    if f.exists():
                        self.T[kind, g, a, mu, we] = read_target(f, self.n)

    def shape(
        self,
        gender: float = 0.5,
        age: float = 0.5,
        muscle: float = 0.5,
        weight: float = 0.5,
        height: float = 0.5,
        proportions: float = 0.5,
        race: tuple[float, ...] = (1 / 3, 1 / 3, 1 / 3),
    ) -> Array:
        """Vertices (metres) of an adult; every number is 0 to 1."""

        def tri(x: float, lo: str, mid: str, hi: str) -> dict[str, float]:
            return {lo: max(0.0, 1 - 2 * x), mid: 1 - abs(2 * x - 1), hi: max(0.0, 2 * x - 1)}

        G = {"female": 1 - gender, "male": gender}
        A = {"young": 1 - max(0, 2 * age - 1), "old": max(0, 2 * age - 1)}
        M = tri(muscle, "minmuscle", "averagemuscle", "maxmuscle")
        We = tri(weight, "minweight", "averageweight", "maxweight")
        side = {
            "uni": 1.0,
            "minheight": max(0, 1 - 2 * height),
            "maxheight": max(0, 2 * height - 1),
            "uncommonproportions": max(0, 1 - 2 * proportions),
            "idealproportions": max(0, 2 * proportions - 1),
        }
        R = dict(zip(("african", "asian", "caucasian"), race, strict=True))
        v = self.base.copy()
        for key, d in self.T.items():
            if key[0] == "race":
                c = R[key[1]] * G[key[2]] * A[key[3]]
            else:
                c = side[key[0]] * G[key[1]] * A[key[2]] * M[key[3]] * We[key[4]]
            if c > 1e-6:
                v += c * d
        return v

    def spots(self, v: Array, which: list[Array]) -> Array:
        """Means of groups of vertices: where the bones start or end."""
        return np.stack([v[i].mean(0) for i in which])
