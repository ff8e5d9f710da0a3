"""``motion generate`` with a tiny untrained model and the real text encoder."""

import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from made_models import make_language_model, make_tokenizer

from motion.cli import main
from motion.conditioners import list_weights
from motion.formats import read_motion
from motion.generate import save_language_model
from motion.train.text_pieces import train_text_pieces

E5_WIDTH = 384


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


def generate(checkpoint: Path, *arguments: object) -> int:
    fixed = ["generate", "--checkpoint", str(checkpoint), "--text", "a person waves"]
    return main(fixed + [str(argument) for argument in arguments])


@pytest.mark.parametrize(("seconds", "frames"), [(0.5, 15), (1.01, 30), (2.0, 60)])
def test_length_is_exact(checkpoint: Path, tmp_path: Path, seconds: float, frames: int):
    out = tmp_path / "made" / "wave.npz"
    assert generate(checkpoint, "--seconds", seconds, "--out", out) == 0
    assert read_motion(out).num_frames == frames


def test_seed_decides(checkpoint: Path, tmp_path: Path):
    outs = [tmp_path / f"{name}.npz" for name in ("a", "b", "c")]
    for out, seed in zip(outs, (5, 5, 6), strict=True):
        assert generate(checkpoint, "--seconds", 1, "--seed", seed, "--out", out) == 0
    first, second, third = (read_motion(out).full_pose for out in outs)
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def test_greedy_forgets_the_seed(checkpoint: Path, tmp_path: Path):
    outs = [tmp_path / f"{name}.npz" for name in ("a", "b")]
    for out, seed in zip(outs, (5, 6), strict=True):
        assert generate(checkpoint, "--seconds", 1, "--seed", seed, "--greedy", "--out", out) == 0
    assert torch.equal(*(read_motion(out).full_pose for out in outs))


def test_several_files_and_the_report(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    outs = [tmp_path / f"wave{suffix}" for suffix in (".npz", ".bvh", ".glb", ".html")]
    options = [word for out in outs for word in ("--out", out)]
    assert generate(checkpoint, "--seconds", 1, "--seed", 3, "--json", *options) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["files"] == [str(out) for out in outs]
    assert all(out.stat().st_size > 0 for out in outs)
    assert (report["num_frames"], report["seconds"], report["seed"]) == (30, 1.0, 3)
    assert set(report["cpu_seconds"]) >= {"text", "decode"}
    assert "face" in report["warnings"][0]
    assert "a person waves" in outs[3].read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seconds", "0"], "between 0.5 and 600, got 0"),
        (["--seconds", "-3"], "between 0.5 and 600, got -3"),
        (["--seconds", "nan"], "between 0.5 and 600, got nan"),
        (["--seconds", "inf"], "between 0.5 and 600, got inf"),
        (["--seconds", "601"], "between 0.5 and 600, got 601"),
        (["--text", ""], "the text is empty"),
        (["--text", "  "], "the text is empty"),
        (["--text", "walk " * 2000], "10000 characters, at most 1000"),
        (["--seed", "-1"], "the seed must lie in"),
        (["--checkpoint", "no/such/folder"], "no/such/folder"),
    ],
)
def test_impossible_requests(
    tmp_path: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "made" / "wave.npz"
    assert main(["generate", "--text", "a person waves", "--out", str(out), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("motion: error: ")
    assert captured.err.count("\n") == 1
    assert said in captured.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--temperature", "-1"], "temperature"),
        (["--top-k", "-2"], "top_k"),
        (["--guidance", "nan"], "guidance"),
    ],
)
def test_impossible_sampling(
    checkpoint: Path,
    tmp_path: Path,
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
):
    assert generate(checkpoint, "--out", tmp_path / "wave.npz", *arguments) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "broken", ["config.yaml", "language/model.safetensors", "tokenizer/lower/model.safetensors"]
)
@pytest.mark.parametrize("damage", ["missing", "truncated", "other"])
def test_wrong_weights_folder(
    checkpoint: Path, tmp_path: Path, broken: str, damage: str, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "weights"
    shutil.copytree(checkpoint, folder)
    content = (folder / broken).read_bytes()
    (folder / broken).unlink()
    if damage != "missing":
        wrong = content[: len(content) // 2] if damage == "truncated" else b"not: [what it should"
        (folder / broken).write_bytes(wrong)
    assert generate(folder, "--out", tmp_path / "wave.npz", "--seconds", 1) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("motion: error: ")
    assert "unexpected" not in captured.err.split(":")[2]
    assert captured.err.count("\n") == 1
    assert str(folder) in captured.err
    assert not (tmp_path / "wave.npz").exists()
