"""Backbones: language models of ``transformers``, from a folder, a hub id or a preset.

Causal ones read prompt and response as one sequence; encoder-decoders of the T5 family read the
prompt in both directions and the response causally (``encoder_decoder.py``).
"""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from motion.conditioners.smollm2 import bake_smollm2
from motion.errors import ConfigError, RequestError, WeightsError
from motion.language.lora import with_lora
from motion.language.presets import PRESETS, even_out, preset_config
from motion.optional import require

PACKAGED_SOURCE = "smollm2"
"""SmolLM2-135M-Instruct from its package."""
ENCODER_DECODERS = ("t5", "mt5")
"""Families of encoder-decoders that are understood; Flan-T5 is one of ``t5``."""


@dataclass(frozen=True, kw_only=True)
class BackboneConfig:
    """Which language model carries the motion steps."""

    source: str = "small"
    """Preset made here (``small``, ``small-llama``, ``small-gpt2``, ``small-t5``; ``tiny...`` for
    tests), ``smollm2`` (packaged), a local folder or hub id of a causal model or a T5."""
    num_layers: int | None = None
    """Keep only the first layers (of the encoder and of the decoder); None keeps all."""
    freeze_embedding: bool = False
    """Do not train the text embedding."""
    lora_rank: int = 0
    """Train low-rank updates of all linear layers instead of the weights; 0: full training."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.lora_rank < 0 or (self.num_layers is not None and self.num_layers < 1):
            raise ConfigError("lora_rank must not be negative and num_layers at least 1")


def build_backbone(config: BackboneConfig, num_text_pieces: int) -> Any:
    """Make or load a language model in float32.

    Args:
        config: What to load.
        num_text_pieces: Rows of a preset's text embedding; a loaded model keeps its own.

    Raises:
        WeightsError: The folder or hub id cannot be loaded.
    """
    if config.source in PRESETS:
        shape = preset_config(config.source, num_text_pieces)
        model: Any = even_out(_library_class(shape).from_config(shape))
    else:
        model = _load(config.source)
    if config.num_layers is not None:
        model = first_layers(model, config.num_layers)
    return with_lora(model, config.lora_rank) if config.lora_rank else model


def _load(source: str) -> Any:
    transformers = require("transformers")
    folder = str(bake_smollm2()) if source == PACKAGED_SOURCE else source
    try:
        shape = transformers.AutoConfig.from_pretrained(folder)
        return _library_class(shape).from_pretrained(folder, dtype=torch.float32)
    except (OSError, ValueError, KeyError) as error:
        kind = "folder" if Path(source).exists() else "hub id or folder"
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"cannot load a language model from the {kind} {source}: {reason}"
        ) from error


def _library_class(shape: Any) -> Any:
    """The class of ``transformers`` that makes and loads a model with a text head."""
    transformers = require("transformers")
    if not shape.is_encoder_decoder:
        return transformers.AutoModelForCausalLM
    if shape.model_type not in ENCODER_DECODERS:
        raise ValueError(
            f"it is an encoder-decoder of the family {shape.model_type}; understood are those of "
            f"{' and '.join(ENCODER_DECODERS)}, and causal models"
        )
    return transformers.AutoModelForSeq2SeqLM


def backbone_text_pieces(config: BackboneConfig) -> Any | None:
    """The text tokenizer that a loaded backbone brings; None for presets made here."""
    if config.source in PRESETS:
        return None
    transformers = require("transformers")
    folder = str(bake_smollm2()) if config.source == PACKAGED_SOURCE else config.source
    try:
        return transformers.AutoTokenizer.from_pretrained(folder).backend_tokenizer
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"no text tokenizer in {config.source}: {reason}") from error


def describe_backbone(model: Any) -> dict[str, Any]:
    """The library's configuration as plain values, without where it came from."""
    described: dict[str, Any] = model.config.to_dict()
    for name in ("_name_or_path", "transformers_version", "dtype"):
        described.pop(name, None)
    return {**described, "tie_word_embeddings": has_tied_head(model)}


def empty_backbone(description: dict[str, Any]) -> Any:
    """A model as ``describe_backbone`` described it, with any weights, in float32.

    Raises:
        KeyError: The description names no family, or one that the library does not have.
        ValueError: It describes a model that is not understood.
    """
    described = dict(description)
    family = require("transformers").CONFIG_MAPPING[described.pop("model_type")]
    shape = family.from_dict(described)
    model = _library_class(shape).from_config(shape).float()
    head = model.get_output_embeddings()
    if has_tied_head(model) and not described.get("tie_word_embeddings", True):
        # The library ties every T5 that it makes; those of Flan-T5's kind have a head of their own.
        head.weight = nn.Parameter(head.weight.detach().clone())
    return model


def has_tied_head(model: Any) -> bool:
    """Whether the head that writes text is the embedding that reads it."""
    return model.get_output_embeddings().weight is model.get_input_embeddings().weight


def head_scale(model: Any) -> float:
    """Factor of the last hidden states before the head that writes text.

    Source: ``T5ForConditionalGeneration.forward`` in ``transformers``: 1 / sqrt(width) in the first
    T5, 1 in T5 1.1 and Flan-T5.
    """
    if model.config.model_type == "t5" and model.config.scale_decoder_outputs:
        return float(model.config.d_model**-0.5)
    return 1.0


def is_encoder_decoder(model: Any) -> bool:
    """Whether the prompt is read by an encoder of its own."""
    return bool(model.config.is_encoder_decoder)


def check_positions(model: Any, count: int) -> None:
    """Check that a model has a place for so many inputs.

    Raises:
        RequestError: It learned fewer positions (GPT-2); other families have no limit.
    """
    if model.config.model_type == "gpt2" and count > model.config.n_positions:
        raise RequestError(
            f"the language model has {model.config.n_positions} positions, prompt and response "
            f"need {count}: shorten the prompt or ask for fewer tokens"
        )


def first_layers(model: Any, num_layers: int) -> Any:
    """The same model with only its first layers."""
    stacks = _stacks(model)
    for layers in stacks:
        if num_layers > len(layers):
            raise ConfigError(f"asked for {num_layers} layers, the model has {len(layers)}")
        del layers[num_layers:]
    model.config = deepcopy(model.config)
    model.config.num_hidden_layers = num_layers
    if is_encoder_decoder(model):
        model.config.num_decoder_layers = num_layers
    if getattr(model.config, "layer_types", None):
        model.config.layer_types = model.config.layer_types[:num_layers]
    return model


def _stacks(model: Any) -> list[nn.ModuleList]:
    if is_encoder_decoder(model):
        return [model.encoder.block, model.decoder.block]
    return [decoder_layers(model)]


def decoder_layers(model: Any) -> nn.ModuleList:
    """The stack of layers of a causal language model (Llama-like or GPT-2)."""
    inner = base_model(model)
    layers: nn.ModuleList = inner.h if hasattr(inner, "h") else inner.layers
    return layers


def base_model(model: Any) -> Any:
    """A causal model without its language head."""
    return model.base_model
