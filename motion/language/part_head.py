"""Predicts all codes of one motion step in order; each stream sees the codes chosen before it.

Axes: S streams (part x level); H backbone width; C width of the head; N codebook rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from motion.language.vocabulary import Stream


@dataclass(frozen=True, kw_only=True)
class PartHeadConfig:
    """Sizes of the part head."""

    width: int = 256
    """Channels."""
    expansion: int = 2
    """Hidden channels of each stream's network, in widths."""
    dropout: float = 0.1
    """Between the two layers."""


class StreamNetwork(nn.Module):
    """One stream's own view of the step and its output rows."""

    def __init__(self, config: PartHeadConfig, num_codes: int) -> None:
        super().__init__()
        width = config.width
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, config.expansion * width)
        self.down = nn.Linear(config.expansion * width, width)
        self.drop = nn.Dropout(config.dropout)
        self.out_norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, num_codes)

    def forward(self, state: Float[Tensor, "*batch C"]) -> Float[Tensor, "*batch N"]:
        """Logits over the stream's codebook."""
        hidden = self.down(self.drop(nn.functional.gelu(self.up(self.norm(state)))))
        logits: Tensor = self.out(self.out_norm(state + hidden))
        return logits


class PartHead(nn.Module):
    """From a position's state to the codes of a step."""

    def __init__(
        self,
        hidden_size: int,
        condition_dim: int,
        streams: tuple[Stream, ...],
        config: PartHeadConfig,
    ) -> None:
        super().__init__()
        self.read = nn.Linear(hidden_size, config.width)
        self.read_condition = nn.Linear(condition_dim, config.width)
        self.told = nn.ModuleList(
            nn.Linear(stream.code_dim, config.width, bias=False) for stream in streams[:-1]
        )
        self.streams = nn.ModuleList(StreamNetwork(config, s.codebook_size) for s in streams)

    def forward(
        self,
        hidden: Float[Tensor, "B L H"],
        condition: Float[Tensor, "B 1 E"],
        vectors: list[Float[Tensor, "B L D"]],
    ) -> list[Float[Tensor, "B L N"]]:
        """Logits of all streams with the true code vectors of the step (teacher forcing)."""
        state = self.read(hidden) + self.read_condition(condition)
        logits = []
        for index, network in enumerate(self.streams):
            logits.append(network(state))
            if index < len(self.told):
                state = state + self.told[index](vectors[index])
        return logits

    def choose(
        self,
        hidden: Float[Tensor, "B H"],
        condition: Float[Tensor, "B E"],
        tables: list[Float[Tensor, "N C"]],
        pick: Callable[[int, Float[Tensor, "B N"]], Int[Tensor, " B"]],
    ) -> Int[Tensor, "B S"]:
        """Choose the codes of a step one stream after the other.

        Args:
            hidden: Backbone state of the position.
            condition: Pooled condition.
            tables: ``told_tables`` of the codebooks.
            pick: Given stream and logits, says which code to take; it may force one.
        """
        state = self.read(hidden) + self.read_condition(condition)
        chosen = []
        for index, network in enumerate(self.streams):
            code = pick(index, network(state))
            chosen.append(code)
            if index < len(tables):
                state = state + tables[index][code]
        return torch.stack(chosen, dim=-1)

    def told_tables(self, codebooks: list[Float[Tensor, "N D"]]) -> list[Float[Tensor, "N C"]]:
        """What each code of each stream tells the streams after it."""
        pairs = zip(self.told, codebooks[:-1], strict=True)
        return [layer(book) for layer, book in pairs]
