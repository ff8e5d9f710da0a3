"""A tiny alignment model and conditions to feed it."""

import pytest
import torch
from made_alignment import TEXT_DIM, make_alignment_model

from motion.alignment import AlignmentModel
from motion.conditioners import Condition


@pytest.fixture
def model() -> AlignmentModel:
    return make_alignment_model()


@pytest.fixture
def condition() -> Condition:
    """Three texts of 5, 3 and 4 tokens."""
    generator = torch.Generator().manual_seed(1)
    lengths = torch.tensor([5, 3, 4])
    mask = torch.arange(5)[None] < lengths[:, None]
    states = torch.randn(3, 5, TEXT_DIM, generator=generator) * mask[..., None]
    pooled = torch.nn.functional.normalize(states.sum(1), dim=-1)
    return Condition(embedding=states, mask=mask, pooled=pooled, rate=None, modality="text")
