"""Frozen text encoders: captions in any language -> ``Condition``."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from motion.conditioners.baking import content_hash
from motion.conditioners.bert import CONFIG_FILE, BertEncoder, is_plain_bert
from motion.conditioners.condition import Condition
from motion.conditioners.e5 import MULTILINGUAL_E5_SMALL, PROMPT_FILE
from motion.conditioners.sources import WeightSource
from motion.errors import RequestError, WeightsError
from motion.optional import require

MAX_TOKENS = 512
"""Longer texts are cut there, silently: no encoder here has more positions."""
_POOLING_FILE = "1_Pooling/config.json"


class Pooling(StrEnum):
    """How token states become one vector per text."""

    MEAN = "mean"
    """Mean over real tokens, then L2 norm 1 (e5, MiniLM, mpnet)."""
    FIRST = "first"
    """State of the first token, then L2 norm 1 (bge and other CLS models)."""
    MODEL = "model"
    """The model's own pooled output, then L2 norm 1 (CLIP)."""


@runtime_checkable
class _States(Protocol):
    """Token ids and mask -> token states, and the model's own pooled vector if it has one."""

    def __call__(
        self, token_ids: Int[Tensor, "B L"], mask: Bool[Tensor, "B L"]
    ) -> tuple[Float[Tensor, "B L D"], Float[Tensor, "B D"] | None]: ...


@dataclass(frozen=True, kw_only=True)
class TextEncoder:
    """A frozen sentence encoder with its tokenizer; build it with ``load``."""

    folder: Path
    dim: int
    """Width of the token states and of the pooled vector."""
    prompt: str
    """Prefix that the model was trained with; its tokens are part of the states."""
    pooling: Pooling
    max_tokens: int
    pad_id: int
    device: torch.device
    tokenizer: Any
    states: _States

    @classmethod
    def load(
        cls,
        source: str | Path | None = None,
        *,
        prompt: str | None = None,
        device: str | torch.device = "cpu",
        progress: bool = True,
    ) -> Self:
        """Load an encoder; plain BERT folders need no transformers and load in a second.

        Args:
            source: A local folder, a hub id, or None for multilingual-e5-small.
            prompt: Prefix of every text; None takes what the folder says, if anything.
            device: Where to compute. On the CPU, plain BERT uses fp16 weights and fp32 sums.
            progress: Whether a first download shows a bar.

        Raises:
            WeightsError: The weights cannot be had, or are not those of a text encoder.
        """
        folder = WeightSource(default=MULTILINGUAL_E5_SMALL, progress=progress).resolve(source)
        device = torch.device(device)
        config = _read_json(folder / CONFIG_FILE)
        if config is None:
            raise WeightsError(f"{folder} has no {CONFIG_FILE}, so it holds no text encoder")
        tokenizer = _load_tokenizer(folder)
        if is_plain_bert(config):
            states, dim, positions = _load_bert(folder, device)
        else:
            states, dim, positions = _load_with_transformers(folder, device)
        return cls(
            folder=folder,
            dim=dim,
            prompt=_default_prompt(folder) if prompt is None else prompt,
            pooling=_pooling(folder, config),
            max_tokens=min(MAX_TOKENS, positions),
            pad_id=_pad_id(folder, config, tokenizer),
            device=device,
            tokenizer=tokenizer,
            states=states,
        )

    @property
    def fingerprint(self) -> str:
        """Hash over everything that decides the features, for caches."""
        parts = (content_hash(self.folder), self.pooling.value, self.prompt)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    def token_ids(self, text: str) -> list[int]:
        """Turn one text into ids, prompt and special tokens included, cut to ``max_tokens``."""
        ids: list[int] = self.tokenizer.encode(self.prompt + text).ids
        if len(ids) > self.max_tokens:
            ids = ids[: self.max_tokens - 1] + ids[-1:]  # the closing token stays
        return ids

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> Condition:
        """Encode texts; those beyond ``max_tokens`` tokens are cut silently.

        Raises:
            RequestError: No text, or one of them is empty.
        """
        if not texts:
            raise RequestError("expected at least one text to encode, got none")
        empty = [index for index, text in enumerate(texts) if not text.strip()]
        if empty:
            raise RequestError(f"the texts number {empty} (from 0) are empty; say what happens")
        rows = [torch.tensor(self.token_ids(text)) for text in texts]
        ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=self.pad_id)
        lengths = torch.tensor([len(row) for row in rows])
        mask = torch.arange(ids.shape[1])[None] < lengths[:, None]  # (B, L)
        ids, mask = ids.to(self.device), mask.to(self.device)
        states, own = self.states(ids, mask)
        states = states.float() * mask[..., None]
        return Condition(
            embedding=states,
            mask=mask,
            pooled=F.normalize(self._pool(states, mask, own), dim=-1),
            rate=None,
            modality="text",
        )

    def _pool(
        self,
        states: Float[Tensor, "B L D"],
        mask: Bool[Tensor, "B L"],
        own: Float[Tensor, "B D"] | None,
    ) -> Float[Tensor, "B D"]:
        if self.pooling is Pooling.FIRST:
            return states[:, 0]
        if self.pooling is Pooling.MODEL and own is not None:
            return own.float()
        return states.sum(dim=1) / mask.sum(dim=1, keepdim=True)


