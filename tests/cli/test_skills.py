"""``motion extend`` and ``motion inbetween`` with a tiny untrained model."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from made_models import make_language_model, make_tokenizer
from made_motions import make_walk

from motion.cli import main
from motion.conditioners import list_weights
from motion.formats import read_motion, write_npz
from motion.generate import save_language_model
from motion.representation import Motion
from motion.train.text_pieces import train_text_pieces

E5_WIDTH = 384
WALK = make_walk(140)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete release folder whose weights are random."""
    if not list_weights()[0].cached:
        pytest.skip("the text encoder is not here: motion weights fetch")
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("checkpoint")
    tokenizer = make_tokenizer()
    for part in tokenizer.part_names:
        tokenizer.parts[part].save(folder / "tokenizer" / part)
    model = make_language_model(tokenizer, condition_dim=E5_WIDTH)
    pieces = train_text_pieces(["a person walks and waves"], 300)
    save_language_model(model, pieces, folder / "language")
    (folder / "config.yaml").write_text(yaml.safe_dump({"fps": 30}), "utf-8")
    return folder


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    spans = {"start": (0, 50), "end": (80, 140), "gap": (50, 80), "pose": (62, 63)}
    paths = {}
    for name, (first, last) in spans.items():
        paths[name] = tmp_path / f"{name}.npz"
        write_npz(WALK.frames(first, last), paths[name])
    return paths


def same(one: Motion, other: Motion) -> bool:
    return torch.equal(one.full_pose, other.full_pose) and torch.equal(one.transl, other.transl)


def test_a_gap_is_filled(checkpoint: Path, files: dict[str, Path], tmp_path: Path, capsys):
    out = tmp_path / "whole.npz"
    options = ["--seconds", "1", "--out", str(out), "--checkpoint", str(checkpoint), "--json"]
    keys = ["--key", f"0.4333={files['pose']}"]
    assert main(["inbetween", str(files["start"]), str(files["end"]), *options, *keys]) == 0
    told = json.loads(capsys.readouterr().out)
    spans = [(gap["first_frame"], gap["num_frames"]) for gap in told["gaps"]]
    assert spans == [(50, 12), (63, 17)]
    assert told["gaps"][0]["miss_metres"] > 0
    assert told["files"] == [str(out)]
    made = read_motion(out)
    assert made.num_frames == told["num_frames"] == 140
    assert same(made.frames(0, 50), WALK.frames(0, 50))
    assert same(made.frames(62, 63), WALK.frames(62, 63))
    assert same(made.frames(80, 140), WALK.frames(80, 140))


def test_an_end_is_moved_and_legs_are_kept(
    checkpoint: Path, files: dict[str, Path], tmp_path: Path, capsys
):
    fixed = [str(files["start"]), str(files["end"]), "--seconds", "1"]
    fixed += ["--checkpoint", str(checkpoint), "--no-foot-lock", "--choose", "greedy"]
    moved, kept = tmp_path / "moved.npz", tmp_path / "kept.npz"
    assert main(["inbetween", *fixed, "--align", "--out", str(moved)]) == 0
    assert "made 30 frames from frame 50 on\n140 frames, 4.67 s" in capsys.readouterr().out
    assert not torch.allclose(read_motion(moved).transl[80:], WALK.transl[80:], atol=1e-3)
    keep = ["--keep", str(files["gap"]), "--parts", "upper"]
    assert main(["inbetween", *fixed, *keep, "--out", str(kept)]) == 0
    assert "cm to its end" in capsys.readouterr().out
    assert torch.equal(read_motion(kept).transl, WALK.transl)


def test_a_motion_goes_on(checkpoint: Path, files: dict[str, Path], tmp_path: Path, capsys):
    out = tmp_path / "long.npz"
    options = [
        "--seconds",
        "0.5",
        "--seed",
        "3",
        "--out",
        str(out),
        "--checkpoint",
        str(checkpoint),
    ]
    assert main(["extend", str(files["start"]), "--text", "a person waves", *options]) == 0
    assert "made 15 frames from frame 50 on" in capsys.readouterr().out
    assert same(read_motion(out).frames(0, 50), WALK.frames(0, 50))
    assert read_motion(out).num_frames == 65


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["extend", "NONE.npz", "--seconds", "1"], "cannot read NONE.npz: there is no such file"),
        (["inbetween", "START", "NONE.npz", "--seconds", "1"], "cannot read NONE.npz"),
        (["inbetween", "START", "END", "--seconds", "1", "--key", "1"], "--key is SECONDS=FILE"),
        (["inbetween", "START", "END", "--seconds", "1", "--key", "x=END"], "got 'x="),
        (["inbetween", "START", "END", "--seconds", "1", "--key", "9=END"], "does not fit"),
        (["extend", "START", "--seconds", "0"], "seconds must lie between"),
        (["extend", "START", "--seconds", "1", "--choose", "worst"], "choose must be one of"),
    ],
)
def test_what_is_not_possible_is_said_in_a_sentence(
    checkpoint: Path, files: dict[str, Path], tmp_path: Path, capsys, words, message: str
):
    places = {"START": str(files["start"]), "END": str(files["end"])}
    words = [word.replace("START", places["START"]) for word in words]
    words = [word.replace("END", places["END"]) for word in words]
    options = ["--out", str(tmp_path / "out.npz"), "--checkpoint", str(checkpoint)]
    assert main([*words, *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
