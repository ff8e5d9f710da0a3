"""The measures of the curation tool on known turns, and the figures that ship."""

import importlib.util
import json
import math
from pathlib import Path
from types import ModuleType

import pytest
import torch

from motion.evaluate.trajectory_metrics import mpjpe
from motion.geometry import axis_angle_to_matrix, yaw_to_matrix
from motion.representation import NUM_BODY_JOINTS, Motion

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "benchmarks" / "curation.json"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tool", ROOT / "tools" / "measure_curation.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def joints(walk_motion: Motion) -> torch.Tensor:
    return walk_motion.joints(NUM_BODY_JOINTS).double()


@pytest.mark.parametrize("yaw", [-2.5, -0.3, 0.0, 1.2, 3.0])
def test_a_turn_about_y_is_taken_back(tool: ModuleType, joints: torch.Tensor, yaw: float):
    away = joints @ yaw_to_matrix(torch.tensor(yaw, dtype=torch.float64)).T
    assert mpjpe(tool.turned(away, joints), joints) < 1e-6
    assert tool.tilt_degrees(away, joints) < 1e-3


def test_a_tilt_is_measured(tool: ModuleType, joints: torch.Tensor):
    lean = axis_angle_to_matrix(torch.tensor([math.radians(12), 0, 0], dtype=torch.float64))
    tilted = joints @ lean.T
    assert tool.tilt_degrees(tilted, joints) == pytest.approx(12, abs=1e-3)
    assert mpjpe(tool.turned(tilted, joints), joints) > 0.05


def test_a_still_pose_is_the_mean(tool: ModuleType, joints: torch.Tensor):
    assert mpjpe(tool.still(joints[:1].expand(5, -1, -1)), joints[:1].expand(5, -1, -1)) < 1e-9
    assert mpjpe(tool.still(joints), joints) > 0.03


def test_the_figures_that_ship_hold_their_protocol():
    if not FIGURES.is_file():
        pytest.skip("not measured yet: python tools/measure_curation.py")
    figures = json.loads(FIGURES.read_text("utf-8"))
    assert {"what", "command", "pose"} <= set(figures["protocol"])
    films = figures["films"]
    assert len({film["clip"] for film in films}) >= 4
    assert len({film["azimuth_degrees"] for film in films}) >= 3
    assert figures["all"]["films"] == len(films)
    assert figures["all"]["mpjpe_mm"] < figures["all"]["still_mm"] * 2
    assert figures["all"]["mpjpe_mm"] < 100
