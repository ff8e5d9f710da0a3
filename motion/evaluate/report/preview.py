"""Motions as a page plays them: joint positions at 15 fps, in millimetres, base64."""

import base64
from typing import Any

import torch

from motion.evaluate.suites.records import Shown
from motion.representation import (
    JOINT_NAMES,
    NUM_BODY_JOINTS,
    NUM_JOINTS,
    PARENTS,
    Motion,
)

PREVIEW_FPS = 15
MILLIMETRES = 1000.0
_HANDS = frozenset({"left_hand", "right_hand"})
_MOST = 32767


def joints_shown(motion: Motion) -> list[int]:
    """Joints of the body, and of both hands where the motion has them; not those of the face."""
    count = NUM_JOINTS if motion.parts >= _HANDS else NUM_BODY_JOINTS
    return [joint for joint in range(count) if joint not in _face()]


def preview_of(shown: Shown) -> dict[str, Any]:
    """What the player needs of one motion, and of the truth beside it."""
    motions = [("made", shown.motion)] if shown.truth is None else _pair(shown)
    kept = joints_shown(shown.motion)
    place = {joint: index for index, joint in enumerate(kept)}
    return {
        "fps": PREVIEW_FPS,
        "parents": [place.get(PARENTS[joint], -1) for joint in kept],
        "sides": [_side(JOINT_NAMES[joint]) for joint in kept],
        "body": NUM_BODY_JOINTS,
        "views": [{"name": name, "data": _packed(motion, kept)} for name, motion in motions],
    }


def _pair(shown: Shown) -> list[tuple[str, Motion]]:
    assert shown.truth is not None
    return [("model", shown.motion), ("captured", shown.truth)]


def _packed(motion: Motion, kept: list[int]) -> str:
    """16-bit integers, little-endian, frame after frame, joint after joint."""
    count = max(1, round(motion.num_frames / motion.fps * PREVIEW_FPS))
    frames = (torch.arange(count) * motion.fps / PREVIEW_FPS).round().long()
    joints = motion.joints()[frames.clamp(max=motion.num_frames - 1)][:, kept]
    start = joints[:1, :1].clone()
    start[..., 1] = 0
    values = ((joints - start) * MILLIMETRES).round().clamp(-_MOST, _MOST)
    return base64.b64encode(values.cpu().numpy().astype("<i2").tobytes()).decode("ascii")


def _side(name: str) -> int:
    if name.startswith("left"):
        return 1
    return 2 if name.startswith("right") else 0


def _face() -> frozenset[int]:
    return frozenset(
        index for index, name in enumerate(JOINT_NAMES) if name == "jaw" or "eye" in name
    )
