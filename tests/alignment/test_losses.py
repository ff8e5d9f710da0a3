from math import log

import pytest
import torch
from torch.nn import functional as F

from motion.alignment import AlignmentLossConfig, contrastive_loss, negatives, semantic_loss
from motion.errors import ConfigError

NONE = torch.zeros(3, 3, dtype=torch.bool)


def test_identical_captions_are_no_negatives():
    described = NONE.clone()
    described[0, 1] = described[1, 0] = True
    found = negatives(torch.eye(3), described, NONE, 0.9)
    assert found.tolist() == [[False, False, True], [False, False, True], [True, True, False]]


def test_alike_texts_are_no_negatives_unless_opposed():
    similarity = torch.tensor([[1.0, 0.95, 0.3], [0.95, 1.0, 0.2], [0.3, 0.2, 1.0]])
    assert not negatives(similarity, NONE, NONE, 0.9)[0, 1]
    assert negatives(similarity, NONE, NONE, 0.96)[0, 1]
    opposed = NONE.clone()
    opposed[0, 1] = opposed[1, 0] = True
    assert negatives(similarity, NONE, opposed, 0.9)[0, 1]


def test_removed_negatives_do_not_count():
    """Against the formula, written out; and moving a removed motion changes nothing."""
    generator = torch.Generator().manual_seed(0)
    text, motion = (F.normalize(torch.randn(3, 8, generator=generator), dim=-1) for _ in range(2))
    negative = torch.tensor([[0, 0, 1], [1, 0, 1], [1, 1, 0]], dtype=torch.bool)
    scale = torch.tensor(5.0)
    exp = torch.exp(scale * text @ motion.T)
    keep = (negative | torch.eye(3, dtype=torch.bool)).float()
    rows = -(exp.diagonal() / (exp * keep).sum(1)).log().mean()
    columns = -(exp.diagonal() / (exp * keep).sum(0)).log().mean()
    found = contrastive_loss(text, motion, scale, negative)
    torch.testing.assert_close(found, (rows + columns) / 2)


def test_pairs_without_any_negative_cost_nothing():
    same = F.normalize(torch.ones(2, 4), dim=-1)
    nothing = torch.zeros(2, 2, dtype=torch.bool)
    assert contrastive_loss(same, same, torch.tensor(10.0), nothing) == pytest.approx(0)
    everything = ~torch.eye(2, dtype=torch.bool)
    found = contrastive_loss(same, same, torch.tensor(10.0), everything)
    assert float(found) == pytest.approx(log(2))


def test_semantic_term_moves_the_signal_only():
    text = F.normalize(torch.randn(3, 8), dim=-1).requires_grad_()
    motion = F.normalize(torch.randn(3, 8), dim=-1).requires_grad_()
    semantic_loss(text, motion).backward()
    assert text.grad is not None
    assert text.grad.abs().sum() > 0
    assert motion.grad is None
    assert float(semantic_loss(text, text).detach()) == pytest.approx(0, abs=1e-6)


def test_impossible_weights_are_refused():
    with pytest.raises(ConfigError, match="similar"):
        AlignmentLossConfig(similar=1.5)
    with pytest.raises(ConfigError, match="semantic_weight"):
        AlignmentLossConfig(semantic_weight=-1)
