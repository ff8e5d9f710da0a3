"""The text suite on a made corpus with a tiny generator and a tiny evaluator."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from made_checkpoints import write_checkpoint, write_encoder
from made_corpora import write_prepared
from made_evaluator import make_evaluator
from made_motions import make_walk

from motion.data import PreparedCorpus, load_corpora
from motion.errors import DataError, RequestError, WeightsError
from motion.evaluate.evaluator import EVALUATOR_VARIABLE, Evaluator
from motion.evaluate.protocol import NO_EVALUATOR
from motion.evaluate.suites.records import MODEL, TRUTH, SuiteContext, SuiteReport
from motion.evaluate.suites.store import WorkStore
from motion.evaluate.suites.text import Sizes, run
from motion.evaluate.suites.text_clips import (
    TextItem,
    balanced,
    in_length,
    items_of_clips,
    known_clips,
)
from motion.evaluate.suites.text_systems import NEAREST, RANDOM, SYSTEMS, Texts, nearest_clips
from motion.generate import MotionGenerator

SIZE = 6
MADE = [("test", what, 34 + 3 * n, 0.5 + 0.1 * n) for n in range(3) for what in ("walk", "wave")]
ROWS = [("train", what, 50 + n, 0.6) for n, what in enumerate(("walk", "wave", "bow", "walk"))]
OTHERS = [("test", "bow", 40, 0.9), ("test", "bow", 20, 0.9), ("train", "bow", 31, 0.8)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two corpora: six test clips of walks and waves; one of a bow, and one that is too short."""
    folder = tmp_path_factory.mktemp("prepared")
    write_prepared(folder / "made", rows=[*ROWS, *MADE])
    write_prepared(folder / "other", "other", rows=OTHERS)
    return folder


@pytest.fixture(scope="module")
def corpora(data: Path) -> list[PreparedCorpus]:
    return load_corpora([data / "made", data / "other"])


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> MotionGenerator:
    folder = tmp_path_factory.mktemp("checkpoint")
    write_checkpoint(folder)
    encoder = write_encoder(tmp_path_factory.mktemp("encoder"))
    return MotionGenerator.from_pretrained(folder, text_encoder=encoder)


