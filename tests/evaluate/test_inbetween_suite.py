"""The in-betweening suite on a made corpus: a perfect system wins, figures are those by hand."""

import pytest
import torch
from made_corpora import write_prepared

from motion.data import PreparedCorpus, load_corpora
from motion.errors import RequestError
from motion.evaluate.inbetween_suite import (
    HeldOutGap,
    as_table,
    compare,
    cut_windows,
    fill_all,
    frame_features,
    gap_fid,
    score,
    systems_of,
)
from motion.evaluate.trajectory_metrics import ade
from motion.generate.poses import placed
from motion.representation import Motion, RootState


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> list[PreparedCorpus]:
    folder = tmp_path_factory.mktemp("walks")
    rows = [("test", "walk", 110, 0.4 + 0.05 * number) for number in range(8)]
    write_prepared(folder, rows=rows)
    return load_corpora([folder])


@pytest.fixture(scope="module")
def windows(corpora: list[PreparedCorpus]) -> list[HeldOutGap]:
    return cut_windows(corpora, "test", 1.0, 8)


def perfect(window: HeldOutGap) -> Motion:
    return window.truth


def test_windows_hold_whole_steps_around_the_gap(corpora, windows):
    assert len({window.clip_id for window in windows}) == len(windows) == 8
    for window in windows:
        assert window.num_frames == 30
        assert 24 <= window.start.num_frames <= 72
        assert window.start.num_frames % 6 == window.end.num_frames % 6 == 0
        assert 12 <= window.end.num_frames <= 48
    again = cut_windows(corpora, "test", 1.0, 8)
    assert all(
        torch.equal(a.truth.transl, b.truth.transl) for a, b in zip(windows, again, strict=True)
    )
    assert len(cut_windows(corpora, "test", 1.0, 3)) == 3


def test_no_clip_long_enough_is_said(corpora):
    with pytest.raises(RequestError, match="no 'test' clip is long enough for a gap of 9 s"):
        cut_windows(corpora, "test", 9.0, 3)


@pytest.mark.parametrize("task", ["inbetweening", "prediction"])
def test_a_perfect_system_beats_every_baseline(windows, task):
    systems = systems_of(perfect, task)
    made = {name: fill_all(system, windows) for name, system in systems.items()}
    scores = {name: score(windows, motions, task) for name, motions in made.items()}
    assert as_table(scores["model"])["ade"] == 0
    assert as_table(scores["model"])["seam_jerk"] == pytest.approx(1)
    assert len(systems) == 4
    for name in set(systems) - {"model"}:
        results = compare(windows, scores, made, name, with_fid=False)
        verdicts = {result.metric: result.winner for result in results}
        assert verdicts["ade"] == verdicts["fde"] == "model"
        assert gap_fid(windows, made[name]) > gap_fid(windows, made["model"]) + 0.01
    by_hand = ade(made["hold last pose"][0].joints(22), windows[0].truth.joints(22))
    assert float(scores["hold last pose"].ade[0]) == pytest.approx(by_hand)


def test_the_frechet_distance_is_compared_in_pairs(windows, monkeypatch):
    monkeypatch.setattr("motion.evaluate.inbetween_suite.FID_RESAMPLES", 12)
    systems = systems_of(perfect, "inbetweening")
    made = {name: fill_all(systems[name], windows) for name in ("model", "hold last pose")}
    scores = {name: score(windows, motions, "inbetweening") for name, motions in made.items()}
    result = compare(windows, scores, made, "hold last pose", with_fid=True)[-1]
    assert result.metric == "fid"
    assert result.difference < 0
    assert result.second == pytest.approx(0, abs=1e-6)
    assert result.first == pytest.approx(gap_fid(windows, made["hold last pose"]), rel=1e-6)


def test_frame_features_do_not_know_where_one_stands(windows):
    motion = windows[0].truth
    at = RootState(yaw=torch.tensor([2.0]), position=torch.tensor([[3.0, -1.0]]))
    moved = frame_features(placed(motion, at))
    assert torch.allclose(frame_features(motion), moved, atol=1e-3)


def test_a_wrong_number_of_frames_is_refused(windows):
    with pytest.raises(RequestError, match=r"expected 30 frames, got 29"):
        fill_all(lambda window: window.truth.frames(0, 29), windows)
