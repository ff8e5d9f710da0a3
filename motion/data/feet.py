"""Put the feet of a retargeted motion where the source had them: on the floor, not sliding.

The ball of each foot follows the source's toe joint (scaled by leg length), the foot keeps its
world rotation, and the leg bends to reach. So a foot that stands, rolls or pivots on its toes in
the source does so in the result, though the two feet differ in length and height. Axes: J = 22.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from motion.geometry.inverse_kinematics import TwoBoneChain, two_bone_ik
from motion.representation import (
    JOINT_INDEX,
    SOLE_HEIGHT,
    rest_offsets,
    rest_positions,
    sole_offsets,
)

PLANTED_SPEED = 0.15
"""Metres a second below which a foot joint counts as standing still."""

MIN_PLANTED_FRAMES = 8
RESTING_QUANTILE = 0.2
"""Which of the resting heights is the floor: feet also rest on steps, and sink a little."""

LOWEST_QUANTILE = 0.05
SNAP_HEIGHT = 0.03
"""Metres; a planted foot that hovers or sinks less is put on the floor."""

_SMOOTHING_FRAMES = 5


@dataclass(frozen=True, kw_only=True)
class Stance:
    """How a source's foot stands when flat, metres, after scaling to the body."""

    toe_height: float
    """Height of the toe joint over y = 0 when its foot rests on the floor."""
    ankle_drop: float
    """Height of the ankle joint over the toe joint."""
    length: float
    """Horizontal distance from the ankle joint to the toe joint."""


def planted(positions: Float[Tensor, "T 3"], fps: float) -> Bool[Tensor, " T"]:
    """Frames in which a joint stands still."""
    if len(positions) < 2:
        return torch.ones(len(positions), dtype=torch.bool)
    speed = torch.linalg.norm(torch.diff(positions, dim=0), dim=-1) * fps
    before = torch.cat([speed[:1], speed])
    after = torch.cat([speed, speed[-1:]])
    return (before + after) / 2 < PLANTED_SPEED


def measure_stance(
    positions: Float[Tensor, "T J 3"], rest: Float[Tensor, "J 3"], fps: float
) -> Stance:
    """Measure the stance on frames in which a foot stands still, else on the rest pose.

    Args:
        positions: Source joints, scaled, metres.
        rest: Source joints in the rest pose, scaled, metres.
        fps: Frames per second.
    """
    toes, drops, lengths, lows = [], [], [], []
    for side in ("left", "right"):
        ankle, toe = (positions[:, JOINT_INDEX[f"{side}_{name}"]] for name in ("ankle", "foot"))
        still = planted(toe, fps) & planted(ankle, fps)
        bone = toe - ankle
        toes.append(toe[still, 1])
        drops.append(-bone[still, 1])
        lengths.append(torch.linalg.norm(bone[still][:, [0, 2]], dim=-1))
        lows.append(toe[:, 1])
    resting = torch.cat(toes)
    if len(resting) < MIN_PLANTED_FRAMES:
        drop, length = _rest_stance(rest)
        height = float(torch.quantile(torch.cat(lows), LOWEST_QUANTILE))
        return Stance(toe_height=height, ankle_drop=drop, length=length)
    return Stance(
        toe_height=float(torch.quantile(resting, RESTING_QUANTILE)),
        ankle_drop=float(torch.cat(drops).median()),
        length=float(torch.cat(lengths).median()),
    )