def _read_json(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WeightsError(f"{path} is not valid JSON: {error}") from error
    return values


def _load_tokenizer(folder: Path) -> Any:
    """Load ``tokenizer.json``, without its own truncation and padding."""
    path = folder / "tokenizer.json"
    if path.is_file():
        tokenizer = Tokenizer.from_file(str(path))
    else:
        transformers = require("transformers")
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder).backend_tokenizer
        except (OSError, ValueError, AttributeError) as error:
            raise WeightsError(
                f"{folder} has no tokenizer.json, nor another tokenizer that transformers can "
                f"turn into one ({error})"
            ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _pad_id(folder: Path, config: Mapping[str, Any], tokenizer: Any) -> int:
    """Find the padding id; padding is masked, so any id does where the folder names none."""
    settings = _read_json(folder / "tokenizer_config.json") or {}
    token = settings.get("pad_token")
    token = token["content"] if isinstance(token, dict) else token
    found = tokenizer.token_to_id(token) if token else config.get("pad_token_id")
    return int(found or 0)


def _default_prompt(folder: Path) -> str:
    """Read sentence-transformers' default prompt, if the folder has one."""
    settings = _read_json(folder / PROMPT_FILE) or {}
    name = settings.get("default_prompt_name")
    return str(settings["prompts"][name]) if name else ""


def _pooling(folder: Path, config: Mapping[str, Any]) -> Pooling:
    settings = _read_json(folder / _POOLING_FILE) or {}
    if settings.get("pooling_mode_cls_token"):
        return Pooling.FIRST
    return Pooling.MODEL if str(config.get("model_type")).startswith("clip") else Pooling.MEAN


def _load_bert(folder: Path, device: torch.device) -> tuple[_States, int, int]:
    model = BertEncoder.from_folder(folder, half_linears=device.type == "cpu").to(device)

    def states(
        token_ids: Int[Tensor, "B L"], mask: Bool[Tensor, "B L"]
    ) -> tuple[Float[Tensor, "B L D"], Float[Tensor, "B D"] | None]:
        return model(token_ids, mask), None

    return states, model.config.hidden_size, model.config.max_position_embeddings


def _load_with_transformers(folder: Path, device: torch.device) -> tuple[_States, int, int]:
    """Load any other encoder; of a model with two towers or a decoder, the text encoder."""
    transformers = require("transformers")
    try:
        model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise WeightsError(f"transformers cannot load a text encoder from {folder}: {error}") from (
            error
        )
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    model = getattr(model, "text_model", model).requires_grad_(False).eval().to(device)
    config = model.config.get_text_config()

    def states(
        token_ids: Int[Tensor, "B L"], mask: Bool[Tensor, "B L"]
    ) -> tuple[Float[Tensor, "B L D"], Float[Tensor, "B D"] | None]:
        out = model(input_ids=token_ids, attention_mask=mask.long())
        return out.last_hidden_state, out.get("pooler_output")

    return states, config.hidden_size, getattr(config, "max_position_embeddings", MAX_TOKENS)
