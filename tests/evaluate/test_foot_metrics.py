"""Numbers of feet, on motions whose sliding and sinking is known."""

from dataclasses import replace

import pytest
import torch

from motion.errors import RequestError
from motion.evaluate.foot_metrics import FootMetrics, foot_metrics, mean_foot_metrics
from motion.representation import SOLE_HEIGHT, Motion


def standing(num_frames: int, *, speed: float = 0.0, height: float = 0.0) -> Motion:
    """Rest pose on the floor that glides along +z (m/s) at a height (metres)."""
    transl = torch.zeros(num_frames, 3)
    transl[:, 1] = height - SOLE_HEIGHT
    transl[:, 2] = torch.arange(num_frames) / 30 * speed
    return Motion.from_full_pose(torch.zeros(num_frames, 165), transl)


def test_standing_still_is_clean():
    found = foot_metrics(standing(30))
    assert found.skate_ratio == 0
    assert found.slide_speed < 1e-4
    assert found.floating < 1e-4
    assert found.penetration < 1e-4
    assert found.grounded_share == 1


def test_gliding_shows_its_speed():
    fast, slow = foot_metrics(standing(60, speed=0.8)), foot_metrics(standing(60, speed=0.2))
    assert fast.slide_speed == pytest.approx(0.8, rel=1e-3)
    assert fast.skate_ratio > 0.9
    assert slow.slide_speed == pytest.approx(0.2, rel=1e-3)
    assert slow.skate_ratio == 0


def test_speed_does_not_depend_on_the_frame_rate():
    fast = standing(60, speed=0.8)
    halved = replace(fast.frames(0, 60), fps=60.0)
    assert foot_metrics(halved).slide_speed == pytest.approx(1.6, rel=1e-3)


def test_heights():
    up, down = foot_metrics(standing(10, height=0.08)), foot_metrics(standing(10, height=-0.03))
    assert up.floating == pytest.approx(0.08, abs=1e-4)
    assert up.grounded_share == 0
    assert up.penetration == 0
    assert down.penetration == pytest.approx(0.03, abs=1e-4)
    assert down.penetration_99 == pytest.approx(0.03, abs=1e-4)
    assert down.floating == 0
    assert down.grounded_share == 1


def test_feet_in_the_air_do_not_skate():
    found = foot_metrics(standing(40, speed=2.0, height=0.2))
    assert found.skate_ratio == 0
    assert found.slide_speed == 0


def test_contacts_say_which_joints_count():
    gliding = standing(20, speed=0.5, height=0.2)
    some = torch.zeros(20, 4, dtype=torch.bool)
    assert foot_metrics(gliding, contacts=some).slide_speed == 0
    some[5:10, 1] = True
    assert foot_metrics(gliding, contacts=some).slide_speed == pytest.approx(0.5, rel=1e-3)


def test_vertices_give_the_exact_lowest_point():
    vertices = torch.full((10, 5, 3), 0.4)
    vertices[:, 3, 1] = -0.02
    found = foot_metrics(standing(10), vertices=vertices)
    assert found.penetration == pytest.approx(0.02, abs=1e-6)


def test_a_walk_stands(walk_motion: Motion):
    found = foot_metrics(walk_motion)
    assert found.penetration < 0.01
    assert found.grounded_share == 1
    assert "skate ratio" in str(found)


def test_mean_counts_frames():
    one, three = foot_metrics(standing(10, height=0.04)), foot_metrics(standing(30))
    mean = mean_foot_metrics([one, three])
    assert isinstance(mean, FootMetrics)
    assert mean.num_frames == 40
    assert mean.floating == pytest.approx(0.01, abs=1e-4)


def test_what_cannot_be_measured_is_said():
    with pytest.raises(RequestError, match="got none"):
        foot_metrics(standing(10).frames(0, 0))
    with pytest.raises(RequestError, match="10 frames, got 9"):
        foot_metrics(standing(10), contacts=torch.zeros(9, 4, dtype=torch.bool))
    with pytest.raises(RequestError, match="no mean"):
        mean_foot_metrics([])
