"""Bars of sound out of an evaluation: its pairs, under the names that the bars have."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from made_reports import make_report

from motion.errors import RequestError
from motion.evaluate.benchmark_bars import judge
from motion.evaluate.sound_bars import SOUND_BARS

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sound_bars_tool", TOOLS / "sound_bars.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def with_pairs(**pairs: dict):
    made = make_report("made", {"MPJPE": (0.1, 0.2)})
    suites = tuple(
        replace(made.suites[0], suite=name, details={"pairs": found, "retrieval": {}})
        for name, found in pairs.items()
    )
    return replace(made, suites=suites)


def test_every_bar_finds_its_figure(tool: ModuleType):
    music = {"aist++": {"low": 0.1}, "bailando": {"low": -0.1}}
    speech = {
        "stroke_correlation": {"low": 0.2},
        "jaw_correlation": {"low": 0.3},
        "mouth": {"auc": 0.9},
    }
    report = with_pairs(
        music={"model": music, "model without beat lock": music}, speech={"model": speech}
    )
    figures = tool.sound_figures(report)
    cost = {"60 s": {"times_real_time": 5.0}, "memory_ratio": 1.0}
    judged = judge(SOUND_BARS, {**figures, "cost": cost})
    assert [bar["reached"] for bar in judged] == [True, False, True, True, True, True, True]
    assert "model without beat lock" in figures["music"]


def test_a_report_without_pairs_is_refused(tool: ModuleType):
    with pytest.raises(RequestError, match="no pairs of speech"):
        tool.sound_figures(with_pairs(music={"model": {}}, speech={}))
    with pytest.raises(RequestError, match="no pairs of music"):
        tool.sound_figures(make_report("made", {"MPJPE": (0.1, 0.2)}))
