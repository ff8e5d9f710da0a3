"""Whole, padded, chunked and streamed: the same codes and the same motion."""

import pytest
import torch
from made_models import make_part, make_tokenizer

from motion.errors import ConfigError, FormatError, RequestError, WeightsError
from motion.representation import Motion, extract_features, join_motions
from motion.tokenizer import Codes, MotionTokenizer, PartTokenizer, StreamDecoder


@pytest.fixture(scope="module")
def clip() -> Motion:
    torch.manual_seed(1)
    pose = torch.randn(131, 165).cumsum(0) * 0.02
    return Motion.from_full_pose(pose, torch.randn(131, 3).cumsum(0) * 0.02)


@pytest.fixture(scope="module")
def tokenizer() -> MotionTokenizer:
    torch.manual_seed(2)
    return make_tokenizer()


def test_chunked_encoding_gives_the_same_codes(tokenizer, clip):
    whole = tokenizer.encode(clip)
    for size in (1, 4, 9, 100):
        pieces = tokenizer.encode(clip, chunk_codes=size)
        for part in whole.parts:
            assert torch.equal(whole.parts[part], pieces.parts[part])


def test_chunked_and_streamed_decoding_give_the_same_motion(tokenizer, clip):
    codes = tokenizer.encode(clip)
    whole = tokenizer.decode(codes)
    assert whole.num_frames == clip.num_frames
    chunked = tokenizer.decode(codes, chunk_codes=5)
    torch.testing.assert_close(chunked.joints(22), whole.joints(22), atol=1e-4, rtol=0)
    stream = StreamDecoder(tokenizer)
    pieces = []
    for step in range(codes.num_steps):
        piece = stream.push({n: rows[step : step + 1] for n, rows in codes.parts.items()})
        if piece is not None:
            pieces.append(piece)
    pieces.append(stream.finish(clip.num_frames))
    assert len(pieces) > 3
    streamed = join_motions(pieces)
    torch.testing.assert_close(streamed.joints(22), whole.joints(22), atol=1e-4, rtol=0)


def test_padding_in_a_batch_changes_nothing(tokenizer, clip):
    part: PartTokenizer = tokenizer.part("lower")
    features = extract_features(clip)["lower"]
    short = features[None, :50]
    padded = torch.cat([short, torch.randn(1, 40, features.shape[1])], dim=1)
    mask = torch.arange(90)[None] < 50
    alone = part.encode(short)
    together = part.encode(padded, mask)
    assert torch.equal(together[:, : alone.shape[1]], alone)
    code_mask = torch.arange(together.shape[1])[None] < alone.shape[1]
    decoded = part.decode(together, code_mask)[:, :54]
    torch.testing.assert_close(decoded, part.decode(alone), atol=1e-5, rtol=0)


def test_one_frame_can_be_encoded_and_none_cannot(tokenizer, clip):
    assert tokenizer.decode(tokenizer.encode(clip.frames(0, 1))).num_frames == 1
    with pytest.raises(RequestError, match="without frames"):
        tokenizer.encode(clip.frames(0, 0))


def test_absent_parts_stay_absent(tokenizer, clip):
    codes = tokenizer.encode(clip)
    legs = Codes(
        parts={"lower": codes.parts["lower"]},
        num_frames=codes.num_frames,
        frames_per_code=codes.frames_per_code,
        fps=codes.fps,
    )
    assert tokenizer.decode(legs).parts == frozenset({"lower"})


def test_save_and_load(tokenizer, clip, tmp_path):
    for name in tokenizer.part_names:
        tokenizer.part(name).save(tmp_path / name)
    again = MotionTokenizer.load(tmp_path)
    assert torch.equal(again.encode(clip).parts["upper"], tokenizer.encode(clip).parts["upper"])


def test_broken_weights_are_one_sentence(tmp_path):
    with pytest.raises(WeightsError, match="expected a tokenizer"):
        MotionTokenizer.load(tmp_path)
    make_part("lower").save(tmp_path / "lower")
    (tmp_path / "lower" / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match="lower"):
        MotionTokenizer.load(tmp_path)


def test_codes_must_hold_their_frames():
    rows = torch.zeros(3, 2, dtype=torch.long)
    with pytest.raises(FormatError, match="cannot hold"):
        Codes(parts={"lower": rows}, num_frames=19, frames_per_code=6, fps=30.0)


def test_a_tokenizer_needs_the_root():
    with pytest.raises(ConfigError, match="lower"):
        MotionTokenizer({"upper": make_part("upper")})
