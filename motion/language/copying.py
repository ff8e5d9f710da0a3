"""``CopyHead``: words of the payload that an answer may repeat, whatever they are.

A plan names the things of its scene. A pointer over the payload copies them, so that names come out
right that training never saw. Its keys rest on the payload's own embeddings and their neighbours,
not on the backbone, so that every family of backbones copies alike.

Source: pointer-generator network, See et al. 2017 (arXiv 1704.04368), equations 8 and 9; keys by a
convolution instead of encoder states is ours.
Axes: N pieces of the payload; A tokens of the answer; W rows of the text vocabulary; C width.
"""

from dataclasses import dataclass

import torch
from einops import einsum, rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import log_softmax, logsigmoid

WIDTH = 64
"""C: of queries and keys."""
NEIGHBOURS = 5
"""Pieces that a key looks at, its own in the middle."""
FIRST_GATE = -2.0
"""Logit of copying before training."""
LEAST_SHARE = 1e-9
"""Keeps logarithms finite."""


@dataclass(frozen=True)
class CopySource:
    """What may be copied."""

    keys: Float[Tensor, "B N C"]
    pieces: Int[Tensor, "B N"]
    mask: Bool[Tensor, "B N"]


class CopyHead(nn.Module):
    """Chooses between writing a token and copying one from the payload."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.query = nn.Linear(hidden_size, WIDTH)
        self.key = nn.Conv1d(hidden_size, WIDTH, NEIGHBOURS, padding=NEIGHBOURS // 2)
        self.scale = nn.Parameter(torch.ones(()))
        self.gate = nn.Linear(hidden_size, 1)
        nn.init.zeros_(self.gate.weight)
        nn.init.constant_(self.gate.bias, FIRST_GATE)

    def source(
        self,
        embedded: Float[Tensor, "B N H"],
        pieces: Int[Tensor, "B N"],
        mask: Bool[Tensor, "B N"],
    ) -> CopySource:
        """Keys of a payload.

        Args:
            embedded: Embeddings of its pieces.
            pieces: Their ids.
            mask: Real pieces.
        """
        norm = embedded.square().mean(-1, keepdim=True).sqrt() + 1e-6
        columns = rearrange(embedded / norm * mask[..., None], "B N H -> B H N")
        return CopySource(rearrange(self.key(columns), "B C N -> B N C"), pieces, mask)

    def forward(
        self,
        hidden: Float[Tensor, "B A H"],
        logits: Float[Tensor, "B A W"],
        source: CopySource,
    ) -> Float[Tensor, "B A W"]:
        """Log-probabilities of every token, written or copied.

        Args:
            hidden: Last hidden states.
            logits: Of writing.
            source: What may be copied; where it is empty everything is written.
        """
        written = log_softmax(logits.float(), dim=-1)
        query = self.query(hidden)
        scores = einsum(query, source.keys, "B A C, B N C -> B A N").float()
        scores = scores * self.scale / WIDTH**0.5
        scores = scores.masked_fill(~source.mask[:, None], -torch.inf)
        anything = source.mask.any(1)[:, None, None]
        share = torch.softmax(scores.masked_fill(~anything, 0.0), dim=-1)
        ids = source.pieces[:, None].expand(share.shape)
        copied = torch.zeros_like(written).scatter_add(-1, ids, share)
        gate = self.gate(hidden).float()
        mixed = torch.logaddexp(
            logsigmoid(-gate) + written, logsigmoid(gate) + (copied + LEAST_SHARE).log()
        )
        return torch.where(anything, mixed, written)
