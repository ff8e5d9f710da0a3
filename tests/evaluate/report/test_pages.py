"""Reports as JSON, markdown and a page; training curves; motions as the page plays them."""

import base64
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_motions import make_walk
from made_reports import make_report

from motion.errors import DataError, RequestError
from motion.evaluate.report.curves import read_curves
from motion.evaluate.report.drawing import draw
from motion.evaluate.report.markdown import markdown_of
from motion.evaluate.report.page import page_of
from motion.evaluate.report.preview import PREVIEW_FPS, joints_shown, preview_of
from motion.evaluate.report.record import EvaluationReport, read_report
from motion.evaluate.report.tables import number
from motion.evaluate.report.writing import write_report
from motion.evaluate.suites.records import Plot, Shown
from motion.representation import NUM_JOINTS

SCORES = {"MPJPE": (0.01, 0.02, 0.03), "PA-MPJPE": (0.008, 0.01, 0.02)}


@pytest.fixture
def report() -> EvaluationReport:
    shown = Shown(
        label="best",
        title="a <walk> & back",
        score="MPJPE 0.01 m",
        motion=make_walk(45),
        truth=make_walk(45),
    )
    made = make_report("made", SCORES)
    return replace(made, suites=(replace(made.suites[0], shown=(shown,)),))


def test_a_report_reads_back(report: EvaluationReport, tmp_path: Path):
    write_report(report, tmp_path / "out")
    assert read_report(tmp_path / "out") == report.without_motions()
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "report.html",
        "report.json",
        "report.md",
    ]


def test_broken_reports_are_refused(tmp_path: Path):
    file = tmp_path / "report.json"
    lacking = ('{"format_version": 1}', "cannot be read")
    for text, what in (("[", "no JSON"), ("[]", "holds no report"), lacking):
        file.write_text(text, "utf-8")
        with pytest.raises(DataError, match=what):
            read_report(tmp_path)


def test_lengths_are_told_in_millimetres_with_intervals_and_flags(report: EvaluationReport):
    text = markdown_of(report)
    assert "| system | MPJPE (mm) ↓ | PA-MPJPE (mm) ↓ | Jerk (m/s3) ≈ |" in text
    assert "| **model** | 20 (10 to 30) | 12.7 (8 to 20) | - |" in text
    assert "| ground truth | - | - | 120 * |" in text
    assert "- \\* Jerk: only one item" in text
    assert "made walks test, n = 12" in text


def test_the_page_escapes_what_it_is_given(report: EvaluationReport):
    page = page_of(report)
    assert "a &lt;walk&gt; &amp; back" in page
    assert "Made up &lt;here&gt; &amp; now." in page
    assert "@@" not in page
    assert not re.search(r"https?:", page)


def test_every_number_that_is_drawn_is_a_number(report: EvaluationReport):
    page = page_of(report)
    assert not re.search(r"\b(nan|inf)\b", page)


def test_motions_are_small_and_exact_to_a_millimetre():
    motion = make_walk(45)
    packed = preview_of(Shown(label="", title="", score="", motion=motion))
    kept = joints_shown(motion)
    (view,) = packed["views"]
    values = np.frombuffer(base64.b64decode(view["data"]), "<i2").reshape(-1, len(kept), 3)
    assert len(values) == round(1.5 * PREVIEW_FPS)
    joints = motion.joints()[::2, kept].numpy() * 1000
    start = joints[:1, :1] * [1, 0, 1]
    assert np.abs(values - (joints - start)[: len(values)]).max() <= 0.51
    assert packed["parents"][0] == -1
    assert all(0 <= parent < place for place, parent in enumerate(packed["parents"]) if place)


def test_hands_are_shown_where_there_are_some():
    motion = make_walk(10)
    assert len(joints_shown(replace(motion, parts=frozenset({"lower", "upper"})))) == 22
    hands = frozenset({"lower", "upper", "left_hand", "right_hand"})
    assert len(joints_shown(replace(motion, parts=hands))) == NUM_JOINTS - 3


@pytest.mark.parametrize(
    "plot",
    [
        Plot(
            kind="lines", title="t", x_label="x", y_label="y", rows={"x": (1.0, 1.0), "a": (0, 0)}
        ),
        Plot(kind="bars", title="t", x_label="", y_label="", rows={"a": (0.0, 0.0, 0.0)}),
        Plot(kind="heat", title="t", x_label="", y_label="", rows={"a": (0.0,)}, columns=("c",)),
        Plot(kind="spans", title="t", x_label="", y_label="", rows={"a": (), "b": (0.0, 1.0)}),
    ],
    ids=lambda plot: plot.kind,
)
def test_plots_of_nothing_much_can_be_drawn(plot: Plot):
    assert "<svg" in draw(plot)


def test_numbers_are_told_with_three_digits():
    assert [number(value) for value in (0, 0.01234, 12.345, 1234.5, 1.2e-5)] == [
        "0",
        "0.0123",
        "12.3",
        "1,234",
        "1.2e-05",
    ]


def test_training_curves(tmp_path: Path):
    file = tmp_path / "metrics.csv"
    file.write_text("epoch,step,train/loss,val/loss\n0,10,3.5,\n0,20,,2.5\n1,30,2.0,\n1,40,nan,\n")
    (curve,) = read_curves(file)
    assert curve.title == "train/loss"
    assert curve.rows == {"x": (10.0, 30.0), "train/loss": (3.5, 2.0)}
    assert read_curves(None) == ()
    file.write_text("a,b\n1,2\n")
    with pytest.raises(RequestError, match="no column 'step'"):
        read_curves(file)
    with pytest.raises(RequestError, match="no training curves in"):
        read_curves(tmp_path / "none.csv")
