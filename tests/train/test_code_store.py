from pathlib import Path

import pytest
import torch
from made_models import make_part

from motion.data import PreparedCorpus
from motion.errors import DataError
from motion.representation import PARTS, extract_features
from motion.tokenizer import MotionTokenizer
from motion.train.code_store import CodeStore, encode_corpora, streams_of


def columns_of(store: CodeStore, tokenizer: MotionTokenizer, part: str) -> list[int]:
    return [i for i, stream in enumerate(streams_of(tokenizer)) if stream.part == part]


def test_batched_codes_are_those_of_the_tokenizer(made: PreparedCorpus, tokenizer: MotionTokenizer):
    store = encode_corpora([made], "train", tokenizer, mirror=True)
    indices = made.select("train")
    assert len(store.sequences) == 2 * len(indices)
    for place, index in enumerate(indices):
        motion = made.motion(index)
        for shift, variant in enumerate((motion, motion.mirrored())):
            found = store.sequence_codes(2 * place + shift)
            expected = tokenizer.encode(variant)
            assert len(found) == expected.num_steps
            for part, codes in expected.parts.items():
                assert torch.equal(found[:, columns_of(store, tokenizer, part)], codes)


def test_phases_shift_what_is_encoded(made: PreparedCorpus, tokenizer: MotionTokenizer):
    store = encode_corpora([made], "val", tokenizer, mirror=False, phases=(0, 3))
    record, motion = made.clips[made.select("val")[0]], made.motion(made.select("val")[0])
    assert [s.clip_id for s in store.sequences[:2]] == [record.clip_id] * 2
    later = tokenizer.encode(motion.frames(3, motion.num_frames))
    upper = columns_of(store, tokenizer, "upper")
    assert torch.equal(store.sequence_codes(1)[:, upper], later.parts["upper"])
    assert not torch.equal(store.sequence_codes(0)[:-1, upper], later.parts["upper"][:-1])


def test_mirror_images_have_their_own_captions(store: CodeStore):
    waves = [s for s in store.sequences if s.clip_id == "wave-2"]
    assert [s.captions[0].text for s in waves] == [
        *["a person waves the left hand."] * 2,
        *["a person waves the right hand."] * 2,
    ]
    assert [caption.language for caption in waves[0].captions] == ["en", "fr"]
    assert {s.label for s in store.sequences} == {"walk", "wave", "bow"}


def test_edge_poses_are_normalised_features_without_contacts(
    made: PreparedCorpus, tokenizer: MotionTokenizer, store: CodeStore
):
    motion = made.motion(made.select("train")[0])
    features = extract_features(motion)
    stride = tokenizer.frames_per_code
    width = sum(PARTS[part].feature_dim for part in ("lower", "upper")) - 4
    assert store.first_pose.shape == store.last_pose.shape == (len(store.codes), width)
    record = store.sequences[0]
    lower = tokenizer.part("lower")
    for step in (0, 3, record.num_steps - 1):
        for poses, frame in (
            (store.first_pose, step * stride),
            (store.last_pose, min(step * stride + stride, motion.num_frames) - 1),
        ):
            expected = (features["lower"][frame] - lower.mean) / lower.std
            found = poses[record.start + step][: len(expected) - 4]
            torch.testing.assert_close(found, expected[:-4])


def test_saved_store_is_loaded(store: CodeStore, tmp_path: Path):
    store.save(tmp_path / "codes")
    back = CodeStore.load(tmp_path / "codes")
    assert torch.equal(back.codes, store.codes)
    assert back.sequences == store.sequences
    torch.testing.assert_close(back.first_pose, store.first_pose, atol=2e-3, rtol=2e-3)
    torch.testing.assert_close(back.last_pose, store.last_pose, atol=2e-3, rtol=2e-3)


def test_parts_that_a_clip_lacks_are_marked(prepared: Path, tokenizer: MotionTokenizer):
    torch.manual_seed(1)
    hand = make_part("left_hand")
    wide = MotionTokenizer({**dict(tokenizer.parts.items()), "left_hand": hand}).eval()
    corpora = [PreparedCorpus.load(prepared / name) for name in ("made", "whole")]
    store = encode_corpora(corpora, "val", wide, mirror=False)
    columns = columns_of(store, wide, "left_hand")
    rows = [store.sequence_codes(index) for index in range(4)]
    assert all((row[:, columns] == -1).all() for row in rows[:2])
    assert all((row >= 0).all() for row in rows[2:])


def test_missing_things_are_told(made: PreparedCorpus, tokenizer: MotionTokenizer, tmp_path: Path):
    with pytest.raises(DataError, match="no encoded motions"):
        CodeStore.load(tmp_path)
    silent = PreparedCorpus(made.folder, made.info, [])
    with pytest.raises(DataError, match="with captions"):
        encode_corpora([silent], "train", tokenizer, mirror=False)