def plant_feet(
    world: Float[Tensor, "T J 3 3"],
    root: Float[Tensor, "T 3"],
    positions: Float[Tensor, "T J 3"],
    stance: Stance,
    fps: float,
) -> tuple[Float[Tensor, "T J 3 3"], Float[Tensor, "T 3"]]:
    """Bend the legs so that the balls of the feet follow the source's toes on the floor y = 0.

    Args:
        world: World rotations on the SMPL-X body.
        root: World position of its pelvis, metres, at the source's height.
        positions: Source joints, scaled, metres.
        stance: The source's flat foot.
        fps: Frames per second.

    Returns:
        World rotations with new legs, and the pelvis at its height over the floor.
    """
    ankle_rest = float(rest_positions()[JOINT_INDEX["left_ankle"], 1]) - SOLE_HEIGHT
    lift = ankle_rest - (stance.toe_height + stance.ankle_drop)
    root = root + torch.tensor([0.0, lift, 0.0])
    world = world.clone()
    for side in ("left", "right"):
        target = _ankle_target(world, positions, stance, fps, side)
        hip, knee = JOINT_INDEX[f"{side}_hip"], JOINT_INDEX[f"{side}_knee"]
        offsets = rest_offsets()
        start = root + world[:, 0] @ offsets[hip]
        middle = start + world[:, hip] @ offsets[knee]
        chain = TwoBoneChain(
            start=start,
            middle=middle,
            end=middle + world[:, knee] @ offsets[JOINT_INDEX[f"{side}_ankle"]],
            upper_matrix=world[:, hip],
            lower_matrix=world[:, knee],
            hinge=world[:, knee, :, 0],
        )
        world[:, hip], world[:, knee] = two_bone_ik(chain, target)
    return world, root


def _ankle_target(
    world: Float[Tensor, "T J 3 3"],
    positions: Float[Tensor, "T J 3"],
    stance: Stance,
    fps: float,
    side: str,
) -> Float[Tensor, "T 3"]:
    ankle, foot = JOINT_INDEX[f"{side}_ankle"], JOINT_INDEX[f"{side}_foot"]
    bone = rest_offsets()[foot]
    ball_rest = float(rest_positions()[foot, 1]) - SOLE_HEIGHT
    # The longer foot reaches further ahead, along the heading only: a rolling foot does not slide.
    ahead = torch.nn.functional.normalize(
        (world[:, ankle] @ bone) * torch.tensor([1.0, 0.0, 1.0]), dim=-1
    )
    longer = float(torch.linalg.norm(bone[[0, 2]])) - stance.length
    ball = positions[:, foot] + longer * ahead
    ball = ball + torch.tensor([0.0, ball_rest - stance.toe_height, 0.0])
    target = ball - world[:, ankle] @ bone
    low = (_sole_heights(world, side) + target[:, None, 1]).amin(-1)
    still = planted(positions[:, foot], fps) & (low.abs() < SNAP_HEIGHT)
    snap = -low * _smooth(still.to(low))
    lift = torch.maximum(snap, -low)  # never below the floor
    return target + torch.stack([lift * 0, lift, lift * 0], dim=-1)


def _sole_heights(world: Float[Tensor, "T J 3 3"], side: str) -> Float[Tensor, "T 3"]:
    """Heights of heel, ball and toe tip over the ankle joint."""
    ankle, foot = JOINT_INDEX[f"{side}_ankle"], JOINT_INDEX[f"{side}_foot"]
    heel, ball, tip = sole_offsets(side)
    foot_joint = (world[:, ankle] @ rest_offsets()[foot])[:, 1]
    return torch.stack(
        [
            (world[:, ankle] @ heel)[:, 1],
            foot_joint + (world[:, ankle] @ ball)[:, 1],
            foot_joint + (world[:, foot] @ tip)[:, 1],
        ],
        dim=-1,
    )


def _smooth(values: Float[Tensor, " T"]) -> Float[Tensor, " T"]:
    """Average over a few frames, so that a snap fades in and out."""
    half = _SMOOTHING_FRAMES // 2
    padded = torch.nn.functional.pad(values[None], (half, half), mode="replicate")
    return padded.unfold(-1, _SMOOTHING_FRAMES, 1).mean(-1)[0]


def _rest_stance(rest: Float[Tensor, "J 3"]) -> tuple[float, float]:
    """Ankle drop and foot length of the rest pose, seen along the shin, left foot."""
    knee, ankle, foot = (rest[JOINT_INDEX[f"left_{name}"]] for name in ("knee", "ankle", "foot"))
    down = torch.nn.functional.normalize(ankle - knee, dim=0)
    bone = foot - ankle
    drop = float(bone @ down)
    return drop, float(torch.linalg.norm(bone - drop * down))
