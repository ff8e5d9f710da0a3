"""From MakeHuman's A pose to a T pose near that of SMPL-X, and the SMPL-X joints in it."""

import itertools
from typing import Any

import numpy as np

from body_building.makehuman import MakeHuman
from body_building.skeleton import (
    FINGERS,
    IDX,
    MH_FINGER,
    PELVIS_AT,
    Array,
    axis_rot,
    frame,
    swing,
    twist_angle,
    unit,
)


class TPose:
    """World rotations of one side's bones that lead to the T pose."""

    def __init__(self, mh: MakeHuman, H: Array, T: Array, S: str) -> None:
        """Take the bone heads and tails (metres) and the side, L or R."""
        self.bones, self.S, self.s = mh.bones, S, 1.0 if S == "L" else -1.0
        self.heads = {b: H[i] for b, i in mh.bi.items()}
        self.directions = {b: T[i] - H[i] for b, i in mh.bi.items()}
        self.R: dict[str, Array] = {}

    def mirrored(self, v: Any) -> Array:
        """Give a left-side direction for this side."""
        return np.array([self.s * v[0], v[1], v[2]])

    def between(self, start: str, end: str) -> Array:
        """From one bone's head to another's."""
        return self.heads[f"{end}.{self.S}"] - self.heads[f"{start}.{self.S}"]

    def put(self, R: Array, *bones: str) -> None:
        """Set the rotation of bones."""
        for b in bones:
            self.R[f"{b}.{self.S}"] = R

    def arm(self) -> None:
        """Lift collar, upper arm and forearm; the hand's twist is spread over the forearm."""
        self.put(axis_rot([0, 0, 1], self.s * 7.0), "clavicle")
        shoulder = axis_rot([0, 0, 1], self.s * 14.0)
        self.put(shoulder, "shoulder01")
        up = self.between("upperarm01", "lowerarm01")
        Rup = swing(shoulder @ up, self.mirrored([0.972, -0.195, -0.128])) @ shoulder
        self.put(Rup, "upperarm01", "upperarm02")
        fore = self.between("lowerarm01", "wrist")
        Rfo = swing(Rup @ fore, self.mirrored([0.999, 0.03, -0.035])) @ Rup
        mid = self.between("wrist", "finger3-1")
        across = self.between("finger5-1", "finger2-1")  # pinky -> index
        src = frame(mid, np.cross(across, mid) * self.s)  # palm normal as "up"
        up_axis = np.cross(np.array([0.0, 0.0, 1.0]), self.mirrored([1.0, 0, 0])) * self.s
        dst = frame(self.mirrored([0.998, -0.03, -0.03]), up_axis)
        Rha = dst @ src.T
        tw = twist_angle(Rha @ Rfo.T, Rfo @ fore)
        self.put(axis_rot(Rfo @ fore, 0.35 * tw) @ Rfo, "lowerarm01")
        self.put(axis_rot(Rfo @ fore, 0.75 * tw) @ Rfo, "lowerarm02")
        self.put(Rha, "wrist", *(f"metacarpal{m}" for m in (1, 2, 3, 4)))

    def fingers(self) -> None:
        """Straighten the fingers in the plane of the palm; the thumb stands off."""
        azim = {2: (4, 2, 2), 3: (-8, -8, -8), 4: (-13, -14, -14), 5: (-28, -28, -28)}
        goals: dict[tuple[int, int], Any] = {
            (1, 1): unit(np.array([0.60, -0.12, 0.79])),
            (1, 2): unit(np.array([0.78, -0.14, 0.61])),
            (1, 3): unit(np.array([0.83, -0.14, 0.54])),
        }
        for f, k in itertools.product(azim, (1, 2, 3)):
            a = np.radians(azim[f][k - 1])
            goals[f, k] = [np.cos(a), -0.02, np.sin(a)]
        for (f, k), goal in goals.items():
            above = f"finger{f}-{k - 1}" if k > 1 else "wrist"
            par = self.R[f"{above}.{self.S}"]
            d = self.directions[f"finger{f}-{k}.{self.S}"]
            self.put(swing(par @ d, self.mirrored(goal)) @ par, f"finger{f}-{k}")

    def leg(self) -> None:
        """Stand the legs slightly apart."""
        thigh = self.between("upperleg01", "lowerleg01")
        Rt = swing(thigh, self.mirrored([0.125, -0.991, -0.04]))
        self.put(Rt, "upperleg01", "upperleg02")
        shin = self.between("lowerleg01", "foot")
        Rs = swing(Rt @ shin, self.mirrored([-0.06, -0.996, -0.065])) @ Rt
        self.put(Rs, "lowerleg01", "lowerleg02")
        toes = [b[:-2] for b in self.bones if b.startswith("toe") and b.endswith(self.S)]
        self.put(axis_rot([0, 1, 0], self.s * 12.0), "foot", *toes)


