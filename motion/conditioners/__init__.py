"""Frozen text, music and speech encoders, their feature caches and where weights come from."""

from motion.conditioners.condition import Condition
from motion.conditioners.packaged import WeightStatus, fetch, list_weights, verify
from motion.conditioners.sources import WeightSource
from motion.conditioners.text import Pooling, TextEncoder

__all__ = [
    "Condition",
    "Pooling",
    "TextEncoder",
    "WeightSource",
    "WeightStatus",
    "fetch",
    "list_weights",
    "verify",
]
