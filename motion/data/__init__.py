"""Corpora: readers, retargeting to SMPL-X, prepared folders, captions."""

from motion.data.corpus import PreparedCorpus, load_corpora
from motion.data.preparing import PrepareReport, prepare
from motion.data.records import SPLITS, Caption, ClipRecord

__all__ = [
    "SPLITS",
    "Caption",
    "ClipRecord",
    "PrepareReport",
    "PreparedCorpus",
    "load_corpora",
    "prepare",
]
