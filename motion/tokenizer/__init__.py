"""Per-part VQ-VAEs: motion features <-> codes, exact in chunks and as a stream."""

from motion.tokenizer.codes import Codes
from motion.tokenizer.losses import (
    JointErrors,
    LossWeights,
    body_losses,
    feature_losses,
    joint_errors,
    weighted_sum,
)
from motion.tokenizer.motion_tokenizer import MotionTokenizer, StreamDecoder
from motion.tokenizer.network import NetworkConfig
from motion.tokenizer.part_tokenizer import PartTokenizer, PartTokenizerConfig, Reconstruction
from motion.tokenizer.quantizer import Quantized, QuantizerConfig, ResidualQuantizer

__all__ = [
    "Codes",
    "JointErrors",
    "LossWeights",
    "MotionTokenizer",
    "NetworkConfig",
    "PartTokenizer",
    "PartTokenizerConfig",
    "Quantized",
    "QuantizerConfig",
    "Reconstruction",
    "ResidualQuantizer",
    "StreamDecoder",
    "body_losses",
    "feature_losses",
    "joint_errors",
    "weighted_sum",
]
