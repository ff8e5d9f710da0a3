"""Motions made by formulas, for tests that need a plausible one."""

import torch

from motion.representation import (
    FOOT_JOINTS,
    JOINT_INDEX,
    SOLE_HEIGHT,
    Motion,
    rest_positions,
)


def make_walk(num_frames: int, *, step_seconds: float = 0.55) -> Motion:
    """Make a walk with the right arm swinging against the right leg, the standing foot at rest."""
    phase = torch.arange(num_frames) / 30.0 * torch.pi / step_seconds
    pose = torch.zeros(num_frames, 55, 3)
    for side, shift in (("left", 0.0), ("right", torch.pi)):
        swing = torch.sin(phase + shift)
        hip, knee = -0.4 * swing, 0.1 + 0.7 * torch.cos(phase + shift).clamp(0)
        pose[:, JOINT_INDEX[f"{side}_hip"], 0] = hip
        pose[:, JOINT_INDEX[f"{side}_knee"], 0] = knee
        pose[:, JOINT_INDEX[f"{side}_ankle"], 0] = -(hip + knee)  # the sole stays level
        down = -1.2 if side == "left" else 1.2
        pose[:, JOINT_INDEX[f"{side}_shoulder"], 2] = down
        pose[:, JOINT_INDEX[f"{side}_shoulder"], 1] = 0.4 * swing * (1 if side == "left" else -1)
        pose[:, JOINT_INDEX[f"{side}_elbow"], 1] = -0.3 if side == "left" else 0.3
    pose[:, JOINT_INDEX["spine2"], 1] = 0.1 * torch.sin(phase)
    still = Motion.from_full_pose(pose.flatten(1), torch.zeros(num_frames, 3), source="made walk")
    return _on_the_floor(still)


def _on_the_floor(still: Motion) -> Motion:
    """Put the lower foot on the floor and let it push the body forward."""
    feet = [JOINT_INDEX[name] for name in FOOT_JOINTS]
    above_sole = rest_positions()[feet, 1] - SOLE_HEIGHT
    places = still.joints()[:, feet]  # (T, 4, 3)
    clearance = places[..., 1] - above_sole
    lowest = clearance.argmin(dim=1)
    transl = torch.zeros(still.num_frames, 3)
    transl[:, 1] = -clearance.amin(dim=1)
    frames = torch.arange(still.num_frames - 1)
    moved = places[frames + 1, lowest[:-1], 2] - places[frames, lowest[:-1], 2]
    transl[1:, 2] = -moved.cumsum(0)
    return Motion.from_full_pose(still.full_pose, transl, source=still.source)
