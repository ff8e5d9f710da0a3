"""``motion curate``: what it prints, and each failure in one sentence."""

import json
from pathlib import Path

import pytest
from made_curation import MadeFinder, RuleDescriber
from made_films import Shown, write_film
from made_people import write_wav

from motion.cli import main
from motion.conditioners.blazepose import BlazePose
from motion.generate import MotionGenerator, curation
from motion.representation import Motion


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, walk_motion: Motion) -> None:
    """Neither networks nor weights: a finder that knows the film, and rules."""
    monkeypatch.setattr(BlazePose, "load", lambda: MadeFinder(walk_motion))
    monkeypatch.setattr(MotionGenerator, "from_pretrained", lambda checkpoint: checkpoint)
    monkeypatch.setattr(curation, "ModelDescriber", lambda generator, seed: RuleDescriber())


def fails(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["curate", *map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("motion: error: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.usefixtures("made")
def test_a_film_is_curated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = write_film(tmp_path / "walk.mp4", [Shown(k) for k in range(33)])
    assert main(["curate", str(film), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "1 clips in 1.1 s, 0 left out" in printed
    assert "0.00 to    1.10 s  a person walks forward, then stops" in printed
    assert (tmp_path / "out" / "walk_clip000.npz").is_file()
    assert main(["curate", str(film), "--out", str(tmp_path / "out"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["failed"] == []
    row = report["videos"][0]
    assert (row["actions"], row["kept_from_before"], row["seconds"]) == (1, 1, 1.1)
    assert row["annotation"] == str(tmp_path / "out" / "walk.json")
    assert row["action_seconds"] == pytest.approx(1.1)


@pytest.mark.usefixtures("made")
def test_failures_among_several_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = write_film(tmp_path / "walk.mp4", [Shown(k) for k in range(33)])
    empty = write_film(tmp_path / "empty.mp4", [Shown(0, nobody=True)] * 10)
    code = main(["curate", str(empty), str(film), "--out", str(tmp_path / "out"), "--split",
                 "--json"])  # fmt: skip
    captured = capsys.readouterr()
    assert code == 2
    report = json.loads(captured.out)
    assert [row["video"] for row in report["videos"]] == [str(film)]
    assert Path(report["videos"][0]["annotation"]).parent.name == report["videos"][0]["split"]
    assert [row["video"] for row in report["failed"]] == [str(empty)]
    assert "nobody is seen" in report["failed"][0]["reason"]
    assert f"motion: error: {empty}: " in captured.err


@pytest.mark.usefixtures("made")
def test_nobody_in_the_only_film(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = write_film(tmp_path / "empty.mp4", [Shown(0, nobody=True)] * 10)
    said = fails(capsys, empty, "--out", tmp_path / "out", "--json")
    assert "nobody is seen for 1 s or longer in its 0.3 s" in said
    assert not (tmp_path / "out").exists()


def test_what_is_no_film_is_refused_before_weights_are_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ("--out", tmp_path / "out")
    (tmp_path / "a.mp4").write_bytes(b"")
    assert "is empty" in fails(capsys, tmp_path / "a.mp4", *out)
    (tmp_path / "b.mp4").write_bytes(b"no film" * 300)
    assert "cannot be read as video" in fails(capsys, tmp_path / "b.mp4", *out)
    write_wav(tmp_path / "c.wav", 0.3)
    assert "holds no film" in fails(capsys, tmp_path / "c.wav", *out)
    assert "there is no video file" in fails(capsys, tmp_path / "d.mp4", *out)
    assert "is a folder" in fails(capsys, tmp_path, *out)
    assert "would both write a.json" in fails(
        capsys, tmp_path / "a.mp4", tmp_path / "x" / "a.mov", *out
    )
    assert not (tmp_path / "out").exists()
