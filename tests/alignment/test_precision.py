import pytest
import torch
from torch.nn import functional as F

from motion.alignment import r_precision


def rows(count: int, width: int = 24, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(count, width, generator=generator), dim=-1)


def test_equal_embeddings_are_always_found():
    found = r_precision(rows(80), rows(80), torch.zeros(80, 80, dtype=torch.bool))
    assert (found.top_1, found.top_3, found.pool_size) == (1.0, 1.0, 32)
    assert found.num_queries == 50 * 32 * 2
    assert found.chance(3) == 3 / 32


def test_unrelated_embeddings_are_found_by_chance():
    found = r_precision(rows(200), rows(200, seed=1), torch.zeros(200, 200, dtype=torch.bool))
    assert found.top_1 == pytest.approx(1 / 32, abs=0.02)
    assert found.top_3 == pytest.approx(3 / 32, abs=0.04)


def test_pools_hold_no_two_clips_that_are_the_same():
    """Ten kinds of four clips with one embedding a kind: pools of ten, everything found."""
    kind = torch.arange(40) // 4
    found = r_precision(rows(10)[kind], rows(10)[kind], kind[:, None] == kind[None])
    assert (found.pool_size, found.top_1) == (10, 1.0)
    assert found.num_clips == 40
