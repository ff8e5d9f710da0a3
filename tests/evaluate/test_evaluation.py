"""Every suite on tiny models and made data: finite figures, reports read back, no work twice."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from made_evaluation import write_evaluation

from motion.conditioners.baking import CACHE_VARIABLE
from motion.errors import DataError, RequestError
from motion.evaluate import evaluation, inbetween_suite, plan_suite
from motion.evaluate.evaluation import SUITES, EvaluationPlan, run
from motion.evaluate.metric_table import METRICS
from motion.evaluate.plan_suite import RAW
from motion.evaluate.report.record import (
    JSON_FILE,
    MARKDOWN_FILE,
    PAGE_FILE,
    EvaluationReport,
    read_report,
)
from motion.evaluate.suites import inbetween
from motion.evaluate.suites import plan as plan_module
from motion.evaluate.suites.records import MODEL
from motion.evaluate.suites.store import WorkStore
from motion.generate.planning import PlannerConfig

SIZE = 6
TRIED = tuple(name for name in SUITES if name != "text")
"""The text suite has an evaluator and tests of its own."""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("evaluation")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(folder / "cache"))
        _hurry(patch)
        write_evaluation(folder)
        yield folder


def _hurry(patch: pytest.MonkeyPatch) -> None:
    """Ask fewer times what is asked many times."""
    patch.setattr(inbetween, "GAP_SECONDS", (2.0,))
    patch.setattr(inbetween_suite, "FID_RESAMPLES", 5)
    once = PlannerConfig(retries=0, grounded=False, verified=False)
    patch.setattr(plan_module, "SYSTEMS", {"raw": RAW, "product": once})
    patch.setattr(plan_module, "PRODUCT", once)
    for module in (plan_module, plan_suite):
        patch.setattr(module, "BUDGETS", (0, 8))
    patch.setattr(plan_suite, "LANGUAGES", ())


@pytest.fixture(scope="module")
def plan(folder: Path) -> EvaluationPlan:
    return EvaluationPlan(
        data=folder / "data",
        out=folder / "report",
        checkpoint=folder / "release",
        suites=TRIED,
        size=SIZE,
    )


@pytest.fixture(scope="module")
def report(plan: EvaluationPlan) -> EvaluationReport:
    return run(plan, progress=lambda _: None)


def test_every_suite_gives_figures_of_known_metrics_with_protocols(report):
    assert tuple(suite.suite for suite in report.suites) == TRIED
    known = {row.name for row in METRICS}
    for suite in report.suites:
        assert any(system.name == MODEL for system in suite.systems)
        for system in suite.systems:
            assert system.figures
            assert system.what
            assert {figure.name for figure in system.figures} <= known
            commands = {figure.protocol.command for figure in system.figures}
            assert commands == {report.command}
        assert len({item.metric for item in suite.items}) == len(suite.items) > 0
        for item in suite.items:
            assert all(len(row) == len(item.prompts) for row in item.systems.values())
    assert report.num_checks >= len(known)
    assert report.left_out == {}


@pytest.mark.parametrize("name", ["tokenizer", "inbetween", "music", "speech", "caption"])
def test_the_best_the_median_and_the_worst_are_shown(report, name):
    (suite,) = [suite for suite in report.suites if suite.suite == name]
    assert [shown.label for shown in suite.shown] == ["best", "median", "worst"]


def test_suites_measure_what_they_should(report):
    names = {
        suite.suite: {f.name for system in suite.systems for f in system.figures}
        for suite in report.suites
    }
    assert {"Beat alignment (AIST++)", "Beat alignment (Bailando)", "PFC", "FID_k", "FID_g"} <= (
        names["music"]
    )
    assert {"FGD", "SRGR", "Beat consistency", "L1 diversity", "Mouth AUC"} <= names["speech"]
    assert {"ADE", "FDE", "MPJPE", "Frame FID", "Seam jerk"} <= names["inbetween"]
    assert {"MPJPE", "PA-MPJPE", "Acceleration error", "Drift at 3 s", "Codebook usage"} <= (
        names["tokenizer"]
    )
    assert {"BLEU-4", "CIDEr", "Text cosine", "Content accuracy"} <= names["caption"]
    assert {"Plan parses", "Plan sound"} <= names["plan"]


def test_few_samples_are_flagged(report):
    (speech,) = [suite for suite in report.suites if suite.suite == "speech"]
    (model,) = [system for system in speech.systems if system.name == MODEL]
    flags = {figure.name: figure.flags for figure in model.figures}
    assert flags["SRGR"] == ("only one item",)
    assert "biased" in flags["FGD"][0]


def test_json_round_trip(plan, report):
    again = read_report(plan.out)
    assert again == report.without_motions()
    assert again.to_json() != report.to_json()  # which says what was shown
    assert again.to_json() == EvaluationReport.from_dict(again.to_dict()).to_json()


def test_published_figures_read_back_without_items(plan, report):
    text = report.published()
    values = json.loads(text)
    assert all("items" not in suite and "details" not in suite for suite in values["suites"])
    again = EvaluationReport.from_dict(values)
    assert again.suites[0].systems == report.suites[0].systems
    assert len(text) < len(report.to_json())


def test_a_second_run_makes_nothing_anew(plan, report, monkeypatch):
    def refuse():
        raise AssertionError("made anew")

    values, motion = WorkStore.values, WorkStore.motion
    monkeypatch.setattr(WorkStore, "values", lambda self, key, make: values(self, key, refuse))
    monkeypatch.setattr(WorkStore, "motion", lambda self, key, make: motion(self, key, refuse))
    again = run(plan, progress=lambda _: None)
    for one, other in zip(again.suites, report.suites, strict=True):
        assert one.systems == other.systems
        assert one.items == other.items


def test_the_page_asks_for_nothing_outside_and_plays_every_motion(plan, report):
    page = (plan.out / PAGE_FILE).read_text("utf-8")
    told = page.partition('<script type="application/json"')[0]
    assert not re.search(r"https?:|//[a-z]", told)
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page)
    assert "url(" not in page
    assert "NaN" not in told
    shown = sum(len(suite.shown) for suite in report.suites)
    assert page.count("<canvas data-clip=") == shown
    assert page.count("<svg") > 10
    for kind in ("heat", "spans", "lines", "bars"):
        assert f'class="plot {kind}"' in page


def test_markdown_names_protocols_and_verdicts(plan, report):
    text = (plan.out / MARKDOWN_FILE).read_text("utf-8")
    assert "evaluator none" in text
    assert f"{report.num_checks} identities" in text
    assert "annot separate" in text
    assert "↓ lower is better" in text


def test_all_leaves_out_what_the_data_lack_and_says_so(plan, folder, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "made").symlink_to(folder / "data" / "made")
    few = replace(plan, data=data, out=tmp_path / "out", suites=SUITES, size=1)
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(evaluation, "SUITES", ("music", "tokenizer"))
        report = run(replace(few, suites=("music", "tokenizer")), progress=lambda _: None)
    assert [suite.suite for suite in report.suites] == ["tokenizer"]
    assert "no held-out music" in report.left_out["music"]
    assert "Left out: music" in (few.out / MARKDOWN_FILE).read_text("utf-8")
    with pytest.raises(DataError, match="no held-out music"):
        run(replace(few, suites=("music",)), progress=lambda _: None)
    with pytest.raises(DataError, match="motion prepare plans"):
        run(replace(few, suites=("plan",)), progress=lambda _: None)


def test_impossible_plans_are_refused(plan, tmp_path):
    with pytest.raises(RequestError, match="expected at least 1"):
        replace(plan, size=0)
    with pytest.raises(DataError, match="there is no folder"):
        replace(plan, data=tmp_path / "nowhere")
    with pytest.raises(RequestError, match="known are text, music"):
        replace(plan, suites=())
    with pytest.raises(RequestError, match="no report in"):
        read_report(tmp_path)
    (tmp_path / JSON_FILE).write_text("{}", "utf-8")
    with pytest.raises(DataError, match="of format None, expected 1"):
        read_report(tmp_path)
