"""Which clips show dance, and which people who gesture as speakers do."""

import re

from motion.data.records import ClipRecord

DANCE_WORDS = re.compile(r"\bdanc|\bballet\b|\bpirouette|\bcharleston\b|\bymca\b", re.IGNORECASE)
DANCE_CAPTION_SHARE = 0.5
TALK_WORDS = re.compile(r"\btalk|\bspeak|\bspeech\b|\bconvers|\bgesticulat", re.IGNORECASE)
TALK_CONTENTS = frozenset({"guide", "respond", "call", "bye", "byebye"})
"""Bandai contents with arm gestures of someone who stands and may well be speaking."""
DANCE_CORPORA, TALK_CORPORA = frozenset({"aist"}), frozenset({"beat"})


def is_dance(record: ClipRecord) -> bool:
    """Whether a clip shows dance, by its corpus, its labels or half of its English captions."""
    if record.corpus in DANCE_CORPORA or record.labels.get("content", "").startswith("dance"):
        return True
    return _caption_share(record, DANCE_WORDS) >= DANCE_CAPTION_SHARE


def is_gesturing(record: ClipRecord) -> bool:
    """Whether a clip shows someone who stands and gestures as speakers do."""
    if record.corpus in TALK_CORPORA or record.labels.get("content") in TALK_CONTENTS:
        return True
    return _caption_share(record, TALK_WORDS) >= DANCE_CAPTION_SHARE


def _caption_share(record: ClipRecord, words: re.Pattern[str]) -> float:
    texts = [caption.text for caption in record.captions if caption.language == "en"]
    return sum(words.search(text) is not None for text in texts) / max(len(texts), 1)
