"""Requests in, motions out: generator, clean-up, checkpoints."""

from motion.generate.checkpoint import load_language_model, save_language_model
from motion.generate.gap_results import GapReport, GapResult, check_gap_wish
from motion.generate.generator import MotionGenerator, make_request
from motion.generate.requests import GenerationRequest, GenerationResult

__all__ = [
    "GapReport",
    "GapResult",
    "GenerationRequest",
    "GenerationResult",
    "MotionGenerator",
    "check_gap_wish",
    "load_language_model",
    "make_request",
    "save_language_model",
]
