"""Whole films: files, resuming after an interruption, failures, splits; and the true network."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from made_curation import MadeFinder, RuleDescriber
from made_films import Shown, write_film

from motion.conditioners.baking import is_baked
from motion.conditioners.blazepose import BLAZEPOSE, BlazePose
from motion.data import load_corpora
from motion.data.splitting import split_by_hash
from motion.errors import DataError, FormatError, RequestError
from motion.evaluate.trajectory_metrics import mpjpe, pa_mpjpe
from motion.formats import read_npz
from motion.generate.checkpoint import DEFAULT_CHECKPOINT, LIBRARY_FOLDER
from motion.generate.curation import (
    AskConfig,
    Clip,
    ClipConfig,
    CurationConfig,
    Curator,
    Said,
    read_annotation,
)
from motion.representation import NUM_BODY_JOINTS, Motion

GREETING = Path(__file__).parents[2] / "fixtures" / "curation" / "greeting.mp4"
GREEN = (60, 160, 60)
CONFIG = CurationConfig(clips=ClipConfig(shortest_seconds=0.5, gap_seconds=0.1), ask=AskConfig())


@pytest.fixture(scope="module")
def finder(walk_motion: Motion) -> MadeFinder:
    return MadeFinder(walk_motion)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three clips of 0.6 s and one that is too short."""
    shown = [Shown(k) for k in range(18)]
    nobody = [Shown(0, nobody=True)] * 6
    green = [Shown(s.number, background=GREEN) for s in shown]
    path = tmp_path_factory.mktemp("film") / "walks.mp4"
    return write_film(path, [*shown, *nobody, *shown, *green, *nobody, *shown[:9]])


class Killed(KeyboardInterrupt):
    """Somebody pressed Ctrl-C."""


