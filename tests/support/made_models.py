"""Tiny real models: trained on nothing, but complete."""

from collections.abc import Mapping

import torch

from motion.conditioners import Condition
from motion.language import (
    BackboneConfig,
    MotionLanguageModel,
    MotionLanguageModelConfig,
    PartHeadConfig,
    SignalConfig,
    StepSignals,
    Stream,
)
from motion.tokenizer import (
    MotionTokenizer,
    NetworkConfig,
    PartTokenizer,
    PartTokenizerConfig,
    QuantizerConfig,
)
from motion.train.code_store import streams_of

WIDTH = 16


def make_part(part: str, refiner_width: int = 0) -> PartTokenizer:
    config = PartTokenizerConfig(
        part=part,
        refiner_width=refiner_width,
        network=NetworkConfig(widths=(8, 8, 16), blocks=(1, 1, 2), strides=(3, 2)),
        quantizer=QuantizerConfig(codebook_size=12, code_dim=4, num_quantizers=2, dropout=0.0),
    )
    tokenizer = PartTokenizer(config)
    torch.nn.init.normal_(tokenizer.quantizer.codebooks, std=0.5)
    if tokenizer.refiner is not None:
        torch.nn.init.normal_(tokenizer.refiner.layers[-1].weight, std=0.05)
    return tokenizer.eval()


def make_tokenizer() -> MotionTokenizer:
    parts = {"lower": make_part("lower", 8), "upper": make_part("upper")}
    return MotionTokenizer(parts).eval()


def make_whole_tokenizer() -> MotionTokenizer:
    """With hands and face."""
    following = {name: make_part(name) for name in ("left_hand", "right_hand", "face")}
    parts = {"lower": make_part("lower", 8), "upper": make_part("upper")} | following
    return MotionTokenizer(parts).eval()


def make_streams() -> tuple[Stream, ...]:
    return streams_of(make_tokenizer())


SIGNALS = {"music": 7, "speech": 5}
"""Width of the step features of made signals."""


def make_language_model(
    tokenizer: MotionTokenizer | None = None,
    condition_dim: int = WIDTH,
    *,
    hears: bool = False,
    signals: Mapping[str, int] = SIGNALS,
    backbone: BackboneConfig | None = None,
) -> MotionLanguageModel:
    """Build one; ``hears`` or other ``signals`` than the made ones: it is driven by sounds, too."""
    hears = hears or signals is not SIGNALS
    tokenizer = tokenizer or make_tokenizer()
    streams = streams_of(tokenizer)
    config = MotionLanguageModelConfig(
        backbone=backbone or BackboneConfig(source="tiny"),
        head=PartHeadConfig(width=16, dropout=0.0),
        condition_dim=condition_dim,
        num_text_pieces=300,
        signals={n: SignalConfig(input_dim=d, width=8) for n, d in signals.items() if hears},
    )
    model = MotionLanguageModel(config, streams)
    for stream in streams:
        model.set_codebook(stream, tokenizer.code_vectors(stream.part)[stream.level])
    if hears:
        torch.nn.init.normal_(model.head.hear.weight, std=0.5)
    return model.eval()


def make_signals(batch: int, steps: int) -> StepSignals:
    """Music and speech of random features; the first item has no speech."""
    features = {name: torch.randn(batch, steps, dim) for name, dim in SIGNALS.items()}
    present = {name: torch.ones(batch, steps, dtype=torch.bool) for name in SIGNALS}
    present["speech"][0] = False
    labels = torch.tensor([[1, 2, 3], [0, 0, 4], [5, 0, 0]])[:batch]
    return StepSignals(features=features, present=present, labels=labels)


def make_condition(batch: int = 2, length: int = 5, dim: int = WIDTH) -> Condition:
    return Condition(
        embedding=torch.randn(batch, length, dim),
        mask=torch.ones(batch, length, dtype=torch.bool),
        pooled=torch.randn(batch, dim),
        rate=None,
        modality="text",
    )
