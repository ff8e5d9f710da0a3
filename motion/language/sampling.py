"""From logits to a choice: greedy, temperature, top-k, top-p, guidance, one generator a request."""

from dataclasses import dataclass
from math import isfinite

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motion.errors import RequestError


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """How codes are chosen."""

    temperature: float = 0.9
    """Divides the logits; 0 means greedy."""
    top_k: int = 40
    """Choose among this many likeliest codes; 0: all."""
    top_p: float = 1.0
    """Choose among the likeliest codes that hold this share of the probability."""
    guidance: float = 2.0
    """Classifier-free guidance: 1 trusts the condition as it is, more follows it more strictly."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if not isfinite(self.temperature) or self.temperature < 0:
            raise RequestError(f"temperature must be 0 or more, got {self.temperature}")
        if self.top_k < 0 or not 0 < self.top_p <= 1:
            raise RequestError(f"need top_k >= 0 and 0 < top_p <= 1: {self.top_k}, {self.top_p}")
        if not isfinite(self.guidance) or self.guidance < 0:
            raise RequestError(f"guidance must be 0 or more, got {self.guidance}")


def guide(logits: Float[Tensor, "rows N"], guidance: float, guided: bool) -> Float[Tensor, "B N"]:
    """Combine conditioned rows (first half) and free rows (second half) when ``guided``."""
    if not guided:
        return logits
    with_condition, without = logits.chunk(2)
    return without + guidance * (with_condition - without)


def sample(
    logits: Float[Tensor, "B N"], config: SamplingConfig, generators: list[torch.Generator]
) -> Int[Tensor, " B"]:
    """Choose one entry a row; each row has its own generator, so batches equal single runs."""
    if config.temperature == 0:
        return logits.argmax(-1)
    logits = logits.float() / config.temperature
    if 0 < config.top_k < logits.shape[-1]:
        floor = logits.topk(config.top_k, dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < floor, -torch.inf)
    share = torch.softmax(logits, dim=-1)
    if config.top_p < 1:
        share = _nucleus(share, config.top_p)
    rows = [
        torch.multinomial(row, 1, generator=generator)
        for row, generator in zip(share, generators, strict=True)
    ]
    return torch.cat(rows)


def _nucleus(share: Float[Tensor, "B N"], top_p: float) -> Float[Tensor, "B N"]:
    ordered, place = share.sort(dim=-1, descending=True)
    before = ordered.cumsum(-1) - ordered
    kept = torch.where(before < top_p, ordered, torch.zeros_like(ordered))
    return torch.zeros_like(share).scatter(-1, place, kept)
