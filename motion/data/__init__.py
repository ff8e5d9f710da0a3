"""Corpora: readers, retargeting to SMPL-X, prepared folders, captions, windows."""

from motion.data.corpus import PreparedCorpus, load_corpora
from motion.data.preparing import PrepareReport, prepare
from motion.data.records import SPLITS, Caption, ClipRecord
from motion.data.windows import Window, WindowConfig, Windows

__all__ = [
    "SPLITS",
    "Caption",
    "ClipRecord",
    "PrepareReport",
    "PreparedCorpus",
    "Window",
    "WindowConfig",
    "Windows",
    "load_corpora",
    "prepare",
]