def t_pose_rotations(mh: MakeHuman, H: Array, T: Array) -> dict[str, Array]:
    """World rotation of every bone that turns MakeHuman's A pose into the SMPL-X-like T pose."""
    R: dict[str, Array] = {}
    for S in ("L", "R"):
        side = TPose(mh, H, T, S)
        side.arm()
        side.fingers()
        side.leg()
        R |= side.R
    return R


def apply_pose(
    mh: MakeHuman, v: Array, H: Array, T: Array, R: dict[str, Array]
) -> tuple[Array, Array, Array]:
    """Skin the mesh with world rotations: vertices, bone heads, bone tails."""
    nb = len(mh.bones)
    Rw, P = np.zeros((nb, 3, 3)), np.zeros((nb, 3))
    for i, b in enumerate(mh.bones):
        p = mh.bparent[i]
        Rp = Rw[p] if p >= 0 else np.eye(3)
        Rw[i] = R.get(b, Rp)
        P[i] = H[i] if p < 0 else P[p] + Rp @ (H[i] - H[p])
    off = P - np.einsum("bij,bj->bi", Rw, H)
    A = mh.W @ np.concatenate([Rw.reshape(nb, 9), off], 1).astype(np.float32)
    v2 = np.einsum("vij,vj->vi", A[:, :9].reshape(-1, 3, 3), v) + A[:, 9:]
    T2 = np.einsum("bij,bj->bi", Rw, T) + off
    return v2, P, T2


def smplx_joints(mh: MakeHuman, P: Array, T2: Array) -> Array:
    """Joint centres in SMPL-X order from posed bone heads (P) and tails (T2)."""

    def b(n: str) -> Array:
        return P[mh.bi[n]]

    def lerp(x: Array, y: Array, t: float) -> Array:
        return (1 - t) * x + t * y

    J = np.zeros((55, 3))

    def put(n: str, p: Array) -> None:
        J[IDX[n]] = p

    hips = 0.5 * (b("upperleg01.L") + b("upperleg01.R"))
    # SMPL-X has the pelvis a little before the hips
    put("pelvis", np.array([0.0, b("spine04")[1], hips[2] + 0.024]))
    put("spine1", lerp(b("spine03"), b("spine02"), 0.55))
    put("spine2", lerp(b("spine02"), b("spine01"), 0.70))
    put("spine3", lerp(b("spine01"), b("neck01"), 0.10))
    put("neck", b("neck01"))
    put("head", lerp(b("head"), T2[mh.bi["head"]], 0.25))
    put("jaw", b("jaw"))
    for S, n in (("L", "left"), ("R", "right")):
        put(f"{n}_hip", b(f"upperleg01.{S}"))
        put(f"{n}_knee", b(f"lowerleg01.{S}"))
        put(f"{n}_ankle", b(f"foot.{S}"))
        put(f"{n}_foot", lerp(b(f"toe2-1.{S}"), b(f"toe3-1.{S}"), 0.5))
        put(
            f"{n}_collar",
            lerp(b(f"clavicle.{S}"), b(f"shoulder01.{S}"), 0.3) + np.array([0, -0.02, 0]),
        )
        put(f"{n}_shoulder", b(f"upperarm01.{S}"))
        put(f"{n}_elbow", b(f"lowerarm01.{S}"))
        put(f"{n}_wrist", b(f"wrist.{S}"))
        put(f"{n}_eye_smplhf", b(f"eye.{S}"))
        for f, k in itertools.product(FINGERS, (1, 2, 3)):
            put(f"{n}_{f}{k}", b(f"finger{MH_FINGER[f]}-{k}.{S}"))
    return J


def instance(mh: MakeHuman, **ph: Any) -> tuple[Array, Array]:
    """T-posed vertices (all MakeHuman vertices) and SMPL-X joints for one phenotype."""
    v = mh.shape(**ph)
    H, T = mh.spots(v, mh.head_idx), mh.spots(v, mh.tail_idx)
    v2, P, T2 = apply_pose(mh, v, H, T, t_pose_rotations(mh, H, T))
    J = smplx_joints(mh, P, T2)
    shift = PELVIS_AT - J[0]
    return v2 + shift, J + shift
