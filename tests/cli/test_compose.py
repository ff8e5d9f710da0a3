"""``motion compose`` with a tiny untrained model."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from made_checkpoints import write_checkpoint, write_encoder

from motion.cli import main
from motion.conditioners import TextEncoder
from motion.formats import read_motion

STEPS = "1. walk forward 2. turn left 3. wave"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    write_checkpoint(folder)
    return folder


@pytest.fixture(autouse=True)
def _tiny_encoder(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = TextEncoder.load(write_encoder(tmp_path_factory.mktemp("encoder")))
    monkeypatch.setattr(TextEncoder, "load", classmethod(lambda cls, source=None: tiny))


def compose(checkpoint: Path, *arguments: object) -> int:
    fixed = ["compose", "--checkpoint", str(checkpoint)]
    return main(fixed + [str(argument) for argument in arguments])


def test_steps_to_a_file_and_a_report(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "made" / "long.npz"
    wish = ("--steps", STEPS, "--seconds", 6, "--seed", 3, "--no-describe", "--json")
    assert compose(checkpoint, *wish, "--out", out) == 0
    report = json.loads(capsys.readouterr().out)
    assert read_motion(out).num_frames == report["num_frames"] == 180
    assert [row["text"] for row in report["segments"]] == ["walk forward", "turn left", "wave"]
    assert report["segments"][-1]["end_seconds"] == 6.0
    assert report["seed"] == 3
    assert report["files"] == [str(out)]
    assert set(report["seams"]) >= {"median_jerk_ratio", "root_continuous", "seams"}
    assert len(report["seams"]["seams"]) == 2


def test_segments_are_told_as_they_come(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "long.npz"
    assert compose(checkpoint, "--steps", "walk\njump", "--seconds", 3, "--out", out) == 0
    said = capsys.readouterr().out.splitlines()
    assert "0.00 to" in said[0]
    assert "walk" in said[0]
    assert "(seen: " in said[0]
    assert "jump" in said[1]
    assert "90 frames, 3.00 s in all" in said
    assert any(line.startswith("jerk at the seams:") for line in said)
    assert said[-1].startswith(f"wrote {out}")


def test_a_state_is_kept_and_gone_on_from(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    state, outs = tmp_path / "s.json", [tmp_path / "a.npz", tmp_path / "b.npz"]
    wish = ("--steps", STEPS, "--no-describe", "--state", state)
    for out in outs:
        assert compose(checkpoint, *wish, "--out", out) == 0
    first, second = (read_motion(out) for out in outs)
    assert torch.equal(first.full_pose, second.full_pose)
    assert state.is_file()
    capsys.readouterr()
    assert compose(checkpoint, *wish, "--seed", 9, "--out", outs[0]) == 2
    assert "another composition: its seed was 0, now it is 9" in capsys.readouterr().err


def test_a_timeline_file(checkpoint: Path, tmp_path: Path):
    path, out = tmp_path / "timeline.yaml", tmp_path / "long.bvh"
    rows = [
        {"text": "a person walks", "start": 0, "end": 2, "parts": ["lower"]},
        {"text": "a person waves", "start": 0.5, "end": 1.5, "parts": ["upper"]},
    ]
    path.write_text(yaml.safe_dump({"prompts": rows, "seconds": 3}), "utf-8")
    wish = ("--timeline", path, "--no-describe", "--transition", "blend")
    assert compose(checkpoint, *wish, "--out", out) == 0
    assert read_motion(out).num_frames == 90


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing says what to do; give a task, a scene, steps or a timeline"),
        (["--scene", ""], "the scene has no words"),
        (["--task", "go", "--seconds", "0"], "seconds must lie between 0.5 and 3600, got 0"),
        (["--task", "go", "--seconds", "inf"], "seconds must lie between 0.5 and 3600, got inf"),
        (["--steps", ""], "there are no steps"),
        (["--task", "go", "--transition", "cut"], "a transition is one of continue, inbetween"),
        (["--timeline", "none.yaml"], "there is no timeline none.yaml"),
        (["--task", "go", "--state", "state.npz"], "expected it to end in one of .json"),
        (["--task", "go", "--seed", "-4"], "the seed must lie in"),
        (["--task", "go", "--checkpoint", "no/such/folder"], "no/such/folder"),
    ],
)
def test_impossible_wishes(
    tmp_path: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "made" / "long.npz"
    assert main(["compose", "--out", str(out), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("motion: error: ")
    assert captured.err.count("\n") == 1
    assert said in captured.err
    assert list(tmp_path.iterdir()) == []


def test_a_broken_timeline(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "timeline.yaml"
    path.write_text("prompts: [{text: walk, start: 3, end: 2}]", "utf-8")
    assert main(["compose", "--timeline", str(path), "--out", str(tmp_path / "a.npz")]) == 2
    said = capsys.readouterr().err
    assert "timeline.yaml: prompt 1 goes from 3 to 2 s; it must last at least 0.5 s" in said


def test_nothing_to_write(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as left:
        main(["compose", "--task", "go"])
    assert left.value.code == 2
    assert "--out" in capsys.readouterr().err
