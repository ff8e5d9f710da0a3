"""Smooth ways between two sides, of values and of rotations."""

import pytest
import torch

from motion.geometry import (
    axis_angle_to_matrix,
    bridge_rotations,
    bridge_values,
    slerp,
    turn_between,
)

AXIS = torch.tensor([0.0, 0.6, 0.8])


def turning(frames: torch.Tensor, speed: float) -> torch.Tensor:
    return axis_angle_to_matrix(frames[:, None, None] * speed * AXIS)


@pytest.mark.parametrize("count", [1, 7, 40])
def test_even_movement_goes_on_evenly(count: int):
    frames = torch.arange(float(count + 6))
    line = frames[:, None] * torch.tensor([0.1, -0.2, 0.3])
    found = bridge_values(line[:3], line[3 + count :], count)
    assert torch.allclose(found, line[3 : 3 + count], atol=1e-5)
    matrix = turning(frames, 0.05)
    found = bridge_rotations(matrix[:3], matrix[3 + count :], count)
    assert torch.allclose(found, matrix[3 : 3 + count], atol=1e-5)


def test_a_short_way_is_the_cubic_hermite_curve():
    before, after, count = torch.tensor([[0.0], [1.0]]), torch.tensor([[4.0], [3.5]]), 9
    u = torch.arange(1, count + 1) / (count + 1)
    basis = torch.stack([2 * u**3 - 3 * u**2 + 1, u**3 - 2 * u**2 + u, u**3 - u**2])
    expected = basis[0] * 1 + (1 - basis[0]) * 4 + 10 * (basis[1] * 1 + basis[2] * -0.5)
    assert torch.allclose(bridge_values(before, after, count)[:, 0], expected, atol=1e-5)


def test_speeds_are_kept_beside_both_sides_and_fade_out():
    before, after, count = torch.tensor([[0.0], [0.1]]), torch.tensor([[2.0], [1.9]]), 99
    found = bridge_values(before, after, count, reach=20.0)[:, 0]
    whole = torch.cat([before[:, 0], found, after[:, 0]])
    steps = torch.diff(whole)
    slope = 1.9 / 100
    assert torch.diff(steps).abs().max() < 0.03  # nowhere a jump in speed
    assert steps[1] == pytest.approx(0.1, abs=0.02)
    assert steps[-2] == pytest.approx(-0.1, abs=0.02)
    assert torch.allclose(steps[25:75], torch.full((50,), slope), atol=1e-5)


def test_a_single_frame_has_no_speed():
    first, last = torch.zeros(1, 2), torch.ones(1, 2)
    assert torch.allclose(bridge_values(first, last, 3)[:, 0], torch.tensor([0.25, 0.5, 0.75]))
    matrix = turning(torch.tensor([0.0, 1.0]), 1.0)
    half = slerp(matrix[0], matrix[1], torch.tensor([0.5]))
    assert torch.allclose(bridge_rotations(matrix[:1], matrix[1:], 1)[0], half, atol=1e-5)


def test_without_an_end_the_movement_settles():
    values = torch.tensor([[0.0], [0.3]])
    found = bridge_values(values, None, 60, reach=20.0)[:, 0]
    assert found[0] - 0.3 == pytest.approx(0.3, rel=0.06)
    assert found[19:].allclose(torch.tensor(0.3 + 0.3 * 20 / 3))
    matrix = bridge_rotations(turning(torch.tensor([0.0, 1.0]), 0.03), None, 60, reach=20.0)
    turned = torch.linalg.vector_norm(turn_between(torch.eye(3), matrix[-1, 0]))
    assert turned == pytest.approx(0.03 + 0.03 * 20 / 3, rel=1e-4)
