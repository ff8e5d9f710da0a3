"""The motion language model: vocabulary, backbone, motion steps, part head, decoding engine."""

from motion.language.backbone import (
    BackboneConfig,
    backbone_text_pieces,
    build_backbone,
    describe_backbone,
    empty_backbone,
)
from motion.language.decoders import LibraryDecoder, LlamaDecoder, StepDecoder, build_decoder
from motion.language.encoder_decoder import EncoderDecoderDecoder
from motion.language.engine import DecodingEngine, EngineConfig, StepRequest
from motion.language.goals import GOAL_DIM, goal_between, goal_features
from motion.language.lora import merged_state
from motion.language.model import (
    UNKNOWN_LENGTH,
    Gap,
    MotionLanguageModel,
    MotionLanguageModelConfig,
    MotionLogits,
)
from motion.language.part_head import ABSENT, PartHead, PartHeadConfig
from motion.language.precision import Precision
from motion.language.presets import PRESETS
from motion.language.reading import TextLogits, TextPrompt, read_and_answer
from motion.language.sampling import SamplingConfig
from motion.language.signals import (
    SignalConfig,
    SignalFeed,
    SignalReader,
    StepSignals,
    label_numbers,
)
from motion.language.vocabulary import SPECIAL_TOKENS, Stream, Vocabulary, motion_streams
from motion.language.writing import TextWriter, Writing, WritingRequest

__all__ = [
    "ABSENT",
    "GOAL_DIM",
    "PRESETS",
    "SPECIAL_TOKENS",
    "UNKNOWN_LENGTH",
    "BackboneConfig",
    "DecodingEngine",
    "EncoderDecoderDecoder",
    "EngineConfig",
    "Gap",
    "LibraryDecoder",
    "LlamaDecoder",
    "MotionLanguageModel",
    "MotionLanguageModelConfig",
    "MotionLogits",
    "PartHead",
    "PartHeadConfig",
    "Precision",
    "SamplingConfig",
    "SignalConfig",
    "SignalFeed",
    "SignalReader",
    "StepDecoder",
    "StepRequest",
    "StepSignals",
    "Stream",
    "TextLogits",
    "TextPrompt",
    "TextWriter",
    "Vocabulary",
    "Writing",
    "WritingRequest",
    "backbone_text_pieces",
    "build_backbone",
    "build_decoder",
    "describe_backbone",
    "empty_backbone",
    "goal_between",
    "goal_features",
    "label_numbers",
    "merged_state",
    "motion_streams",
    "read_and_answer",
]
