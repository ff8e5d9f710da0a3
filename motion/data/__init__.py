"""Corpora: readers, retargeting to SMPL-X, prepared folders, captions."""

from motion.data.clip_kinds import is_dance, is_gesturing
from motion.data.corpus import PreparedCorpus, load_corpora
from motion.data.preparing import PrepareReport, prepare
from motion.data.preparing_made_music import prepare_made_music
from motion.data.preparing_sounds import SOUND_READERS, SoundReport, prepare_sounds
from motion.data.records import SPLITS, Caption, ClipRecord, SoundSpan
from motion.data.sound_library import SoundLibrary, SoundRecord
from motion.data.sounds import read_words

__all__ = [
    "SOUND_READERS",
    "SPLITS",
    "Caption",
    "ClipRecord",
    "PrepareReport",
    "PreparedCorpus",
    "SoundLibrary",
    "SoundRecord",
    "SoundReport",
    "SoundSpan",
    "is_dance",
    "is_gesturing",
    "load_corpora",
    "prepare",
    "prepare_made_music",
    "prepare_sounds",
    "read_words",
]
