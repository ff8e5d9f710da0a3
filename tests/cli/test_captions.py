"""``motion caption`` with a tiny untrained model and a tiny text encoder."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_checkpoints import write_checkpoint
from made_motions import make_walk
from made_release import write_space
from made_weights import make_e5_file

from motion.cli import main
from motion.conditioners.baking import CACHE_VARIABLE, bake_folder
from motion.conditioners.e5 import MULTILINGUAL_E5_SMALL, bake_e5
from motion.formats import write_bvh, write_npz
from motion.generate.checkpoint import CHECKPOINT_VARIABLE


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A release folder and two motion files."""
    folder = tmp_path_factory.mktemp("captions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(folder / "cache"))
        patch.setenv(CHECKPOINT_VARIABLE, str(folder / "release"))
        bake_folder(MULTILINGUAL_E5_SMALL.folder, lambda f: bake_e5(make_e5_file()[0], f))
        write_checkpoint(folder / "release")
        (folder / "release" / "walks").mkdir()
        write_npz(make_walk(45), folder / "release" / "walks" / "walk.npz")
        write_space(folder / "release", ["text"])
        write_npz(make_walk(60), folder / "walk.npz")
        write_bvh(make_walk(75), folder / "walk.bvh")
        yield folder


def error_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["caption", *(str(argument) for argument in arguments)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("motion: error: ")
    assert error.count("\n") == 1
    return error


def test_several_files_and_segments_as_json(made: Path, capsys: pytest.CaptureFixture[str]):
    files = [str(made / "walk.npz"), str(made / "walk.bvh")]
    wish = ["--segments", "1", "--seed", "3", "--candidates", "2", "--json"]
    assert main(["caption", *files, *wish]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["file"] for row in rows] == files
    assert [row["segments"][-1]["end_seconds"] for row in rows] == [2.0, 2.5]
    for row in rows:
        assert row["seed"] == 3
        assert row["text"]
        assert len(row["segments"]) >= 2
        assert all(0 < len(segment["candidates"]) <= 5 for segment in row["segments"])
        best = max(segment["score"] for segment in row["segments"])
        assert row["score"] <= best


def test_words_for_people(made: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["caption", str(made / "walk.npz"), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert main(["caption", str(made / "walk.npz")]) == 0
    assert capsys.readouterr().out.splitlines()[0] == row["text"]
    assert main(["caption", str(made / "walk.bvh"), "--segments", "1"]) == 0
    first, *stretches = capsys.readouterr().out.splitlines()
    assert first
    assert stretches[0].split()[:2] == [stretches[0].split()[0], "s"]
    assert stretches[0].strip().startswith("0.0-")


def test_failures_are_one_sentence(made: Path, capsys: pytest.CaptureFixture[str]):
    missing = error_of(capsys, made / "walk.npz", made / "none.npz")
    assert "none.npz: there is no such file" in missing
    (made / "notes.txt").write_text("no motion")
    assert ".npz or .bvh" in error_of(capsys, made / "notes.txt")
    assert "segments must last between 1 and 60" in error_of(
        capsys, made / "walk.npz", "--segments", 0.2
    )
    assert "candidates must lie between 1 and 16" in error_of(
        capsys, made / "walk.npz", "--candidates", 99
    )
