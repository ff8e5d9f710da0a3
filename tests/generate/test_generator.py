import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from motion.errors import RequestError, WeightsError
from motion.formats import read_motion
from motion.generate import GenerationRequest, MotionGenerator
from motion.generate.checkpoint import CHECKPOINT_VARIABLE, DEFAULT_CHECKPOINT
from motion.language import SamplingConfig
from motion.representation import join_motions

GREEDY = SamplingConfig(temperature=0.0)
TEXT = "a person walks"


@pytest.mark.parametrize("seconds", [0.5, 0.51, 0.99, 1, 2.35, 7.77, 120])
def test_length_is_exact_and_numbers_are_finite(generator: MotionGenerator, seconds: float):
    motion = generator.generate(text=TEXT, seconds=seconds, guidance=1).motion
    assert motion.num_frames == round(seconds * 30)
    assert motion.fps == 30
    assert torch.isfinite(motion.full_pose).all()
    assert torch.isfinite(motion.transl).all()


def test_every_frame_count_up_to_three_steps(generator: MotionGenerator):
    requests = [GenerationRequest(text=TEXT, seconds=n / 30) for n in range(15, 34)]
    results = generator.generate_batch(requests)
    assert [result.motion.num_frames for result in results] == list(range(15, 34))


def test_seed_decides(generator: MotionGenerator):
    first, again, other = (
        generator.generate(text=TEXT, seconds=3, seed=seed).motion for seed in (5, 5, 6)
    )
    assert torch.equal(first.full_pose, again.full_pose)
    assert torch.equal(first.transl, again.transl)
    assert not torch.equal(first.full_pose, other.full_pose)


def test_text_decides(generator: MotionGenerator):
    requests = [
        GenerationRequest(text=text, seconds=2, sampling=replace(GREEDY, guidance=3.0))
        for text in (TEXT, "jump jump jump")
    ]
    first, other = generator.generate_batch(requests)
    assert not torch.equal(first.motion.full_pose, other.motion.full_pose)


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_batch_equals_singles(generator: MotionGenerator, guidance: float):
    sampling = replace(GREEDY, guidance=guidance)
    requests = [
        GenerationRequest(text=TEXT, seconds=2, sampling=sampling),
        GenerationRequest(text="a person jumps and walks as query", seconds=4.1, sampling=sampling),
        GenerationRequest(text="a", seconds=0.5, sampling=sampling),
    ]
    together = generator.generate_batch(requests)
    for request, result in zip(requests, together, strict=True):
        single = generator.generate_batch([request])[0]
        assert result.text == request.text
        torch.testing.assert_close(result.motion.full_pose, single.motion.full_pose)
        torch.testing.assert_close(result.motion.transl, single.motion.transl)


def test_batch_of_different_sampling_keeps_order(generator: MotionGenerator):
    requests = [
        GenerationRequest(text=TEXT, seconds=1, sampling=GREEDY),
        GenerationRequest(text="jump", seconds=2),
        GenerationRequest(text=TEXT, seconds=3, sampling=GREEDY),
    ]
    results = generator.generate_batch(requests)
    assert [result.motion.num_frames for result in results] == [30, 60, 90]
    assert [result.text for result in results] == [TEXT, "jump", TEXT]
    assert generator.generate_batch([]) == []


@pytest.mark.parametrize("seconds", [0.5, 3.1, 11.0])
def test_streamed_pieces_are_the_whole(generator: MotionGenerator, seconds: float):
    pieces = list(generator.stream(text=TEXT, seconds=seconds, seed=3))
    whole = generator.generate(text=TEXT, seconds=seconds, seed=3, foot_lock=False).motion
    joined = join_motions(pieces)
    assert all(piece.num_frames for piece in pieces)
    assert joined.num_frames == whole.num_frames == round(seconds * 30)
    torch.testing.assert_close(joined.full_pose, whole.full_pose, atol=1e-4, rtol=0)
    torch.testing.assert_close(joined.transl, whole.transl, atol=1e-3, rtol=0)
    if seconds > 10:
        assert len(pieces) > 10
        assert pieces[0].num_frames == generator.tokenizer.frames_per_code


