"""Tiny real models: trained on nothing, but complete."""

import torch

from motion.conditioners import Condition
from motion.language import (
    BackboneConfig,
    MotionLanguageModel,
    MotionLanguageModelConfig,
    PartHeadConfig,
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


def make_streams() -> tuple[Stream, ...]:
    return streams_of(make_tokenizer())


def make_language_model(
    tokenizer: MotionTokenizer | None = None, condition_dim: int = WIDTH
) -> MotionLanguageModel:
    tokenizer = tokenizer or make_tokenizer()
    streams = streams_of(tokenizer)
    config = MotionLanguageModelConfig(
        backbone=BackboneConfig(source="tiny"),
        head=PartHeadConfig(width=16, dropout=0.0),
        condition_dim=condition_dim,
        num_text_pieces=300,
    )
    model = MotionLanguageModel(config, streams)
    for stream in streams:
        model.set_codebook(stream, tokenizer.code_vectors(stream.part)[stream.level])
    return model.eval()


def make_condition(batch: int = 2, length: int = 5, dim: int = WIDTH) -> Condition:
    return Condition(
        embedding=torch.randn(batch, length, dim),
        mask=torch.ones(batch, length, dtype=torch.bool),
        pooled=torch.randn(batch, dim),
        rate=None,
        modality="text",
    )
