"""The weights of MakeHuman's 163 bones merged to the 55 SMPL-X joints."""

import numpy as np

from body_building.makehuman import MakeHuman
from body_building.skeleton import IDX, MH_FINGER, Array

_LIMBS = {
    "upperleg": "hip",
    "lowerleg": "knee",
    "foot": "ankle",
    "toe": "foot",
    "clavicle": "collar",
    "shoulder01": "collar",
    "upperarm": "shoulder",
    "lowerarm": "elbow",
    "wrist": "wrist",
    "metacarpal": "wrist",
}
"""Start of a bone's name -> joint of its side."""
_TORSO = ("root", "pelvis", "breast", "spine")
_FINGER_NAMES = {number: name for name, number in MH_FINGER.items()}


def joint_of(mh: MakeHuman, bone: str) -> str | None:
    """The joint that takes a bone's weights; None: the torso, which is split by height."""
    side = {"L": "left_", "R": "right_"}.get(bone[-1], "") if bone[-2:] in (".L", ".R") else ""
    stem = bone[:-2] if side else bone
    for start, limb in _LIMBS.items():
        if stem.startswith(start):
            return side + limb
    if stem.startswith("finger"):
        finger, knuckle = stem[6:].split("-")
        return f"{side}{_FINGER_NAMES[int(finger)]}{knuckle}"
    if stem == "eye":
        return f"{side}eye_smplhf"
    if stem in ("neck01", "neck02"):
        return "neck"
    if stem.startswith(_TORSO):
        return None
    # face bones: those hanging under the jaw go to the jaw, the others to the head
    i = mh.bi[bone]
    while i >= 0 and mh.bones[i] != "jaw":
        i = mh.bparent[i]
    return "jaw" if i >= 0 else "head"


def map_weights(mh: MakeHuman, v: Array, J: Array) -> Array:
    """Weights of all MakeHuman vertices on the 55 joints."""
    W = np.zeros((mh.n, 55))
    torso = np.zeros(mh.n)
    for bone in mh.bones:
        weights = mh.W[:, mh.bi[bone]].astype(float)
        joint = joint_of(mh, bone)
        if joint is None:
            torso += weights
        else:
            W[:, IDX[joint]] += weights
    # the spine of MakeHuman has other joints than SMPL-X: spread by height, smoothly
    y = v[:, 1]

    def ramp(c: float, half: float) -> Array:
        x = np.clip((y - (c - half)) / (2 * half), 0, 1)
        return x * x * (3 - 2 * x)

    y1, y2, y3 = (J[IDX[n], 1] for n in ("spine1", "spine2", "spine3"))
    a1, a2, a3 = ramp(y1, 0.075), ramp(y2, 0.065), ramp(y3, 0.065)
    W[:, IDX["pelvis"]] += torso * (1 - a1)
    W[:, IDX["spine1"]] += torso * a1 * (1 - a2)
    W[:, IDX["spine2"]] += torso * a2 * (1 - a3)
    W[:, IDX["spine3"]] += torso * a2 * a3
    W[W < 1e-3] = 0
    return W / W.sum(1, keepdims=True)
