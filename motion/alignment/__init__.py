"""The shared space of motion and signals: embedding, contrastive losses, retrieval."""

from motion.alignment.caption_memory import CaptionMemory
from motion.alignment.losses import (
    AlignmentLossConfig,
    contrastive_loss,
    negatives,
    semantic_loss,
)
from motion.alignment.model import AlignmentModel, AlignmentModelConfig
from motion.alignment.motion_encoder import MotionEncoderConfig, MotionFeatures
from motion.alignment.motion_library import (
    LibraryEntry,
    MotionLibrary,
    RetrievedMotion,
    embed_motions,
)
from motion.alignment.precision import RPrecision, r_precision
from motion.alignment.projector import ProjectorConfig

__all__ = [
    "AlignmentLossConfig",
    "AlignmentModel",
    "AlignmentModelConfig",
    "CaptionMemory",
    "LibraryEntry",
    "MotionEncoderConfig",
    "MotionFeatures",
    "MotionLibrary",
    "ProjectorConfig",
    "RPrecision",
    "RetrievedMotion",
    "contrastive_loss",
    "embed_motions",
    "negatives",
    "r_precision",
    "semantic_loss",
]
