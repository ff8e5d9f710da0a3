"""The tool that holds checks against labelled clips, and the table that ships."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
from made_corpora import write_prepared

from motion.evaluate.checks import CHECKS

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "benchmarks" / "checks.json"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "validate_checks", ROOT / "tools" / "validate_checks.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def test_true_and_other_clips_are_counted_by_split(
    tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    rows = [("train", "bow", 60, 1.0), ("test", "bow", 60, 1.0), ("test", "walk", 90, 0.5)]
    write_prepared(tmp_path / "bandai", "bandai", rows=rows)
    tool.main([str(tmp_path / "bandai"), "--out", str(tmp_path / "checks.json")])
    told = json.loads((tmp_path / "checks.json").read_text())
    bow = next(case for case in told["cases"] if case["check"] == "bow")
    assert (bow["all"]["true"]["passed"], bow["all"]["true"]["total"]) == (2, 2)
    assert bow["test"]["true"]["total"] == 1
    assert bow["all"]["other"] == {**bow["all"]["other"], "passed": 0, "total": 1, "share": 0.0}
    assert bow["good"]
    assert bow["few_true_clips"]
    lying = next(case for case in told["cases"] if case["check"] == "lies")
    assert lying["all"]["true"]["share"] is None
    assert not lying["good"]
    assert "| bow() | 2 | 100.0% | 1 | 0.0% | yes (few) |" in capsys.readouterr().out


def test_table_that_ships_says_that_all_checks_hold():
    told = json.loads(TABLE.read_text("utf-8"))
    missed = [case["expectation"] for case in told["cases"] if not case["good"]]
    assert not missed
    assert {case["check"] for case in told["cases"]} == set(CHECKS) - {"lasts"}  # no label says it
    assert told["without_labels"] == ["lasts"]