def test_open_length_is_ended_by_the_model(generator: MotionGenerator):
    end = generator.language.model.end
    before = end.bias.detach().clone()
    try:
        torch.nn.init.constant_(end.bias, 50.0)
        assert generator.generate(text=TEXT).motion.num_frames == 6
        torch.nn.init.constant_(end.bias, -50.0)
        assert generator.generate(text=TEXT).motion.num_frames == 900  # 30 s at most
    finally:
        end.bias.data.copy_(before)


def test_untrained_parts_rest_relaxed_and_that_is_said(generator: MotionGenerator):
    result = generator.generate(text=TEXT, seconds=1)
    assert result.motion.parts == {"lower", "upper"}
    assert not result.motion.left_hand_pose.any()
    assert not result.motion.flat_hand_mean  # zero means the body's relaxed hand
    assert result.warnings == (
        "no trained weights for left_hand, right_hand, face: these parts rest relaxed",
    )
    assert set(result.timings) >= {"text", "prefill", "steps", "part_head", "decode"}
    assert all(seconds >= 0 for seconds in result.timings.values())


def test_saved_files_hold_the_motion(generator: MotionGenerator, tmp_path: Path):
    result = generator.generate(text=TEXT, seconds=1, seed=2)
    back = read_motion(result.save(tmp_path / "m.npz"))
    torch.testing.assert_close(back.full_pose, result.motion.full_pose, atol=1e-5, rtol=0)
    torch.testing.assert_close(back.transl, result.motion.transl, atol=1e-5, rtol=0)
    assert read_motion(result.save(tmp_path / "m.bvh")).num_frames == 30
    glb = result.save(tmp_path / "m.glb").read_bytes()
    assert glb[:4] == b"glTF"
    length = int.from_bytes(glb[12:16], "little")
    assert json.loads(glb[20 : 20 + length])["animations"]
    assert TEXT in result.save(tmp_path / "m.html").read_text("utf-8")


@pytest.mark.parametrize(
    "values",
    [
        {"text": " "},
        {"text": "a" * 10_000},
        {"seconds": -1},
        {"seconds": float("nan")},
        {"seed": -3},
        {"temperature": -1},
        {"guidance": float("inf")},
        {"top_k": -1},
    ],
)
def test_bad_requests_are_refused(generator: MotionGenerator, values: dict):
    with pytest.raises(RequestError):
        generator.generate(**{"text": TEXT, "seconds": 1, **values})


def test_environment_names_the_checkpoint(
    checkpoint: Path, encoder_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv(CHECKPOINT_VARIABLE, str(checkpoint))
    assert MotionGenerator.from_pretrained(text_encoder=encoder_folder).folder == checkpoint
    monkeypatch.setenv(CHECKPOINT_VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(WeightsError, match="nowhere"):
        MotionGenerator.from_pretrained(text_encoder=encoder_folder)


@pytest.mark.skipif(
    not (DEFAULT_CHECKPOINT / "config.yaml").is_file(), reason="the default weights are not here"
)
def test_default_checkpoint_is_complete():
    from motion.conditioners import list_weights
    from motion.generate.checkpoint import check_fit, load_language_model, read_checkpoint_config
    from motion.tokenizer import MotionTokenizer

    assert read_checkpoint_config(DEFAULT_CHECKPOINT)["fps"] == 30
    assert (DEFAULT_CHECKPOINT / "MODEL_CARD.md").is_file()
    files = [path for path in DEFAULT_CHECKPOINT.rglob("*") if path.is_file()]
    assert max(path.stat().st_size for path in files) < 45e6
    assert sum(path.stat().st_size for path in files) <= 100e6
    tokenizer = MotionTokenizer.load(DEFAULT_CHECKPOINT / "tokenizer")
    language = load_language_model(DEFAULT_CHECKPOINT / "language")
    check_fit(tokenizer, language, DEFAULT_CHECKPOINT)
    if list_weights()[0].cached:
        result = MotionGenerator.from_pretrained().generate(text=TEXT, seconds=2)
        assert result.motion.num_frames == 60
        assert 0.2 < result.motion.root_position[:, 1].min() < 1.3
