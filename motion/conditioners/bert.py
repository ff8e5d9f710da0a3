"""A small BERT encoder in plain torch, loaded straight from a transformers folder.

It exists because importing ``transformers`` costs more time and memory than the whole model: this
one maps the safetensors file, gathers only the needed rows of a big word table and never converts
the table as a whole. Axis letter added here: ``H`` attention heads.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from motion.conditioners.half_linear import pack_linears
from motion.errors import WeightsError

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"


@dataclass(frozen=True, kw_only=True)
class BertConfig:
    """Sizes of a BERT encoder, named as in a transformers ``config.json``."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int
    layer_norm_eps: float

    def __post_init__(self) -> None:
        """Check that the heads divide the width."""
        if self.hidden_size % self.num_attention_heads:
            raise WeightsError(
                f"a BERT encoder of width {self.hidden_size} cannot have "
                f"{self.num_attention_heads} heads; the width must be a multiple of the heads"
            )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], *, where: Path) -> Self:
        """Take the fields this class knows from a parsed ``config.json``."""
        missing = [name for name in cls.__dataclass_fields__ if name not in values]
        if missing:
            raise WeightsError(f"{where} lacks {missing}, so it does not describe a BERT encoder")
        return cls(**{name: values[name] for name in cls.__dataclass_fields__})


def is_plain_bert(values: Mapping[str, Any]) -> bool:
    """Whether a parsed ``config.json`` describes exactly what ``BertEncoder`` computes."""
    return (
        values.get("model_type") == "bert"
        and values.get("hidden_act", "gelu") == "gelu"
        and values.get("position_embedding_type", "absolute") == "absolute"
        and not values.get("is_decoder", False)
    )


class BertLayer(nn.Module):
    """Self-attention and feed-forward, each with a residual and the norm after it."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.num_heads = config.num_attention_heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attention_output = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.intermediate = nn.Linear(width, config.intermediate_size)
        self.output = nn.Linear(config.intermediate_size, width)
        self.output_norm = nn.LayerNorm(width, eps=config.layer_norm_eps)

    def forward(
        self, x: Float[Tensor, "B L D"], attended: Bool[Tensor, "B 1 1 L"] | None
    ) -> Float[Tensor, "B L D"]:
        """Mix tokens, then channels; ``attended`` None means that every token is real."""
        q, k, v = rearrange(
            self.query_key_value(x), "B L (three H d) -> three B H L d", three=3, H=self.num_heads
        )
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=attended)
        x = self.attention_norm(x + self.attention_output(rearrange(mixed, "B H L d -> B L (H d)")))
        out: Tensor = self.output_norm(x + self.output(F.gelu(self.intermediate(x))))
        return out


class BertEncoder(nn.Module):
    """Post-norm BERT without pooler or dropout: token ids in, token states out.

    Source: ``BertModel`` of transformers, with which the tests compare it.
    """

    def __init__(self, config: BertConfig, word_table: Tensor) -> None:
        super().__init__()
        self.config = config
        width = config.hidden_size
        self.word_table = word_table
        """Rows of any float type, (N, D); no buffer, so that ``.to()`` never converts it whole."""
        self.position_table = nn.Parameter(torch.zeros(config.max_position_embeddings, width))
        self.type_row = nn.Parameter(torch.zeros(width))
        self.embedding_norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.layers = nn.ModuleList(BertLayer(config) for _ in range(config.num_hidden_layers))

    def forward(
        self, token_ids: Int[Tensor, "B L"], mask: Bool[Tensor, "B L"]
    ) -> Float[Tensor, "B L D"]:
        """Encode; padded positions hold values without meaning."""
        rows = F.embedding(token_ids.to(self.word_table.device), self.word_table)
        positions = self.position_table[: token_ids.shape[1]]
        rows = rows.to(device=positions.device, dtype=positions.dtype)
        x: Tensor = self.embedding_norm(rows + self.type_row + positions)
        attended = None if bool(mask.all()) else rearrange(mask, "B L -> B 1 1 L")
        for layer in self.layers:
            x = layer(x, attended)
        return x

    @classmethod
    def from_folder(cls, folder: Path, *, half_linears: bool = False) -> Self:
        """Load fp32 layers and the word table as it is stored (mapped, not read).

        Args:
            folder: A transformers folder.
            half_linears: Pack the linear layers as fp16, where this CPU can.

        Raises:
            WeightsError: A file is missing, damaged or of another shape.
        """
        config_path, weights_path = folder / CONFIG_FILE, folder / WEIGHTS_FILE
        try:
            values = json.loads(config_path.read_text(encoding="utf-8"))
            config = BertConfig.from_mapping(values, where=config_path)
            with safe_open(weights_path, framework="pt") as file:
                model = cls._from_tensors(config, _Tensors(file))
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise WeightsError(
                f"cannot load a BERT encoder from {folder}: {error}; "
                f"it needs a matching {CONFIG_FILE} and {WEIGHTS_FILE}"
            ) from error
        if half_linears:
            pack_linears(model)
        return model

    @classmethod
    def _from_tensors(cls, config: BertConfig, tensors: "_Tensors") -> Self:
        table = tensors.stored("embeddings.word_embeddings.weight")
        if table.shape != (config.vocab_size, config.hidden_size):
            raise WeightsError(
                f"the word table should be {config.vocab_size} x {config.hidden_size} as in "
                f"{CONFIG_FILE}, but is {tuple(table.shape)}"
            )
        with torch.device("meta"):  # every parameter is assigned below: nothing to initialise
            model = cls(config, table)
        state = {
            "position_table": tensors["embeddings.position_embeddings.weight"],
            "type_row": tensors["embeddings.token_type_embeddings.weight"][0],
        }
        state |= _pair("embedding_norm", tensors, "embeddings.LayerNorm")
        for index in range(config.num_hidden_layers):
            old, new = f"encoder.layer.{index}", f"layers.{index}"
            for kind in ("weight", "bias"):
                parts = [tensors[f"{old}.attention.self.{n}.{kind}"] for n in _QUERY_KEY_VALUE]
                state[f"{new}.query_key_value.{kind}"] = torch.cat(parts)
            for name, source in _LAYER_NAMES.items():
                state |= _pair(f"{new}.{name}", tensors, f"{old}.{source}")
        model.load_state_dict(state, assign=True)
        return model.requires_grad_(False).eval()


_QUERY_KEY_VALUE = ("query", "key", "value")
_LAYER_NAMES = {
    "attention_output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
    "output_norm": "output.LayerNorm",
}


def _pair(name: str, tensors: "_Tensors", source: str) -> dict[str, Tensor]:
    return {f"{name}.{kind}": tensors[f"{source}.{kind}"] for kind in ("weight", "bias")}


class _Tensors:
    """Tensors of an open safetensors file by their ``BertModel`` names, whatever the prefix."""

    def __init__(self, file: Any) -> None:
        self._file = file
        names = list(file.keys())
        self._prefix = "bert." if any(name.startswith("bert.") for name in names) else ""

    def stored(self, name: str) -> Tensor:
        """Give the tensor as stored: mapped from the file, in the file's type."""
        tensor: Tensor = self._file.get_tensor(self._prefix + name)
        return tensor

    def __getitem__(self, name: str) -> Tensor:
        return self.stored(name).float()
