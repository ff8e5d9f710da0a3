from fractions import Fraction

import pytest
import torch

from motion.geometry import axis_angle_to_matrix
from motion.geometry.resample import (
    exact_fps,
    resample_linear,
    resample_rotations,
    resampled_length,
)


@pytest.mark.parametrize(
    ("fps", "meant"),
    [
        (60.0, Fraction(60)),
        (1 / 0.0083333, Fraction(120)),
        (1 / 0.033333, Fraction(30)),
        (29.97003, Fraction(30000, 1001)),
        (12.5, Fraction(25, 2)),
    ],
)
def test_frame_rates_are_read_as_meant(fps, meant):
    assert exact_fps(fps) == meant


@pytest.mark.parametrize("fps", [0.0, -30.0, float("nan"), float("inf")])
def test_impossible_frame_rates_are_refused(fps):
    with pytest.raises(ValueError, match="positive"):
        exact_fps(fps)


@pytest.mark.parametrize(
    ("frames", "source", "target", "expected"),
    [
        (1, 60, 30, 1),
        (2, 60, 30, 1),
        (3, 60, 30, 2),
        (121, 120, 30, 31),
        (31, 30, 120, 121),
        (0, 60, 30, 0),
        (24, 24, 30, 29),
        (101, 20, 30, 151),
        (1_000_001, 120, 30, 250_001),
    ],
)
def test_no_frame_is_lost_or_invented(frames, source, target, expected):
    assert resampled_length(frames, source, target) == expected


def test_integer_ratio_picks_the_frames_themselves():
    values = torch.randn(11, 2, 3)
    assert torch.equal(resample_linear(values, 60, 30), values[::2])


def test_a_straight_path_stays_straight_at_any_rate():
    values = torch.arange(49.0)[:, None] / 24
    times = torch.arange(resampled_length(49, 24, 30)) / 30
    torch.testing.assert_close(resample_linear(values, 24, 30)[:, 0], times)


def test_a_steady_turn_stays_steady():
    angles = torch.arange(0, 21) * 0.1
    axis = torch.tensor([0.6, 0.0, 0.8])
    matrix = axis_angle_to_matrix(angles[:, None, None] * axis).expand(21, 2, 3, 3)
    found = resample_rotations(matrix, 20, 30)
    wanted = axis_angle_to_matrix((torch.arange(31) / 30 * 2.0)[:, None] * axis)
    torch.testing.assert_close(found[:, 1], wanted, atol=1e-5, rtol=0)
