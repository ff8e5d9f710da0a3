"""Commands that draw and convert motion files."""

import wave
from pathlib import Path

import numpy as np
import pytest
import torch

from motion import render
from motion.cli import main
from motion.cli.outputs import MOTION_SUFFIXES
from motion.formats import read_motion, write_npz
from motion.formats.audio import read_sound
from motion.render import find_gl
from motion.representation import Motion


@pytest.fixture
def walk_file(tmp_path: Path, walk_motion: Motion) -> Path:
    path = tmp_path / "walk.npz"
    write_npz(walk_motion, path)
    return path


def write_tone(path: Path, seconds: float) -> None:
    tone = 0.3 * np.sin(np.arange(int(8000 * seconds)) / 8000 * 2 * np.pi * 440)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((tone * 32767).astype("<i2").tobytes())


def error_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that must fail; give its one sentence."""
    assert main([str(argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("motion: error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_convert_there_and_back(walk_file: Path, walk_motion: Motion):
    there, back = walk_file.with_suffix(".bvh"), walk_file.with_name("back.npz")
    assert main(["convert", str(walk_file), str(there)]) == 0
    assert main(["convert", str(there), str(back)]) == 0
    motion = read_motion(back)
    assert motion.fps == pytest.approx(walk_motion.fps)
    torch.testing.assert_close(motion.joints(22), walk_motion.joints(22), atol=1e-3, rtol=0.0)


@pytest.mark.parametrize("suffix", [".glb", ".html"])
def test_convert_to_a_character(walk_file: Path, suffix: str, capsys: pytest.CaptureFixture[str]):
    out = walk_file.with_suffix(suffix)
    assert main(["convert", str(walk_file), str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    assert out.stat().st_size > 100_000


@pytest.mark.parametrize("suffix", [".npz", ".bvh"])
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
def test_truncated_file(
    walk_file: Path, suffix: str, kept: float, capsys: pytest.CaptureFixture[str]
):
    whole = walk_file.with_name(f"whole{suffix}")
    assert main(["convert", str(walk_file), str(whole)]) == 0
    capsys.readouterr()
    content = whole.read_bytes()
    broken, out = walk_file.with_name(f"broken{suffix}"), walk_file.with_name("out.glb")
    broken.write_bytes(content[: int(kept * len(content))])
    assert "broken" in error_of(capsys, "convert", broken, out)
    assert not out.exists()


def test_other_kind_of_file(walk_file: Path, capsys: pytest.CaptureFixture[str]):
    other = walk_file.with_name("notes.txt")
    other.write_text("no motion")
    text = error_of(capsys, "convert", other, walk_file.with_name("out.bvh"))
    assert ".npz or .bvh" in text


def test_missing_gl(
    walk_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYOPENGL_PLATFORM", "none-of-them")
    find_gl.cache_clear()
    out = walk_file.with_suffix(".mp4")
    try:
        text = error_of(capsys, "render", walk_file, "--out", out)
    finally:
        find_gl.cache_clear()
    assert "libosmesa6" in text
    assert not out.exists()


@pytest.mark.parametrize("suffix", [".png", ".mp4"])
def test_render(walk_file: Path, suffix: str):
    if not find_gl().available:
        pytest.skip(find_gl().explain())
    out = walk_file.with_suffix(suffix)
    size = ["--width", "96", "--height", "64"]
    assert main(["render", str(walk_file), "--out", str(out), *size]) == 0
    assert out.stat().st_size > 1000


def test_render_with_sound(walk_file: Path):
    if not find_gl().available:
        pytest.skip(find_gl().explain())
    tone, out = walk_file.with_name("tone.wav"), walk_file.with_suffix(".mp4")
    write_tone(tone, 3.0)
    size = ["--width", "96", "--height", "64"]
    assert main(["render", str(walk_file), "--out", str(out), "--audio", str(tone), *size]) == 0
    sound = read_sound(out)
    seconds = sound.waves.shape[1] / sound.sample_rate
    assert seconds == pytest.approx(2.0, abs=0.03)
    assert np.abs(sound.waves).max() > 0.2


def test_render_refuses_bad_sound(walk_file: Path, capsys: pytest.CaptureFixture[str]):
    out = walk_file.with_suffix(".mp4")
    text = error_of(capsys, "render", walk_file, "--out", out, "--audio", walk_file)
    assert "walk.npz" in text
    assert not out.exists()


def test_suffixes_are_those_of_the_writers():
    assert render.MOTION_SUFFIXES == MOTION_SUFFIXES


def test_render_says_what_it_can_draw(walk_file: Path, capsys: pytest.CaptureFixture[str]):
    out = walk_file.with_suffix(".bvh")
    assert ".mp4 .png .html" in error_of(capsys, "render", walk_file, "--out", out)


def test_body_that_is_none(walk_file: Path, capsys: pytest.CaptureFixture[str]):
    out = walk_file.with_suffix(".glb")
    text = error_of(capsys, "convert", walk_file, out, "--body", walk_file)
    assert "walk.npz" in text
    assert not out.exists()
