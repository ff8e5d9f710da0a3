"""R-precision: how often the right motion comes first among others. Axes: M items; Q pool size."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

POOL_SIZE = 32
"""Guo et al., "Generating Diverse and Natural 3D Human Motions from Text" (CVPR 2022)."""


@dataclass(frozen=True, kw_only=True)
class RPrecision:
    """Share of queries whose partner is among the first, with the protocol beside it."""

    top_1: float
    top_3: float
    pool_size: int
    """Candidates per query; chance is 1 / pool_size and 3 / pool_size."""
    num_queries: int
    num_clips: int
    """Clips the pools were drawn from."""

    def chance(self, k: int) -> float:
        """What guessing reaches among the first ``k``."""
        return min(1.0, k / self.pool_size)


def r_precision(
    texts: Float[Tensor, "M D"],
    motions: Float[Tensor, "M D"],
    same: Bool[Tensor, "M M"],
    *,
    num_pools: int = 50,
    pool_size: int = POOL_SIZE,
    seed: int = 0,
) -> RPrecision:
    """Rank the motions of a pool by a text, and the texts by a motion; mean of both directions.

    Each pool holds clips of which no two are the same by ``same``; every member is a query.

    Args:
        texts: Embeddings of length one.
        motions: Embeddings of length one, row by row of the same pairs.
        same: Pairs that may not share a pool, because one's text describes the other's motion.
        num_pools: How many pools to draw.
        pool_size: Members of a pool; fewer when there are not so many different clips.
        seed: Of the drawing.
    """
    generator = torch.Generator().manual_seed(seed)
    pools = list(_pools(same | same.T, num_pools, pool_size, generator))
    size = min(len(pool) for pool in pools)
    ranks = []
    for pool in (pool[:size] for pool in pools):
        scores = texts[pool] @ motions[pool].T  # (Q, Q)
        own = scores.diagonal()
        ranks += [(scores > own[:, None]).sum(1), (scores > own[None]).sum(0)]
    rank = torch.cat(ranks)
    return RPrecision(
        top_1=float((rank < 1).float().mean()),
        top_3=float((rank < 3).float().mean()),
        pool_size=size,
        num_queries=len(rank),
        num_clips=len(texts),
    )


def _pools(
    same: Bool[Tensor, "M M"], num_pools: int, pool_size: int, generator: torch.Generator
) -> Iterator[Int[Tensor, " Q"]]:
    for _ in range(num_pools):
        allowed = torch.ones(len(same), dtype=torch.bool)
        chosen: list[int] = []
        for index in torch.randperm(len(same), generator=generator).tolist():
            if allowed[index] and len(chosen) < pool_size:
                chosen.append(index)
                allowed &= ~same[index]
        yield torch.tensor(chosen)
