from pathlib import Path

import numpy as np
import pytest
import torch
from made_dances import swing_between, wave_at

from motion.data import Caption, ClipRecord, PreparedCorpus
from motion.data.corpus import BODY_WIDTH, FORMAT_VERSION, write_corpus_files
from motion.geometry.extrema import smoothed
from motion.representation import Motion
from motion.train.pseudo_pairs import (
    SpeechSound,
    pseudo_music_pairs,
    pseudo_speech_pairs,
)

TRACKS = {name: np.arange(60) * 60 / bpm + 0.1 for name, bpm in (("a", 112), ("b", 125))}


def record(clip_id: str, caption: str, corpus: str = "cc0", **rest: object) -> ClipRecord:
    values = {"start": 0, "num_frames": 90, "split": "train", "parts": ("lower", "upper")}
    captions = (Caption(caption), Caption("هو", "ar"))
    return ClipRecord(clip_id=clip_id, corpus=corpus, captions=captions, **{**values, **rest})


def write_corpus(folder: Path, clips: list[tuple[ClipRecord, Motion]]) -> PreparedCorpus:
    folder.mkdir()
    records, start = [], 0
    for made, motion in clips:
        row = {**made.to_json(), "start": start, "num_frames": motion.num_frames}
        records.append(ClipRecord.from_json(row))
        start += motion.num_frames
    frames = {
        "body": torch.cat([motion.full_pose[:, :BODY_WIDTH] for _, motion in clips]),
        "transl": torch.cat([motion.transl for _, motion in clips]),
    }
    info = {"format_version": FORMAT_VERSION, "name": folder.name}
    write_corpus_files(folder, frames, records, info)
    return PreparedCorpus.load(folder)


@pytest.fixture
def dances(tmp_path: Path) -> PreparedCorpus:
    regular = swing_between(torch.arange(1, 16) * 0.5 + 0.007, 240)
    clips = [
        (record("dance", "a person dances"), regular),
        (record("held", "a person dances", split="test"), regular),
        (record("walk", "a person walks"), regular),
        (record("short", "a person dances"), regular.frames(0, 50)),
        (record("still", "a dancer stands"), regular.frames(0, 1).frames(0, 1)),
    ]
    return write_corpus(tmp_path / "cc0", clips)


def test_dances_of_the_train_split_get_retimed_music(dances: PreparedCorpus):
    report = pseudo_music_pairs([dances], TRACKS, per_clip=4)
    assert {pair.clip_id for pair in report.pairs} == {"dance"}
    assert len(report.pairs) == 4
    assert {pair.sound for pair in report.pairs} == {"a", "b"}
    for pair in report.pairs:
        assert (pair.kind, pair.modality, len(pair.edges)) == ("pseudo", "music", 241)
        assert pair.fit > 0.8
        assert float(pair.edges[0]) >= 0
        assert float(pair.edges[-1]) <= TRACKS[pair.sound][-1]
    assert "shorter than 2 s" in report.left_out["cc0/short"]
    assert report.seconds == {"cc0": 8.0}
    assert "4 pairs of cc0" in str(report)


def test_clips_of_another_split_are_paired_when_asked(dances: PreparedCorpus):
    report = pseudo_music_pairs([dances], TRACKS, split="test", per_clip=2)
    assert [pair.clip_id for pair in report.pairs] == ["held", "held"]
    assert not report.left_out


def test_the_drawing_is_seeded(dances: PreparedCorpus):
    first, again, other = (pseudo_music_pairs([dances], TRACKS, seed=s).pairs for s in (1, 1, 2))
    for one, two in zip(first, again, strict=True):
        assert one.sound == two.sound
        assert torch.equal(one.edges, two.edges)
    assert any(not torch.equal(a.edges, b.edges) for a, b in zip(first, other, strict=True))


def test_no_music_near_the_tempo_leaves_the_clip_out(dances: PreparedCorpus):
    report = pseudo_music_pairs([dances], {"short": np.arange(4) * 0.5, "silent": np.zeros(0)})
    assert report.pairs == []
    assert "tempo" in report.left_out["cc0/dance"]


def test_gestures_get_speech_that_fits(tmp_path: Path):
    loudness = smoothed(torch.rand(900), 5.0)
    loudness = (loudness - loudness.min()) / (loudness.max() - loudness.min())
    waves = wave_at(loudness[300:480])
    still = wave_at(torch.zeros(120))
    corpus = write_corpus(
        tmp_path / "beat",
        [
            (record("talk", "", corpus="beat"), waves),
            (record("still", "", corpus="beat"), still),
            (record("val", "", corpus="beat", split="val"), waves),
        ],
    )
    sounds = {"one": SpeechSound(loudness=loudness, stop_seconds=25.0)}
    report = pseudo_speech_pairs([corpus], sounds, per_clip=3)
    assert {pair.clip_id for pair in report.pairs} == {"talk"}
    assert 1 <= len(report.pairs) <= 3
    assert all(pair.modality == "speech" and pair.fit >= 0.25 for pair in report.pairs)
    assert all(0 <= float(pair.edges[0]) < float(pair.edges[-1]) <= 25 for pair in report.pairs)
    assert "hardly move" in report.left_out["beat/still"]


def test_a_recording_is_measured():
    samples = torch.randn(32000) * 0.1
    sound = SpeechSound.from_samples(samples, 16000)
    assert len(sound.loudness) == 60
    assert float(sound.loudness.min()) > 0.5
