"""Dance and speakers' gestures, by corpus, label and captions."""

from motion.data import Caption, ClipRecord, is_dance, is_gesturing


def record(clip_id: str, caption: str, corpus: str = "cc0", **rest: object) -> ClipRecord:
    values = {"start": 0, "num_frames": 90, "split": "train", "parts": ("lower", "upper")}
    captions = (Caption(caption), Caption("هو", "ar"))
    return ClipRecord(clip_id=clip_id, corpus=corpus, captions=captions, **{**values, **rest})


def test_what_counts_as_dance_and_as_gesturing():
    assert is_dance(record("x", "someone is dancing wildly"))
    assert is_dance(record("x", "", corpus="aist"))
    assert is_dance(record("x", "", corpus="bandai", labels={"content": "dance-short"}))
    assert not is_dance(record("x", "a person walks"))
    assert is_gesturing(record("x", "", corpus="bandai", labels={"content": "guide"}))
    assert is_gesturing(record("x", "someone talks with both hands"))
    assert not is_gesturing(record("x", "a person dances"))
