"""The README says what was measured, and what was measured are the weights that ship."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from made_reports import make_report

from motion.evaluate.benchmark import weight_hashes
from motion.evaluate.report.record import read_report
from motion.evaluate.report.writing import publish
from motion.generate.checkpoint import DEFAULT_CHECKPOINT

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "benchmarks" / "default.json"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The tool as a module."""
    spec = importlib.util.spec_from_file_location("tool", ROOT / "tools" / "benchmark_table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def figures() -> dict:
    """What ``motion benchmark`` wrote about the default weights."""
    if not FIGURES.is_file():
        pytest.skip("the default weights were not measured yet: motion benchmark")
    return json.loads(FIGURES.read_text("utf-8"))


def test_readme_has_the_measured_table(tool: ModuleType, figures: dict):
    readme = (ROOT / "README.md").read_text("utf-8")
    if tool.START not in readme:
        pytest.skip("the README has no markers")
    again = tool.with_table(readme, tool.table(FIGURES.parent))
    assert readme == again, "run: python tools/benchmark_table.py"


def test_readme_has_the_figures_of_the_evaluation(tool: ModuleType):
    readme = (ROOT / "README.md").read_text("utf-8")
    again = tool.with_tables(readme, FIGURES.parent)
    assert readme == again, "run: python tools/benchmark_table.py"


def test_the_page_of_metrics_is_that_of_the_code(tool: ModuleType):
    page = (ROOT / "docs" / "evaluation.md").read_text("utf-8")
    again = tool.with_table(page, tool.metrics(), *tool.METRICS_MARKS)
    assert page == again, "run: python tools/benchmark_table.py"


def test_the_evaluation_is_about_the_default_weights(tool: ModuleType):
    file = FIGURES.parent / tool.EVALUATION
    if not file.is_file():
        pytest.skip("the default weights were not evaluated yet: motion evaluate --publish")
    assert read_report(file).checkpoint["sha256"] == weight_hashes(DEFAULT_CHECKPOINT)


def test_tables_of_published_figures(tool: ModuleType, tmp_path: Path):
    assert tool.evaluation(tmp_path) == ""
    report = make_report("default", {"MPJPE": (0.01, 0.02, 0.03)})
    publish(report, tmp_path / tool.EVALUATION)
    text = tool.evaluation(tmp_path)
    assert "| system | MPJPE (mm) ↓ |" in text
    assert "| **model** | 20 (10 to 30) |" in text
    assert "made walks, test: n = 12, clips of 2 to 4 s" in text


def test_publishing_keeps_other_suites_of_the_same_weights(tool: ModuleType, tmp_path: Path):
    file = tmp_path / tool.EVALUATION
    first = make_report("default", {"MPJPE": (0.01, 0.02, 0.03)})
    publish(first, file)
    plans = replace(first.suites[0], suite="plan", title="Plans")
    publish(replace(first, suites=(plans,)), file)
    assert [suite.suite for suite in read_report(file).suites] == ["tokenizer", "plan"]
    other = replace(first, suites=(plans,), checkpoint={"name": "other", "sha256": {}})
    publish(other, file)
    assert [suite.suite for suite in read_report(file).suites] == ["plan"]


def test_figures_are_about_the_default_weights(figures: dict):
    assert figures["checkpoint"]["sha256"] == weight_hashes(DEFAULT_CHECKPOINT), (
        "the default weights have changed since: motion benchmark --json benchmarks/default.json"
    )


def test_tables_of_several_files(tool: ModuleType, tmp_path: Path):
    row = {"relation": "<=", "limit": 2, "unit": "s", "digits": 1, "value": 1.0, "reached": True}
    for name, what in (("default", "first"), ("also", "second")):
        report = {"bars": [{**row, "what": what}]}
        (tmp_path / f"{name}.json").write_text(json.dumps(report), "utf-8")
    (tmp_path / "without.json").write_text("{}", "utf-8")
    found = tool.table(tmp_path).splitlines()[2:]
    assert found == ["| first | 1.0 s | ≤ 2 | yes |", "| second | 1.0 s | ≤ 2 | yes |"]


def test_only_the_place_between_the_markers_changes(tool: ModuleType):
    readme = f"# A\n\n{tool.START}\nold\n{tool.END}\n\nb\n"
    once = tool.with_table(readme, "| new |\n")
    assert once == f"# A\n\n{tool.START}\n| new |\n{tool.END}\n\nb\n"
    assert tool.with_table(once, "| new |\n") == once
    with pytest.raises(SystemExit, match="has no <!-- bars:start"):
        tool.with_table("# A\n", "")
