"""Phrase tables and measured facts behind ``motion.data.captions``."""

from motion.data.captioning.facts import measured_actions, raised_hands
from motion.data.captioning.measures import Track
from motion.data.captioning.phrases import LANGUAGES, all_texts, rank, texts_of
from motion.data.captioning.tables import Action, LabelMeaning, label_actions

__all__ = [
    "LANGUAGES",
    "Action",
    "LabelMeaning",
    "Track",
    "all_texts",
    "label_actions",
    "measured_actions",
    "raised_hands",
    "rank",
    "texts_of",
]
