"""Everything that ``motion evaluate`` reads, small: corpora, sounds, plans, a release."""

import json
from pathlib import Path

from made_corpora import write_prepared
from made_release import write_cache, write_release
from made_sounds import noise, write_wave

from motion.data.sound_library import SoundRecord, write_library
from motion.tasks.examples import write_examples
from motion.tasks.planning.days import make_examples

DANCE_FRAMES, TALK_FRAMES = 250, 190
"""A little more than a window of music (8 s) and of speech (6 s)."""
QUESTIONS = 25
TASKS = ("decompose_task", "plan_next_task")


def write_evaluation(folder: Path) -> None:
    """Write ``release`` and ``data`` into a folder; ``MOTION_CACHE`` names the encoders' cache."""
    write_cache()
    write_release(folder / "release")
    write_data(folder / "data")


def write_data(data: Path) -> None:
    """Prepared dances, talks and other clips, held-out music and speech, planning examples."""
    clips = [("test", "walk", 130 + 5 * k, 0.4 + 0.05 * k) for k in range(7)]
    write_prepared(data / "made", "made", rows=[("train", "wave", 60, 0.5), *clips])
    dances = [("train", "walk", DANCE_FRAMES, 0.5), ("test", "wave", DANCE_FRAMES, 0.6)]
    write_prepared(data / "aist", "aist", rows=dances)
    talks = [("train", "wave", TALK_FRAMES, 0.5), ("test", "wave", TALK_FRAMES, 0.7)]
    write_prepared(data / "beat", "beat", whole_body=True, rows=talks)
    _record_together(data / "beat")
    _write_sounds(data / "music", "music", {"song": 16.0, "tune": 16.0})
    _write_sounds(data / "speech", "speech", {"talk": 12.0, "word": 12.0})
    (data / "plans").mkdir()
    for split in ("train", "test"):
        examples = [e for e in make_examples(split, QUESTIONS, 0) if e.task in TASKS]
        write_examples(examples, data / "plans" / f"{split}.jsonl")


def _write_sounds(folder: Path, modality: str, sounds: dict[str, float]) -> None:
    (folder / "sounds").mkdir(parents=True)
    records = []
    for name, seconds in sounds.items():
        write_wave(folder / "sounds" / f"{name}.wav", 0.3 * noise(16000, seconds).waves, 16000)
        records.append(
            SoundRecord(
                sound_id=name,
                modality=modality,
                path=f"sounds/{name}.wav",
                split="test",
                start_seconds=0.0,
                seconds=seconds,
                beats=tuple(0.2 + 0.5 * k for k in range(round(2 * seconds) - 1)),
            )
        )
    write_library(folder, {"name": folder.name, "modality": modality}, records)


def _record_together(corpus: Path) -> None:
    """Give the test clips speech that was recorded with them."""
    (corpus / "sounds").mkdir()
    write_wave(corpus / "sounds" / "said.wav", 0.3 * noise(16000, 7.0).waves, 16000)
    rows = [json.loads(line) for line in (corpus / "clips.jsonl").read_text("utf-8").splitlines()]
    span = {"modality": "speech", "path": "sounds/said.wav", "start_seconds": 0.0}
    for row in rows:
        row["sounds"] = [span] if row["split"] == "test" else []
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (corpus / "clips.jsonl").write_text(text, "utf-8")
