from pathlib import Path

import pytest
import torch

from motion.data import PreparedCorpus
from motion.errors import ConfigError, DataError
from motion.representation import PARTS, extract_features, motion_from_features
from motion.train.feature_store import FeatureStore, WindowBatches, build_store

BODY = ("lower", "upper")


@pytest.fixture(scope="module")
def features(made: PreparedCorpus) -> FeatureStore:
    return build_store([made], "train", BODY, mirror=True, corpus_weights={"made": 2.0})


def test_clips_are_stored_whole_each_followed_by_its_mirror_image(
    made: PreparedCorpus, features: FeatureStore
):
    indices = made.select("train")
    assert features.clip_ids == tuple(made.clips[i].clip_id for i in indices for _ in range(2))
    assert len(features.features["lower"]) == 2 * sum(made.clips[i].num_frames for i in indices)
    for place, index in enumerate(indices):
        motion = made.motion(index)
        for shift, variant in enumerate((motion, motion.mirrored())):
            expected = extract_features(variant)
            clip = features.clip(2 * place + shift)
            for part in BODY:
                torch.testing.assert_close(clip[part], expected[part])
    waving = features.clip_ids.index("wave-2")
    assert not torch.equal(features.clip(waving)["upper"], features.clip(waving + 1)["upper"])


def test_clips_count_by_their_frames_and_their_corpus(features: FeatureStore):
    assert torch.equal(features.weights, 2.0 * features.lengths.double())


def test_splits_do_not_mix(made: PreparedCorpus):
    names = {
        split: set(build_store([made], split, BODY, mirror=False).clip_ids)
        for split in ("train", "val", "test")
    }
    assert [len(names[split]) for split in names] == [6, 2, 1]
    assert not names["train"] & (names["val"] | names["test"])


def test_clips_without_the_wanted_part_are_left_out(prepared: Path, made: PreparedCorpus):
    whole = PreparedCorpus.load(prepared / "whole")
    parts = (*BODY, "left_hand", "face")
    store = build_store([made, whole], "val", parts, mirror=False)
    assert len(store.clip_ids) == 2
    assert {name: values.shape[1] for name, values in store.features.items()} == {
        name: PARTS[name].feature_dim for name in parts
    }
    with pytest.raises(DataError, match="'val' clip with the parts"):
        build_store([made], "val", parts, mirror=False)


def test_statistics_are_those_of_all_frames_with_a_floor(features: FeatureStore):
    mean, std = features.statistics("lower")
    values = features.features["lower"]
    torch.testing.assert_close(mean, values.mean(0))
    plain = values.std(0)
    assert (std >= plain - 1e-6).all()
    assert torch.equal(std, torch.maximum(plain, std))
    slices = PARTS["lower"].slices
    assert std[slices["joints_6d"]].min() == pytest.approx(0.05)
    assert std[slices["foot_contact"]].min() >= 0.3
    assert std[slices["planar_velocity"]][1] > 0.1  # walks forward at several speeds


def test_batches_depend_on_seed_and_number_alone(features: FeatureStore):
    settings = {"num_batches": 5, "batch_size": 7, "window": 24}
    data = WindowBatches(features, seed=3, **settings)
    torch.rand(5)  # the global generator plays no part
    again = WindowBatches(features, seed=3, **settings)
    other = WindowBatches(features, seed=4, **settings)
    assert len(data) == 5
    for index in (4, 0):
        assert torch.equal(data[index].features["upper"], again[index].features["upper"])
    assert not torch.equal(data[0].features["upper"], data[1].features["upper"])
    assert not torch.equal(data[0].features["upper"], other[0].features["upper"])


def test_windows_are_cut_from_clips_and_padding_is_masked(features: FeatureStore):
    window = 48
    data = WindowBatches(features, num_batches=4, batch_size=16, window=window, seed=0)
    clips = [features.clip(index)["lower"] for index in range(len(features.clip_ids))]
    seen = set()
    for number in range(4):
        batch = data[number]
        for row, mask in zip(batch.features["lower"], batch.mask, strict=True):
            count = int(mask.sum())
            assert mask[:count].all()
            fits = [
                (index, start)
                for index, clip in enumerate(clips)
                for start in range(len(clip) - count + 1)
                if torch.equal(clip[start : start + count], row[:count])
            ]
            assert any(count == min(window, len(clips[index])) for index, _ in fits)
            seen.add(fits[0][1])
            assert torch.equal(row[count:], row[count - 1].expand(window - count, -1))
    assert len(seen) > 3  # windows begin anywhere


def test_windows_bring_back_the_motion(made: PreparedCorpus, features: FeatureStore):
    clip = features.clip(features.clip_ids.index("walk-0"))
    motion = motion_from_features(clip)[0]
    index = next(i for i, record in enumerate(made.clips) if record.clip_id == "walk-0")
    truth = made.motion(index)
    found, expected = (m.joints(22) - m.joints(22)[:1, :1] for m in (motion, truth))
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize("wrong", [{"window": 0}, {"batch_size": 0}])
def test_sizes_are_checked(features: FeatureStore, wrong: dict[str, int]):
    settings = {"num_batches": 1, "batch_size": 1, "window": 6, "seed": 0, **wrong}
    with pytest.raises(ConfigError, match="positive"):
        WindowBatches(features, **settings)