@pytest.fixture(autouse=True)
def evaluator(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("evaluator")
    make_evaluator().save(folder)
    monkeypatch.setenv(EVALUATOR_VARIABLE, str(folder))
    return folder


@pytest.fixture(scope="module")
def make_context(data: Path, generator: MotionGenerator) -> Callable[..., SuiteContext]:
    def make(folder: Path | None, **more: Any) -> SuiteContext:
        values = {"size": SIZE, "progress": lambda _: None, **more}
        store = WorkStore(folder)
        return SuiteContext(
            generator=generator, data=data, store=store, command="motion evaluate", **values
        )

    return make


def plain(report: SuiteReport) -> Any:
    """All but motions and times, as JSON: fails where something is not a finite number."""
    kept = replace(report, shown=(), cpu_seconds=0.0)
    return json.loads(json.dumps(asdict(kept), allow_nan=False))


def test_report_holds_all_systems_and_a_second_run_generates_nothing(
    make_context: Callable[..., SuiteContext],
    generator: MotionGenerator,
    tmp_path: Path,
    evaluator: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    context = make_context(tmp_path)
    report = run(context)
    told = plain(report)
    assert [system.name for system in report.systems] == [*SYSTEMS, MODEL, MODEL]
    learned = {"FID", "R@1", "R@2", "R@3", "MM-distance", "Diversity", "Text-motion cosine"}
    physical = {"Foot skate", "Floating", "Penetration", "Jerk"}
    by_name = {s.name: {f.name: f for f in s.figures} for s in report.systems if not s.group}
    assert set(by_name[TRUTH]) == learned | physical
    assert set(by_name[MODEL]) == learned | physical | {"MultiModality"}
    checked = {s.group: s.figures for s in report.systems if s.group}
    assert list(checked) == ["prompts 'heldout'", "prompts 'multilingual'"]
    assert {f.name for figures in checked.values() for f in figures} == {"Checks passed"}
    mark = Evaluator.load(evaluator).hash
    for figures in by_name.values():
        assert {figures[name].protocol.evaluator for name in learned} == {mark}
        assert {figures[name].protocol.evaluator for name in physical} == {NO_EVALUATOR}
        assert figures["R@1"].protocol.repeats == 20
        assert figures["R@1"].interval is not None
        assert "biased" in figures["FID"].flags[0]
        assert "pools of 6" in figures["R@1"].flags[0]
    data_set = by_name[MODEL]["FID"].protocol.data_set
    assert sorted(data_set.split(", ")) == ["made 5", "other 1"]
    assert [c.second for c in report.compared] == [MODEL] * 4
    assert {r.metric for r in report.compared[0].results} == physical | {"Text-motion cosine"}
    assert [one.label for one in report.shown] == ["best", "median", "worst"]
    assert report.shown[0].truth is not None
    assert {plot.kind for plot in report.plots} == {"bars", "spans"}
    rows = {one.metric: one for one in report.items}
    assert len(rows["Text-motion cosine"].prompts) == told["details"]["captions"]
    assert len(rows["Checks passed, heldout"].prompts) == SIZE
    assert told["details"]["evaluator"] == mark

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("generated again")

    monkeypatch.setattr(generator, "generate_batch", refuse)
    assert plain(run(context)) == told


def test_published_sizes_shrink_with_the_context():
    assert Sizes.of(None) == Sizes(clips=192, captions=2, varied=12, seeds=10)
    assert Sizes.of(8) == Sizes(clips=8, captions=2, varied=2, seeds=2)
    assert Sizes.of(1).clips == 2


def test_choice_of_clips_is_balanced_and_only_grows(corpora: list[PreparedCorpus]):
    clips = known_clips(corpora, "test")
    assert len(clips) == 7  # the one of 20 frames is too short
    chosen = balanced(clips, 5, 0)
    assert [clip.name for clip in balanced(clips, 3, 0)] == [clip.name for clip in chosen[:3]]
    assert sum(clip.corpus.name == "other" for clip in chosen) == 1
    said = [clip.captions[0] for clip in chosen if clip.corpus.name == "made"]
    assert len(set(said[:2])) == 2  # walks and waves take turns
    assert all("personne" not in text for clip in clips for text in clip.captions)
    items = items_of_clips(chosen, 3, 0)  # made clips have one English caption each
    assert [item.text for item in items] == [clip.captions[0] for clip in chosen]
    with pytest.raises(DataError, match="no 'val' clip"):
        known_clips(corpora, "val")


def test_known_motions_are_cut_or_begin_again():
    walk = make_walk(40)
    torch.testing.assert_close(in_length(walk, 30).transl, walk.transl[:30])
    longer = in_length(walk, 100)
    assert longer.num_frames == 100
    steps = torch.diff(longer.root_position, dim=0).norm(dim=-1)
    assert steps.max() < 1.5 * torch.diff(walk.root_position, dim=0).norm(dim=-1).max()
    assert longer.root_position[-1, 2] > 2 * walk.root_position[-1, 2] - 0.5


def test_nearest_caption_is_one_that_says_the_same(
    corpora: list[PreparedCorpus], make_context: Callable[..., SuiteContext]
):
    known = known_clips(corpora, "train")
    said = [clip.captions[0] for clip in known]
    items = tuple(TextItem(clip=n, text=text) for n, text in enumerate(dict.fromkeys(said)))
    texts = Texts(said, make_context(None))
    found = nearest_clips(items, known, texts, 0)
    assert [clip.captions[0] for clip in found] == [item.text for item in items]
    assert [c.name for c in nearest_clips(items, known, texts, 0)] == [c.name for c in found]
    assert {NEAREST, RANDOM} < set(SYSTEMS)


def test_without_an_evaluator_or_with_another_encoder_it_says_so(
    make_context: Callable[..., SuiteContext], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    strange = make_evaluator()
    strange.config = replace(strange.config, text_encoder="another")
    strange.save(tmp_path)
    monkeypatch.setenv(EVALUATOR_VARIABLE, str(tmp_path))
    with pytest.raises(RequestError, match="take the packaged one"):
        run(make_context(None))
    monkeypatch.setenv(EVALUATOR_VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(WeightsError, match="expected an evaluator"):
        run(make_context(None))
