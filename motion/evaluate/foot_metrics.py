"""How feet stand in a motion: sliding, floating and sinking, in numbers.

Axes: F = 2 feet (left, right).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from motion.errors import RequestError
from motion.representation import (
    FOOT_JOINTS,
    JOINT_INDEX,
    NUM_BODY_JOINTS,
    SOLE_HEIGHT,
    Motion,
    rest_positions,
    sole_points,
)

SKATE_HEIGHT = 0.05
"""Metres above its height in the rest pose below which a foot joint counts as on the floor.

Source: Karunratanakul et al., "Guided Motion Diffusion" (ICCV 2023), section 5: foot skating ratio
is "the proportion of frames in which either foot skids more than 2.5 cm while maintaining contact
with the ground (foot height < 5 cm)"; their code takes the joints left_foot and right_foot, both
frames of a step on the floor, and the speed also averaged over five frames. Departures: heights
count from the joint's own height in the rest pose (theirs from the floor, for the thinner feet of
HumanML3D), and 2.5 cm at their 20 fps is a speed of 0.5 m/s at any rate."""

SKATE_SPEED = 0.5
"""Metres a second; see ``SKATE_HEIGHT``."""

SKATE_AVERAGE_FRAMES = 5

SLIDE_HALF_HEIGHT = 0.025
"""Metres at which the weight of a sliding foot reaches zero. Source: Zhang et al., "Mode-Adaptive
Neural Networks for Quadruped Motion Control" (SIGGRAPH 2018): speed times
2 - 2^(height / 2.5 cm). Departure: divided by the weights, so that time in the air does not count
as standing still."""

GROUNDED_HEIGHT = 0.05
"""Metres from the floor within which the lowest point counts as on it."""

_FEET = tuple(JOINT_INDEX[f"{side}_foot"] for side in ("left", "right"))


@dataclass(frozen=True, kw_only=True)
class FootMetrics:
    """Numbers of one motion, or means over the frames of several."""

    num_frames: int
    skate_ratio: float
    """Share of frames in which a foot on the floor moves faster than 0.5 m/s (see
    ``SKATE_HEIGHT``); captured motion is not at zero: swinging feet pass low."""
    slide_speed: float
    """Mean planar speed (m/s) of feet on the floor: by the given contacts, else by height."""
    floating: float
    """Mean height (metres) of the lowest point over the floor, jumps included; sunk counts 0."""
    penetration: float
    """Mean depth (metres) of the lowest point below the floor; above counts 0."""
    penetration_99: float
    """Depth (metres) that one frame in a hundred exceeds."""
    grounded_share: float
    """Share of frames whose lowest point is within 5 cm of the floor."""

    def __str__(self) -> str:
        return (
            f"feet of {self.num_frames} frames: skate ratio {100 * self.skate_ratio:.1f} %, slide "
            f"{100 * self.slide_speed:.1f} cm/s, float {100 * self.floating:.1f} cm, sink "
            f"{100 * self.penetration:.2f} cm (worst 1 %: {100 * self.penetration_99:.1f} cm), "
            f"{100 * self.grounded_share:.1f} % of the frames within 5 cm of the floor"
        )


@torch.no_grad()
def foot_metrics(
    motion: Motion,
    *,
    contacts: Bool[Tensor, "T 4"] | None = None,
    vertices: Float[Tensor, "T V 3"] | None = None,
) -> FootMetrics:
    """Measure one motion on the floor y = 0.

    Args:
        motion: With at least one frame.
        contacts: Which of left ankle, left foot, right ankle, right foot are to stand still; given
            labels make ``slide_speed`` comparable before and after a correction. None: by height.
        vertices: The body's mesh, metres: the lowest point is then exact, else that of six points
            on the soles.

    Raises:
        RequestError: There are no frames, or contacts or vertices of another number of frames.
    """
    _check_lengths(motion, contacts, vertices)
    joints, soles = motion.joints(NUM_BODY_JOINTS), sole_points(motion)
    low = (soles if vertices is None else vertices)[..., 1].amin(-1)
    depth = (-low).clamp(min=0)
    return FootMetrics(
        num_frames=motion.num_frames,
        skate_ratio=_skate_ratio(joints, motion.fps),
        slide_speed=_slide_speed(joints, soles, contacts, motion.fps),
        floating=float(low.clamp(min=0).mean()),
        penetration=float(depth.mean()),
        penetration_99=float(torch.quantile(depth, 0.99)),
        grounded_share=float((low.abs() < GROUNDED_HEIGHT).float().mean()),
    )


def mean_foot_metrics(metrics: Sequence[FootMetrics]) -> FootMetrics:
    """Average over motions, each counting by its frames."""
    if not metrics:
        raise RequestError("foot metrics of no motion at all have no mean; give at least one")
    total = sum(one.num_frames for one in metrics)
    names = [f.name for f in fields(FootMetrics) if f.name != "num_frames"]
    means = {n: sum(getattr(m, n) * m.num_frames for m in metrics) / total for n in names}
    return FootMetrics(num_frames=total, **means)


def _skate_ratio(joints: Float[Tensor, "T J 3"], fps: float) -> float:
    feet = joints[:, _FEET]
    if len(feet) < 2:
        return 0.0
    speed = _planar_speed(feet, fps)  # (T-1, F)
    half = SKATE_AVERAGE_FRAMES // 2
    padded = torch.nn.functional.pad(speed.T, (half, half))
    averaged = padded.unfold(-1, SKATE_AVERAGE_FRAMES, 1).mean(-1).T
    rest = rest_positions()[list(_FEET), 1].to(feet) - SOLE_HEIGHT
    down = feet[..., 1] < rest + SKATE_HEIGHT
    skates = (torch.minimum(speed, averaged) > SKATE_SPEED) & down[1:] & down[:-1]
    return float(skates.any(-1).float().mean())


def _slide_speed(
    joints: Float[Tensor, "T J 3"],
    soles: Float[Tensor, "T 6 3"],
    contacts: Bool[Tensor, "T 4"] | None,
    fps: float,
) -> float:
    if contacts is None:
        points = soles
        share = 2 - 2 ** (soles[..., 1].clamp(min=0) / SLIDE_HALF_HEIGHT)
        weight = share.clamp(min=0)
        weight = torch.minimum(weight[1:], weight[:-1])
    else:
        points = joints[:, [JOINT_INDEX[name] for name in FOOT_JOINTS]]
        weight = (contacts[1:] & contacts[:-1]).to(points)
    total = float(weight.sum())
    return float((_planar_speed(points, fps) * weight).sum()) / total if total > 0 else 0.0


def _planar_speed(points: Float[Tensor, "T N 3"], fps: float) -> Float[Tensor, "_ N"]:
    step = torch.diff(points[..., [0, 2]], dim=0)
    speed: Tensor = torch.linalg.vector_norm(step, dim=-1) * fps
    return speed


def _check_lengths(motion: Motion, contacts: Tensor | None, vertices: Tensor | None) -> None:
    if motion.num_frames == 0:
        raise RequestError("expected a motion with frames to measure its feet, got none")
    for name, given in (("contacts", contacts), ("vertices", vertices)):
        if given is not None and len(given) != motion.num_frames:
            raise RequestError(
                f"expected {name} for the motion's {motion.num_frames} frames, got {len(given)}"
            )
