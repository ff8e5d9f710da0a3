"""How well the feet of motions stand: height over the floor, penetration, sliding."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from motion.geometry import forward_kinematics
from motion.representation import (
    JOINT_INDEX,
    NUM_BODY_JOINTS,
    PARENTS,
    SOLE_HEIGHT,
    Motion,
    rest_offsets,
    rest_positions,
)

HEEL_BEHIND_ANKLE = 0.05
"""Metres from the ankle joint back to the heel's contact point on the sole."""

BALL_TO_TIP = 0.06
"""Metres from the foot joint forward to the contact point under the toes."""

CONTACT_HEIGHT = 0.03
"""Metres; a sole point that stays below it for two frames is expected not to move."""

_FOOT = ("ankle", "foot")


@dataclass(frozen=True, kw_only=True)
class FloorStatistics:
    """Averages over all frames of a corpus."""

    slide_cm_per_s: float
    """Mean horizontal speed of sole points near the floor."""
    penetration_cm: float
    """Mean depth of the lowest sole point below the floor."""
    penetration_99_cm: float
    """Depth that one frame in a hundred exceeds."""
    lowest_median_cm: float
    """Median height of the lowest sole point."""

    def __str__(self) -> str:
        return (
            f"feet: slide {self.slide_cm_per_s:.1f} cm/s, below the floor {self.penetration_cm:.2f}"
            f" cm on average and {self.penetration_99_cm:.1f} cm in 1 % of the frames, "
            f"lowest point {self.lowest_median_cm:.1f} cm (median)"
        )


def sole_offsets(side: str) -> Float[Tensor, "3 3"]:
    """Heel from the ankle joint, ball from the foot joint, toe tip from the foot joint (metres).

    Heel and ball turn with the ankle, the tip with the foot joint.
    """
    ankle, foot = (float(rest_positions()[JOINT_INDEX[f"{side}_{n}"], 1]) for n in _FOOT)
    return torch.tensor(
        [
            [0.0, SOLE_HEIGHT - ankle, -HEEL_BEHIND_ANKLE],
            [0.0, SOLE_HEIGHT - foot, 0.0],
            [0.0, SOLE_HEIGHT - foot, BALL_TO_TIP],
        ]
    )


def sole_points(motion: Motion) -> Float[Tensor, "T 6 3"]:
    """World positions (metres) of heel, ball and toe tip of the left, then the right foot."""
    world, positions = forward_kinematics(
        motion.local_matrix(NUM_BODY_JOINTS),
        motion.root_position,
        rest_offsets()[:NUM_BODY_JOINTS],
        PARENTS[:NUM_BODY_JOINTS],
    )
    points = []
    for side in ("left", "right"):
        ankle, foot = (JOINT_INDEX[f"{side}_{name}"] for name in _FOOT)
        heel, ball, tip = sole_offsets(side)
        points.append(positions[:, ankle] + world[:, ankle] @ heel)
        points.append(positions[:, foot] + world[:, ankle] @ ball)
        points.append(positions[:, foot] + world[:, foot] @ tip)
    return torch.stack(points, dim=1)


def floor_statistics(motions: Sequence[Motion]) -> FloorStatistics:
    """Measure how the feet of motions at 30 fps stand and slide."""
    slides, lows = [], []
    for motion in motions:
        points = sole_points(motion)
        lows.append(points[..., 1].amin(-1))
        if motion.num_frames < 2:
            continue
        near = (points[1:, :, 1] < CONTACT_HEIGHT) & (points[:-1, :, 1] < CONTACT_HEIGHT)
        speed = torch.linalg.norm(torch.diff(points[..., [0, 2]], dim=0), dim=-1) * motion.fps
        slides.append(speed[near])
    low = torch.cat(lows)
    slide = torch.cat(slides) if slides else low.new_zeros(0)
    depth = (-low).clamp(min=0)
    return FloorStatistics(
        slide_cm_per_s=100 * float(slide.mean()) if len(slide) else 0.0,
        penetration_cm=100 * float(depth.mean()),
        penetration_99_cm=100 * float(_quantile(depth, 0.99)),
        lowest_median_cm=100 * float(low.median()),
    )


def _quantile(values: Float[Tensor, " N"], share: float) -> float:
    """Give a quantile without the size limit of ``torch.quantile``."""
    rank = int(share * (len(values) - 1))
    return float(values.kthvalue(rank + 1).values)
