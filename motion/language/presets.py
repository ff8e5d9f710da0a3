"""Backbones initialised here, without any download: their shapes, about alike in size."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from motion.optional import require

MAX_POSITIONS = 4096
GPT2_POSITIONS = 1024
"""GPT-2 learns a vector for each position; this many, as in the original."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """The shape of a model."""

    family: str
    """``model_type`` in ``transformers``."""
    sizes: dict[str, Any]
    """Fields of the library's configuration."""


_LLAMA_SIZES = {
    "hidden_size": 384,
    "num_hidden_layers": 6,
    "num_attention_heads": 6,
    "num_key_value_heads": 6,
    "head_dim": 64,
    "intermediate_size": 1024,
    "max_position_embeddings": MAX_POSITIONS,
    "use_cache": True,
}
_TINY_LLAMA_SIZES = _LLAMA_SIZES | {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "intermediate_size": 64,
}
_GPT2_SIZES = {
    "n_embd": 384,
    "n_layer": 6,
    "n_head": 6,
    "n_inner": 1536,
    "n_positions": GPT2_POSITIONS,
    "resid_pdrop": 0.0,
    "embd_pdrop": 0.0,
    "attn_pdrop": 0.0,
}
_TINY_GPT2_SIZES = _GPT2_SIZES | {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_inner": 64}
_T5_SIZES = {
    "d_model": 384,
    "num_layers": 3,
    "num_decoder_layers": 3,
    "num_heads": 6,
    "d_kv": 64,
    "d_ff": 768,
    "feed_forward_proj": "gated-gelu",
    "dropout_rate": 0.0,
    "tie_word_embeddings": False,  # to the library: states are not scaled before the head
    "pad_token_id": 0,
    "eos_token_id": None,
    "decoder_start_token_id": 0,
}
_TINY_T5_SIZES = _T5_SIZES | {
    "d_model": 32,
    "num_layers": 2,
    "num_decoder_layers": 2,
    "num_heads": 2,
    "d_kv": 16,
    "d_ff": 64,
}
_TIED = {"tie_word_embeddings": True, "bos_token_id": None, "eos_token_id": None}

PRESETS: dict[str, Preset] = {
    "small": Preset(family="qwen3", sizes=_LLAMA_SIZES | _TIED),
    "small-llama": Preset(family="llama", sizes=_LLAMA_SIZES | _TIED),
    "small-gpt2": Preset(family="gpt2", sizes=_GPT2_SIZES | _TIED),
    "small-t5": Preset(family="t5", sizes=_T5_SIZES),
    "tiny": Preset(family="qwen3", sizes=_TINY_LLAMA_SIZES | _TIED),
    "tiny-llama": Preset(family="llama", sizes=_TINY_LLAMA_SIZES | _TIED),
    "tiny-gpt2": Preset(family="gpt2", sizes=_TINY_GPT2_SIZES | _TIED),
    "tiny-t5": Preset(family="t5", sizes=_TINY_T5_SIZES),
}
"""Models of every family, ``small`` and for tests; all read through the text encoder's states.

Outside their embeddings the small ones have 10.6 M parameters each (T5's layers of the decoder have
a second attention, so it has three of them and three of the encoder).
"""


def preset_config(name: str, num_text_pieces: int) -> Any:
    """The library's configuration of a preset.

    Args:
        name: One of ``PRESETS``.
        num_text_pieces: Rows of its text embedding.
    """
    preset = PRESETS[name]
    family = require("transformers").CONFIG_MAPPING[preset.family]
    return family(**preset.sizes, vocab_size=num_text_pieces)


def even_out(model: Any) -> Any:
    """Give T5's embedding the scale that a head without a scale of its own needs.

    T5 draws embeddings of deviation 1 and multiplies states by 1 / sqrt(width) before its tied
    head. The same head with the factor inside its weights learns from AdamW's steps, which are
    as large for every weight, as fast as the rest of the model does; T5 was trained with Adafactor,
    whose steps are relative to the weights (Raffel et al., arXiv 1910.10683, section 3.1.2).
    """
    if model.config.model_type == "t5":
        nn.init.normal_(model.shared.weight, std=model.config.d_model**-0.5)
    return model
