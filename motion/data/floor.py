"""How well the feet of motions stand: height over the floor, penetration, sliding."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from motion.representation import Motion, sole_points

CONTACT_HEIGHT = 0.03
"""Metres; a sole point that stays below it for two frames is expected not to move."""


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
