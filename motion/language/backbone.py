"""Backbones: any causal language model of ``transformers``, from a folder, a hub id or a preset."""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from motion.conditioners.smollm2 import bake_smollm2
from motion.errors import ConfigError, WeightsError
from motion.optional import require


@dataclass(frozen=True, kw_only=True)
class BackboneConfig:
    """Which causal language model carries the motion steps."""

    source: str = "small"
    """Preset made here (``small``, ``tiny``), ``smollm2`` (packaged), a local folder or hub id."""
    num_layers: int | None = None
    """Keep only the first layers; None keeps all."""
    freeze_embedding: bool = False
    """Do not train the text embedding."""
    lora_rank: int = 0
    """Train low-rank updates of all linear layers instead of the weights; 0: full training."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.lora_rank < 0 or (self.num_layers is not None and self.num_layers < 1):
            raise ConfigError("lora_rank must not be negative and num_layers at least 1")


PRESETS: dict[str, dict[str, Any]] = {
    "small": {
        "hidden_size": 384,
        "num_hidden_layers": 6,
        "num_attention_heads": 6,
        "num_key_value_heads": 6,
        "head_dim": 64,
        "intermediate_size": 1024,
    },
    "tiny": {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "intermediate_size": 64,
    },
}
"""Qwen3-shaped models initialised here; they read through the text encoder's states."""

PACKAGED_SOURCE = "smollm2"
"""SmolLM2-135M-Instruct from its package."""
MAX_POSITIONS = 4096


def build_backbone(config: BackboneConfig, num_text_pieces: int) -> Any:
    """Make or load a causal language model in float32.

    Args:
        config: What to load.
        num_text_pieces: Rows of a preset's text embedding; a loaded model keeps its own.

    Raises:
        WeightsError: The folder or hub id cannot be loaded.
    """
    if config.source in PRESETS:
        transformers = require("transformers")
        shape = transformers.Qwen3Config(
            **PRESETS[config.source],
            vocab_size=num_text_pieces,
            max_position_embeddings=MAX_POSITIONS,
            tie_word_embeddings=True,
            use_cache=True,
        )
        model: Any = transformers.Qwen3ForCausalLM(shape)
    else:
        model = _load(config.source)
    if config.num_layers is not None:
        model = first_layers(model, config.num_layers)
    return with_lora(model, config.lora_rank) if config.lora_rank else model


def _load(source: str) -> Any:
    transformers = require("transformers")
    folder = str(bake_smollm2()) if source == PACKAGED_SOURCE else source
    try:
        return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    except (OSError, ValueError, KeyError) as error:
        kind = "folder" if Path(source).exists() else "hub id or folder"
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"cannot load a language model from the {kind} {source}: {reason}"
        ) from error


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


def with_lora(model: Any, rank: int) -> Any:
    """Freeze a model and add trainable low-rank updates to all its linear layers.

    Source: Hu et al., LoRA (arXiv 2106.09685), through the ``peft`` package.
    """
    peft = require("peft", extra="llm")
    model.requires_grad_(requires_grad=False)
    config = peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear")
    return peft.inject_adapter_in_model(config, model)


def merged_state(module: nn.Module) -> dict[str, Tensor]:
    """Weights of a model as if it had never had low-rank updates: these are added in."""
    deltas = {
        f"{name}.weight": layer.get_delta_weight("default").detach()
        for name, layer in module.named_modules()
        if hasattr(layer, "get_delta_weight")
    }
    state: dict[str, Tensor] = {}
    for name, value in module.state_dict().items():
        if ".lora_" not in name:
            plain = name.replace(".base_layer.", ".")
            state[plain] = value + deltas[plain] if plain in deltas else value
    return state


def first_layers(model: Any, num_layers: int) -> Any:
    """The same model with only its first layers."""
    layers = decoder_layers(model)
    if num_layers > len(layers):
        raise ConfigError(f"asked for {num_layers} layers, the model has {len(layers)}")
    del layers[num_layers:]
    model.config = deepcopy(model.config)
    model.config.num_hidden_layers = num_layers
    if getattr(model.config, "layer_types", None):
        model.config.layer_types = model.config.layer_types[:num_layers]
    return model


def decoder_layers(model: Any) -> nn.ModuleList:
    """The stack of layers of a causal language model (Llama-like or GPT-2)."""
    inner = base_model(model)
    layers: nn.ModuleList = inner.h if hasattr(inner, "h") else inner.layers
    return layers


def base_model(model: Any) -> Any:
    """The model without its language head."""
    return model.base_model
