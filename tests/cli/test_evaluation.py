"""``motion evaluate``: bad input is one sentence, comparisons and checks print what they found."""

import json
from pathlib import Path

import pytest
from made_reports import make_report

from motion.cli import build_parser, evaluation, main
from motion.evaluate.evaluation import SUITES
from motion.evaluate.report.writing import write_report
from motion.evaluate.self_checks import SelfCheck

WORSE = [0.03 + 0.001 * k for k in range(12)]
BETTER = [value - 0.01 - 0.0001 * (k % 3) for k, value in enumerate(WORSE)]


@pytest.fixture
def reports(tmp_path: Path) -> tuple[Path, Path]:
    for name, scores in (("old", WORSE), ("new", BETTER)):
        write_report(make_report(name, {"MPJPE": scores}), tmp_path / name)
    return tmp_path / "old", tmp_path / "new"


def failure(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    try:
        code = main(["evaluate", *words])
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    text = capsys.readouterr().err
    assert text.startswith("motion: error: ")
    assert text.count("\n") == 1
    return text


def test_the_parser_knows_every_suite():
    assert evaluation.SUITES == SUITES
    parsed = build_parser().parse_args(["evaluate", "--data", "d", "--out", "o"])
    assert parsed.suite == SUITES
    parsed = build_parser().parse_args(["evaluate", "--suite", "plan,text", "--json"])
    assert parsed.suite == ("plan", "text")
    assert parsed.run is evaluation.evaluate


def test_bad_input_is_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert "needs --data" in failure(capsys)
    assert "needs --out" in failure(capsys, "--data", str(tmp_path))
    assert "unknown suite 'dance'" in failure(capsys, "--suite", "dance")
    out = ("--out", str(tmp_path / "out"))
    assert "there is no folder" in failure(capsys, "--data", str(tmp_path / "none"), *out)
    assert "expected at least 1" in failure(capsys, "--data", str(tmp_path), *out, "--size", "0")
    assert not (tmp_path / "out").exists()


def test_comparing_two_reports(
    capsys: pytest.CaptureFixture[str], reports: tuple[Path, Path], tmp_path: Path
):
    first, second = map(str, reports)
    assert main(["evaluate", "compare", first, f"{second}/report.json"]) == 0
    assert "new is better" in capsys.readouterr().out
    line = ["evaluate", "compare", first, second, "--json", "--out", str(tmp_path / "both")]
    assert main(line) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["suites"]["tokenizer"]["results"][0]["winner"] == "new"
    assert values == json.loads((tmp_path / "both" / "comparison.json").read_text("utf-8"))
    assert "no report in" in failure(capsys, "compare", first, str(tmp_path))


def test_checks_are_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    made = [
        SelfCheck(metric="FID", identity="a set to itself", found=x, expected=0.0, tolerance=1e-6)
        for x in (0.0, 0.5)
    ]
    monkeypatch.setattr("motion.evaluate.self_checks.run_self_checks", lambda: tuple(made[:1]))
    assert main(["evaluate", "checks"]) == 0
    assert "1 of 1 identities hold" in capsys.readouterr().out
    monkeypatch.setattr("motion.evaluate.self_checks.run_self_checks", lambda: tuple(made))
    assert main(["evaluate", "checks", "--json"]) == 2
    assert [row["held"] for row in json.loads(capsys.readouterr().out)] == [True, False]
