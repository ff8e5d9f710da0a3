"""Copying from the payload: a mixture of two distributions, and names that were never seen."""

import torch
from made_models import make_language_model

from motion.language.copying import CopyHead

HIDDEN, WORDS = 24, 40


def make_source(head: CopyHead, table: torch.nn.Embedding, pieces: torch.Tensor, real: int):
    mask = torch.arange(pieces.shape[1])[None] < real
    return head.source(table(pieces), pieces, mask.expand(len(pieces), -1))


def test_shares_add_up_and_nothing_is_copied_from_nothing():
    torch.manual_seed(0)
    head, table = CopyHead(HIDDEN), torch.nn.Embedding(WORDS, HIDDEN)
    hidden, logits = torch.randn(2, 3, HIDDEN), torch.randn(2, 3, WORDS)
    pieces = torch.randint(WORDS, (2, 6))
    for real in (6, 2, 0):
        found = head(hidden, logits, make_source(head, table, pieces, real))
        assert torch.allclose(found.exp().sum(-1), torch.ones(2, 3), atol=1e-4)
        assert torch.isfinite(found).all()
        gained = found - logits.log_softmax(-1) > 0.01
        for row in range(2):
            copied = set(gained[row].any(0).nonzero()[:, 0].tolist())
            assert copied <= set(pieces[row, :real].tolist())


def test_padding_is_not_read():
    torch.manual_seed(1)
    head, table = CopyHead(HIDDEN), torch.nn.Embedding(WORDS, HIDDEN)
    hidden, logits = torch.randn(1, 2, HIDDEN), torch.randn(1, 2, WORDS)
    pieces = torch.randint(WORDS, (1, 4))
    short = head(hidden, logits, make_source(head, table, pieces, 4))
    longer = torch.cat([pieces, torch.randint(WORDS, (1, 3))], dim=1)
    assert torch.allclose(short, head(hidden, logits, make_source(head, table, longer, 4)))


def test_words_that_training_never_had_are_copied():
    """Answer: the piece after the mark 0. Trained on pieces 1-19, tested on 20-39."""
    torch.manual_seed(2)
    head, table = CopyHead(HIDDEN), torch.nn.Embedding(WORDS, HIDDEN)
    table.requires_grad_(requires_grad=False)
    hidden, logits = torch.zeros(64, 1, HIDDEN), torch.zeros(64, 1, WORDS)
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-2)

    def right_share(low: int, high: int) -> tuple[torch.Tensor, float]:
        pieces = torch.randint(low, high, (64, 6))
        place = torch.randint(0, 5, (64,))
        pieces[torch.arange(64), place] = 0
        target = pieces[torch.arange(64), place + 1]
        found = head(hidden, logits, make_source(head, table, pieces, 6))[:, 0]
        right = float((found.argmax(-1) == target).float().mean())
        return torch.nn.functional.nll_loss(found, target), right

    for _ in range(150):
        optimizer.zero_grad()
        right_share(1, 20)[0].backward()
        optimizer.step()
    with torch.no_grad():
        assert right_share(20, 40)[1] > 0.9


def test_a_model_copies_what_it_reads():
    model = make_language_model()
    assert model.copying.gate.bias.item() < 0
    assert {n for n, _ in model.named_parameters() if n.startswith("copying.")}
