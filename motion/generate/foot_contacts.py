"""Turn contact labels into weights: which foot is to stand still, when, and how firmly.

Axes: 4 foot joints (left ankle, left foot, right ankle, right foot), 2 feet, 2 points of a foot
(heel, ball).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class ContactConfig:
    """How contact labels are read."""

    on_probability: float = 0.6
    """A contact begins where its probability is above this."""
    off_probability: float = 0.4
    """A contact ends where its probability is below this."""
    max_gap_frames: int = 3
    """Shorter gaps inside a contact are filled."""
    min_frames: int = 4
    """Shorter contacts are left alone."""
    max_slide_speed: float = 0.8
    """Metres a second (averaged over a quarter of a second) at which a labelled foot is meant to
    slide and is left alone; locking is full below half of it."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0 <= self.off_probability <= self.on_probability <= 1:
            raise ValueError(
                "contact probabilities need 0 <= off_probability <= on_probability <= 1, got "
                f"off {self.off_probability}, on {self.on_probability}"
            )
        if self.max_slide_speed <= 0:
            raise ValueError(f"max_slide_speed must be positive, got {self.max_slide_speed}")


def planted_frames(probability: Float[Tensor, "T C"], config: ContactConfig) -> Bool[Tensor, "T C"]:
    """Contacts with hysteresis, short gaps filled, short contacts dropped. Axis: C labels."""
    held = _hysteresis(probability, config.on_probability, config.off_probability)
    filled = ~_drop_short_runs(~held, config.max_gap_frames + 1, keep_at_ends=True)
    return _drop_short_runs(filled, config.min_frames, keep_at_ends=False)


def slide_share(
    points: Float[Tensor, "T 2 2 3"], max_speed: float, fps: float
) -> Float[Tensor, "T 2 2"]:
    """Weight from 1 (stands, or creeps) to 0 (glides on purpose) by the averaged planar speed."""
    velocity = central_velocity(points[..., [0, 2]], fps)
    speed = torch.linalg.vector_norm(smooth(velocity, 7), dim=-1)
    share: Tensor = (2 * (1 - speed / max_speed)).clamp(0, 1)
    return share * share * (3 - 2 * share)


def central_velocity(values: Float[Tensor, "T *rest"], fps: float) -> Float[Tensor, "T *rest"]:
    """Change a second, from the frame before to the frame after."""
    step = torch.diff(values, dim=0) * fps
    return (torch.cat([step[:1], step]) + torch.cat([step, step[-1:]])) / 2


def smooth(values: Float[Tensor, "T *rest"], width: int) -> Float[Tensor, "T *rest"]:
    """Average over ``width`` (odd) frames with a Hann window; the ends are repeated."""
    window = torch.hann_window(width + 2, periodic=False)[1:-1].to(values)
    half = width // 2
    padded = torch.cat([values[:1].expand(half, *values.shape[1:]), values])
    padded = torch.cat([padded, values[-1:].expand(half, *values.shape[1:])])
    return padded.unfold(0, width, 1) @ (window / window.sum())


def edge_taper(planted: Bool[Tensor, "T C"], width: int) -> Float[Tensor, "T C"]:
    """Weights that are 1 inside contacts and rise over ``width`` frames from their edges."""
    inside = planted.float()
    padded = torch.cat([inside[:1].expand(width, -1), inside, inside[-1:].expand(width, -1)])
    windows = padded.unfold(0, 2 * width + 1, 1)
    # a frame k frames inside an edge sees an empty neighbour at distance k + 1
    distance = torch.arange(-width, width + 1).abs().float()
    nearest = torch.where(windows > 0, width + 1.0, distance).amin(-1)
    return inside * (nearest / (width + 1)).square()


def _hysteresis(probability: Float[Tensor, "T C"], on: float, off: float) -> Bool[Tensor, "T C"]:
    """Above ``on``: yes; below ``off``: no; between: as the last clear frame before."""
    clear = (probability > on) | (probability < off)
    frames = torch.arange(len(probability), device=probability.device)[:, None]
    last_clear = torch.where(clear, frames, -1).cummax(dim=0).values
    first_clear = clear.int().argmax(dim=0, keepdim=True)
    source = torch.where(last_clear < 0, first_clear, last_clear)
    return torch.gather(probability, 0, source) > (on + off) / 2


def _drop_short_runs(
    flags: Bool[Tensor, "T C"], min_frames: int, *, keep_at_ends: bool
) -> Bool[Tensor, "T C"]:
    """Unset runs of True shorter than ``min_frames``."""
    before, after = _run_reach(flags), _run_reach(flags.flip(0)).flip(0)
    long_enough = before + after - 1 >= min_frames
    if keep_at_ends:  # what goes on beyond the clip is not known to be short
        frames = torch.arange(len(flags), device=flags.device)[:, None]
        long_enough |= (before == frames + 1) | (after == len(flags) - frames)
    return flags & long_enough


def _run_reach(flags: Bool[Tensor, "T C"]) -> Int[Tensor, "T C"]:
    """Count the frames of True up to and with each frame since the last False."""
    frames = torch.arange(1, len(flags) + 1, device=flags.device)[:, None].expand_as(flags)
    last_false = torch.where(flags, 0, frames).cummax(dim=0).values
    return frames - last_false
