"""The SMPL-X skeleton: joint names, tree, rest positions, left-right pairs.

Rest positions are those of the packaged neutral body (``skeleton_rest.json``): metres, y up,
facing +z, the person's left at +x, rest rotations are the identity.
"""

import json
from functools import cache
from importlib import resources

import torch
from jaxtyping import Float
from torch import Tensor


def _table() -> list[dict[str, object]]:
    text = (
        resources.files("motion.representation").joinpath("skeleton_rest.json").read_text("utf-8")
    )
    return list(json.loads(text)["joints"])


_JOINTS = _table()

JOINT_NAMES: tuple[str, ...] = tuple(str(joint["name"]) for joint in _JOINTS)
"""The 55 joints in SMPL-X order."""

JOINT_INDEX: dict[str, int] = {name: index for index, name in enumerate(JOINT_NAMES)}

PARENTS: tuple[int, ...] = tuple(
    -1 if joint["parent"] is None else JOINT_INDEX[str(joint["parent"])] for joint in _JOINTS
)

NUM_JOINTS = len(JOINT_NAMES)
NUM_BODY_JOINTS = 22
"""Root and the 21 joints of ``body_pose``: the joints that errors are measured on."""

NUM_HAND_JOINTS = 15
FOOT_JOINTS: tuple[str, ...] = ("left_ankle", "left_foot", "right_ankle", "right_foot")
"""Joints with a contact label, in feature order."""


def mirror_name(name: str) -> str:
    """Name of the joint on the other side; names without a side stay."""
    for here, there in (("left_", "right_"), ("right_", "left_")):
        if name.startswith(here):
            return there + name.removeprefix(here)
    return name


MIRROR_ORDER: tuple[int, ...] = tuple(JOINT_INDEX[mirror_name(name)] for name in JOINT_NAMES)
"""Entry j: the joint whose mirrored rotation joint j takes."""


@cache
def rest_offsets() -> Float[Tensor, "55 3"]:
    """Position of each joint in its parent's frame, metres; the root's row is its rest position."""
    return torch.tensor([joint["offset"] for joint in _JOINTS], dtype=torch.float32)


@cache
def rest_positions() -> Float[Tensor, "55 3"]:
    """Rest position of each joint, metres, in the body's own frame (origin near the chest)."""
    return torch.tensor([joint["position"] for joint in _JOINTS], dtype=torch.float32)


SOLE_HEIGHT = -1.3037
"""Height of the soles of the rest body in its own frame, metres; measured by a test on the mesh."""
