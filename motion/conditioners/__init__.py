"""Frozen text, music and speech encoders, their feature caches and where weights come from."""

from motion.conditioners.cache import (
    TextFeatureTable,
    cache_text_features,
    open_text_features,
)
from motion.conditioners.condition import Condition
from motion.conditioners.packaged import WeightStatus, fetch, list_weights, verify
from motion.conditioners.smollm2 import bake_smollm2
from motion.conditioners.sources import WeightSource
from motion.conditioners.text import Pooling, TextEncoder

__all__ = [
    "Condition",
    "Pooling",
    "TextEncoder",
    "TextFeatureTable",
    "WeightSource",
    "WeightStatus",
    "bake_smollm2",
    "cache_text_features",
    "fetch",
    "list_weights",
    "open_text_features",
    "verify",
]