class Interrupted(RuleDescriber):
    """Is stopped while it describes a clip."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def detail(self, clip: Clip, attempt: int) -> Said:
        if self.asked >= self.after:
            raise Killed
        return super().detail(clip, attempt)


def test_motions_and_annotation_are_written(
    film: Path, finder: MadeFinder, tmp_path: Path, walk_motion: Motion
) -> None:
    done = Curator(finder, RuleDescriber(), CONFIG).curate(film, tmp_path)
    names = ["walks.json", *(f"walks_clip00{k}.npz" for k in range(3))]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    annotation = read_annotation(done.annotation_file)
    assert annotation == done.annotation
    assert annotation.duration == pytest.approx(75 / 30)
    assert annotation.split == split_by_hash("walks")
    assert annotation.scenes == ("an empty room 0", "an empty room 1", "an empty room 2")
    times = [(action.start, action.end) for action in annotation.actions]
    assert times == [(0.0, 0.6), (0.8, 1.4), (1.4, 2.0)]
    assert [(row.start, row.end) for row in annotation.left_out] == [(2.2, 2.5)]
    assert "shorter than 0.5 s" in annotation.left_out[0].reason
    for action in annotation.actions:
        motion = read_npz(tmp_path / action.motion)
        assert motion.num_frames == 18
        assert motion.parts == {"lower", "upper"}
        assert motion.source == f"walks.mp4 from {action.start:g} s"
        truth = walk_motion.frames(0, 18).joints(NUM_BODY_JOINTS)
        assert mpjpe(motion.joints(NUM_BODY_JOINTS), truth) < 0.04
        assert (action.model, action.source) == ("rules 1", "blazepose made")
        assert action.captions[0].steps == ("walk forward", "stop")


@pytest.mark.parametrize("after", [0, 1, 2])
def test_it_goes_on_after_a_kill(
    film: Path, finder: MadeFinder, tmp_path: Path, after: int
) -> None:
    whole = Curator(finder, RuleDescriber(), CONFIG).curate(film, tmp_path / "whole").annotation
    out = tmp_path / "killed"
    with pytest.raises(Killed):
        Curator(finder, Interrupted(after), CONFIG).curate(film, out)
    progress = out / "walks.progress.json"
    assert progress.exists() == (after > 0)
    assert not (out / "walks.json").exists()
    times = {path.name: path.stat().st_mtime_ns for path in out.glob("*.npz")}
    assert len(times) == after
    describer = RuleDescriber()
    done = Curator(finder, describer, CONFIG).curate(film, out)
    assert done.annotation == whole
    assert done.kept_actions == after
    assert describer.asked == 3 - after
    assert not progress.exists()
    for name, time in times.items():
        assert (out / name).stat().st_mtime_ns == time
    for action in whole.actions:
        one, other = (read_npz(folder / action.motion) for folder in (out, tmp_path / "whole"))
        assert torch.equal(one.full_pose, other.full_pose)


def test_a_finished_film_is_left_alone(film: Path, finder: MadeFinder, tmp_path: Path) -> None:
    first = Curator(finder, RuleDescriber(), CONFIG).curate(film, tmp_path)
    time = first.annotation_file.stat().st_mtime_ns
    describer = RuleDescriber()
    again = Curator(finder, describer, CONFIG).curate(film, tmp_path)
    assert again.annotation == first.annotation
    assert again.kept_actions == 3
    assert describer.asked == 0
    assert first.annotation_file.stat().st_mtime_ns == time


def test_another_describer_starts_anew(film: Path, finder: MadeFinder, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        Curator(finder, Interrupted(2), CONFIG).curate(film, tmp_path)
    other = RuleDescriber()
    other.name = "rules 2"
    done = Curator(finder, other, CONFIG).curate(film, tmp_path)
    assert done.kept_actions == 0
    assert other.asked == 3
    assert {action.model for action in done.annotation.actions} == {"rules 2"}


def test_damaged_files_of_an_earlier_run_are_named(
    film: Path, finder: MadeFinder, tmp_path: Path
) -> None:
    (tmp_path / "walks.progress.json").write_text("{", "utf-8")
    with pytest.raises(FormatError, match=r"walks\.progress\.json is no progress"):
        Curator(finder, RuleDescriber(), CONFIG).curate(film, tmp_path)
    (tmp_path / "walks.progress.json").unlink()
    (tmp_path / "walks.json").write_text('{"mine": 1}', "utf-8")
    with pytest.raises(FormatError, match=r"walks\.json is no annotation"):
        Curator(finder, RuleDescriber(), CONFIG).curate(film, tmp_path)


def test_several_films_go_on_past_failures(film: Path, finder: MadeFinder, tmp_path: Path) -> None:
    empty = write_film(tmp_path / "empty.mp4", [Shown(0, nobody=True)] * 20)
    brief = write_film(tmp_path / "brief.mp4", [Shown(k) for k in range(9)])
    text = tmp_path / "notes.txt"
    text.write_text("walk\n" * 100, "utf-8")
    videos = [empty, text, film, tmp_path / "missing.mp4", brief]
    out = tmp_path / "out"
    report = Curator(finder, RuleDescriber(), CONFIG).curate_all(videos, out)
    assert [one.video for one in report.done] == [film]
    reasons = {one.video.name: one.reason for one in report.failed}
    assert "nobody is seen for 0.5 s or longer in its 0.7 s; people must" in reasons["empty.mp4"]
    assert "somebody is seen 1 times for less" in reasons["brief.mp4"]
    assert "only text" in reasons["notes.txt"]
    assert "there is no video file" in reasons["missing.mp4"]
    assert not list(out.glob("*.progress.json"))


def test_a_film_that_nobody_can_describe_fails(
    film: Path, finder: MadeFinder, tmp_path: Path
) -> None:
    class Speechless(RuleDescriber):
        def detail(self, clip: Clip, attempt: int) -> Said:
            return Said(text="")

    with pytest.raises(DataError, match=r"none of 3 clips could be described .*no words"):
        Curator(finder, Speechless(), CONFIG).curate(film, tmp_path)


def test_without_a_scene_there_is_a_note(film: Path, finder: MadeFinder, tmp_path: Path) -> None:
    class Placeless(RuleDescriber):
        def scene(self, steps: Sequence[str], attempt: int) -> str:
            return "where?"

    done = Curator(finder, Placeless(), CONFIG).curate(film, tmp_path)
    assert done.annotation.scenes == ()
    assert done.annotation.notes == ("no answer about the scene was sound",)


def test_films_are_split_by_their_names(film: Path, finder: MadeFinder, tmp_path: Path) -> None:
    report = Curator(finder, RuleDescriber(), CONFIG).curate_all([film], tmp_path, by_split=True)
    assert report.done[0].annotation_file == tmp_path / split_by_hash("walks") / "walks.json"


def test_names_must_differ(finder: MadeFinder, tmp_path: Path) -> None:
    curator = Curator(finder, RuleDescriber(), CONFIG)
    with pytest.raises(RequestError, match=r"would both write a\.json"):
        curator.curate_all([Path("a.mp4"), Path("b/a.mov")], tmp_path)
    with pytest.raises(RequestError, match="at least one video"):
        curator.curate_all([], tmp_path)


def test_progress_is_told(film: Path, finder: MadeFinder, tmp_path: Path) -> None:
    told: list[tuple[str, float, float | None]] = []
    curator = Curator(finder, RuleDescriber(), CONFIG, report=lambda *values: told.append(values))
    curator.curate(film, tmp_path)
    assert told[-1] == ("walks", pytest.approx(2.5), pytest.approx(2.5))
    assert len(told) == 75


def test_the_true_network_finds_a_known_motion(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    if not is_baked(BLAZEPOSE.folder):
        pytest.skip("blazepose is not in the cache")
    done = Curator(BlazePose.load(), RuleDescriber()).curate(GREETING, tmp_path)
    annotation = json.loads(done.annotation_file.read_text("utf-8"))
    assert annotation["actions"][0]["confidence"]["presence"] > 0.99
    found = read_npz(tmp_path / "greeting_clip000.npz")
    library = load_corpora([DEFAULT_CHECKPOINT / LIBRARY_FOLDER])[0]
    number = [clip.clip_id for clip in library.clips].index("m2m_greeting")
    truth = library.motion(number, 20, 68)
    joints, true_joints = (m.joints(NUM_BODY_JOINTS) for m in (found, truth))
    assert found.num_frames == 48
    assert pa_mpjpe(joints, true_joints, scale=True) < 0.045
    assert float((found.transl[-1] - found.transl[0]).norm()) < 0.1  # stands
    wrist, shoulder = 21, 17
    assert bool((joints[10:, wrist, 1] > joints[10:, shoulder, 1] - 0.1).all())  # waves
