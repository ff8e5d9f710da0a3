"""The choice of tasks and the table of the composition tool, and the figures that ship."""

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest

from motion.tasks.planning.days import make_examples

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "benchmarks" / "composition.json"


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return importlib.import_module("measure_composition")


def test_tasks_are_of_different_kinds_and_have_some_steps(tool: ModuleType):
    chosen = tool.choose(list(make_examples("test", 150, 0)), 6)
    assert len(chosen) == 6
    assert len({example.fields["task"].split()[0] for example in chosen}) == 6
    assert all("3. " in example.answer and example.fields["scene"] for example in chosen)


def test_the_table_says_what_was_measured_and_what_was_wanted(tool: ModuleType):
    score = {"times_chance": 3.02, "hits": 0.302, "num_segments": 44, "interval": [0.19, 0.45]}
    seams = {
        "median_jerk_ratio": 0.84,
        "seams": 30,
        "smooth_share": 0.9,
        "root_continuous_share": 1.0,
        "compositions": 14,
    }
    rows = tool.table(
        {
            "cycle": {"by words": score, "by motion": score},
            "seams": {"continue": seams},
            "memory": {
                "streamed": {"60": {"peak_bytes": 1.13e9}, "600": {"peak_bytes": 1.15e9}},
                "ratio": 1.02,
            },
        }
    )
    assert "| own step found among ten, by words | 3.0 times chance (30% of 44 segments, " in rows
    assert "0.84 (median of 30), 90% within the bar | ≤ 1.5 |" in rows
    assert "1.02 times (1.13 and 1.15 GB) | ≤ 1.1 times |" in rows


def test_the_figures_that_ship_hold_their_protocol(tool: ModuleType):
    if not FIGURES.is_file():
        pytest.skip("not measured yet: python tools/measure_composition.py")
    figures = json.loads(FIGURES.read_text("utf-8"))
    assert {"command", "tasks", "rules"} <= set(figures["protocol"])
    assert len(figures["compositions"]) == len(figures["protocol"]["tasks"]) >= 12
    assert set(figures["seams"]) == {"continue", "inbetween", "blend"}
    assert tool.table(figures)
