"""Change the frame rate of positions and rotations with exact rational arithmetic.

Output frame k shows the time k / target_fps; no frame is invented after the last source frame.
"""

from fractions import Fraction

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motion.geometry.rotations import slerp

Rate = int | float | Fraction
"""Frames per second."""

_FPS_DENOMINATOR = 1_000_000
_NTSC = Fraction(1000, 1001)
_TOLERANCE = 1e-4
"""Relative; frame times are often written with five decimals."""


def exact_fps(fps: Rate) -> Fraction:
    """Read a frame rate as the fraction that was meant (29.97 as 30000/1001, 1/0.0083333 as 120).

    Raises:
        ValueError: The rate is not positive.
    """
    if not fps > 0 or fps == float("inf"):
        raise ValueError(f"a frame rate must be a positive number, got {fps}")
    if isinstance(fps, Fraction):
        return fps
    for candidate in (Fraction(round(fps)), round(fps / _NTSC) * _NTSC):
        if abs(float(candidate) / fps - 1) < _TOLERANCE:
            return candidate
    return Fraction(fps).limit_denominator(_FPS_DENOMINATOR)


def resampled_length(num_frames: int, source_fps: Rate, target_fps: Rate) -> int:
    """Count the frames after resampling: those whose time is not after the last source frame."""
    if num_frames == 0:
        return 0
    ratio = exact_fps(target_fps) / exact_fps(source_fps)
    return int((num_frames - 1) * ratio) + 1


def resample_positions_in_time(
    num_frames: int, source_fps: Rate, target_fps: Rate
) -> tuple[Int[Tensor, " N"], Float[Tensor, " N"]]:
    """For each output frame: the source frame at or before it, and the weight of the next one."""
    step = exact_fps(source_fps) / exact_fps(target_fps)
    count = resampled_length(num_frames, source_fps, target_fps)
    scaled = torch.arange(count, dtype=torch.int64) * step.numerator
    before = scaled // step.denominator
    weight = (scaled % step.denominator).to(torch.float32) / step.denominator
    return before, weight


def resample_linear(
    values: Float[Tensor, "T *rest"], source_fps: Rate, target_fps: Rate
) -> Float[Tensor, "N *rest"]:
    """Resample positions or other plain numbers along axis 0."""
    before, weight = resample_positions_in_time(len(values), source_fps, target_fps)
    if not weight.any():
        return values[before]
    after = (before + 1).clamp(max=len(values) - 1)
    weight = weight.to(values).reshape(-1, *[1] * (values.ndim - 1))
    return values[before] * (1 - weight) + values[after] * weight


def resample_rotations(
    matrix: Float[Tensor, "T *joints 3 3"],
    source_fps: Rate,
    target_fps: Rate,
) -> Float[Tensor, "N *joints 3 3"]:
    """Resample rotation matrices along axis 0 by spherical interpolation."""
    before, weight = resample_positions_in_time(len(matrix), source_fps, target_fps)
    if not weight.any():
        return matrix[before]
    after = (before + 1).clamp(max=len(matrix) - 1)
    shape = matrix.shape[1:-2]
    weight = weight.to(matrix).reshape(-1, *[1] * len(shape)).expand(-1, *shape)
    return slerp(matrix[before], matrix[after], weight)
