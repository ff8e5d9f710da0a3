"""Overlap of captions against counts by hand, COCO's numbers and meanings of a tiny encoder."""

import math
from collections import Counter
from fractions import Fraction

import pytest
import torch
from made_checkpoints import write_encoder

from motion.conditioners.text import TextEncoder
from motion.errors import RequestError
from motion.evaluate.text_metrics import (
    best_cosine,
    bleu,
    bleu_counts,
    bleu_of,
    cider,
    cider_each,
    embedding_scores_each,
    embedding_similarity,
    greedy_match,
    mean_scores,
    rouge_l,
    rouge_l_each,
    text_scores,
)

FOUND = [
    "a person walks forward and turns left",
    "the man jumps twice",
    "someone sits down slowly",
]
REFERENCES = [
    ["a person walks forward then turns left", "a man walks and turns to the left"],
    ["a man jumps two times"],
    ["someone slowly sits down", "a person sits down on a chair", "somebody sits"],
]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> TextEncoder:
    return TextEncoder.load(write_encoder(tmp_path_factory.mktemp("encoder")))


def grams(text: str, n: int) -> Counter[tuple[str, ...]]:
    words = text.split()
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def counted_bleu(most: int) -> float:
    precision, length, wanted = 1.0, 0, 0
    for text, rows in zip(FOUND, REFERENCES, strict=True):
        sizes = [len(row.split()) for row in rows]
        length += len(text.split())
        wanted += min(sizes, key=lambda size: abs(size - len(text.split())))
    for n in range(1, most + 1):
        hits, total = 0, 0
        for text, rows in zip(FOUND, REFERENCES, strict=True):
            for gram, count in grams(text, n).items():
                hits += min(count, max(grams(row, n)[gram] for row in rows))
                total += count
        precision *= float(Fraction(hits, total)) ** (1 / most)
    return precision * min(1.0, math.exp(1 - wanted / length))


def longest(a: list[str], b: list[str]) -> int:
    if not a or not b:
        return 0
    if a[-1] == b[-1]:
        return longest(a[:-1], b[:-1]) + 1
    return max(longest(a[:-1], b), longest(a, b[:-1]))


def test_bleu_agrees_with_counting():
    assert bleu(FOUND, REFERENCES) == pytest.approx(
        [counted_bleu(n) for n in (1, 2, 3, 4)], rel=1e-6
    )


def test_rouge_agrees_with_the_definition():
    best = []
    for text, rows in zip(FOUND, REFERENCES, strict=True):
        scores = []
        for row in rows:
            a, b = text.split(), row.split()
            scores.append(2 * longest(a, b) / (len(a) + len(b)))  # F1 = 2 lcs / (m + n)
        best.append(max(scores))
    assert rouge_l(FOUND, REFERENCES) == pytest.approx(sum(best) / 3, rel=1e-6)


def test_cider_agrees_with_coco():
    # tylin/coco-caption's CiderScorer (package pycocoevalcap 1.2) on the same words
    assert cider(FOUND, REFERENCES) == pytest.approx(2.43870455427496, rel=1e-9)


def test_the_reference_itself_is_the_best_caption():
    same = [rows[0] for rows in REFERENCES]
    scores = text_scores(same, [[text] for text in same])
    assert scores.bleu == pytest.approx((1, 1, 1, 1))
    assert scores.rouge_l == pytest.approx(1)
    assert scores.cider == pytest.approx(10)
    assert (scores.num_captions, scores.references_each) == (3, (1, 1))
    assert text_scores(FOUND, REFERENCES).references_each == (1, 3)


def test_order_of_captions_and_case_do_not_matter():
    here = text_scores(FOUND, REFERENCES)
    there = text_scores([text.upper() + "." for text in FOUND[::-1]], REFERENCES[::-1])
    assert there.bleu == pytest.approx(here.bleu)
    assert there.rouge_l == pytest.approx(here.rouge_l)
    assert there.cider == pytest.approx(here.cider)


@pytest.mark.parametrize("found", ["", "!", "zebra"])
def test_captions_without_anything_in_common_score_zero(found):
    scores = text_scores([found] * 2, [["a man walks"], ["a man sits"]])
    assert scores.bleu == (0, 0, 0, 0)
    assert scores.rouge_l == 0
    assert scores.cider == 0
    assert text_scores(["a man"], [[""]]).cider == 0


def test_missing_references_are_named():
    with pytest.raises(RequestError, match=r"number \[1\] \(from 0\) have no reference"):
        text_scores(["a", "b"], [["a"], []])
    with pytest.raises(RequestError, match="got 1 captions and 2 sets"):
        cider(["a"], [["a"], ["b"]])


def test_best_cosine_by_hand():
    references = torch.tensor([[0.0, 5.0], [3.0, 4.0]])
    assert best_cosine(torch.tensor([2.0, 0.0]), references) == pytest.approx(0.6)
    assert best_cosine(torch.zeros(2), references) == 0


def test_greedy_match_by_hand():
    east, north = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0])
    precision, recall, f1 = greedy_match(torch.stack([east]), torch.stack([east, north]))
    assert (precision, recall) == (1.0, 0.5)
    assert f1 == pytest.approx(2 / 3)
    assert greedy_match(east[None], north[None]) == (0.0, 0.0, 0.0)
    assert greedy_match(torch.zeros(0, 2), east[None]) == (0.0, 0.0, 0.0)
    assert greedy_match(torch.zeros(1, 2), east[None]) == (0.0, 0.0, 0.0)


def test_meanings_of_the_same_text_are_the_same(encoder):
    same = [rows[0] for rows in REFERENCES]
    scores = embedding_similarity(encoder, same, REFERENCES)
    assert scores.cosine == pytest.approx(1, abs=1e-5)
    assert scores.precision == scores.recall == pytest.approx(1, abs=1e-5)
    assert scores.rescaled_f1 == pytest.approx(1, abs=1e-4)
    assert scores.shuffled_cosine < 0.9


def test_meanings_are_numbers_and_do_not_depend_on_company(encoder):
    scores = embedding_similarity(encoder, FOUND, REFERENCES)
    for name in ("cosine", "shuffled_cosine"):
        assert -1 <= getattr(scores, name) <= 1
    assert 0 <= scores.f1 <= 1
    turned = embedding_similarity(encoder, FOUND[::-1], REFERENCES[::-1])
    assert turned.cosine == pytest.approx(scores.cosine, abs=1e-5)
    assert turned.f1 == pytest.approx(scores.f1, abs=1e-5)
    alone = embedding_similarity(encoder, FOUND[:1], [REFERENCES[0][:1]])
    assert math.isfinite(alone.cosine)


def test_bleu_of_counts_is_that_of_torchmetrics():
    score = pytest.importorskip("torchmetrics.functional.text").bleu_score
    counts = bleu_counts(FOUND, REFERENCES)
    for rows in ([0, 1, 2], [0, 0, 2], [1], [2, 0]):
        ours = bleu_of(counts[rows])
        texts, truth = [FOUND[k] for k in rows], [REFERENCES[k] for k in rows]
        theirs = [float(score(texts, truth, n_gram=n)) for n in (1, 2, 3, 4)]
        assert ours == pytest.approx(theirs, abs=1e-6)
    assert bleu_of(bleu_counts([""], [["a person"]])) == (0, 0, 0, 0)


def test_values_of_each_caption_average_to_the_whole(encoder: TextEncoder):
    rouge, consensus = rouge_l_each(FOUND, REFERENCES), cider_each(FOUND, REFERENCES)
    assert rouge[1] == rouge_l(FOUND[1:2], REFERENCES[1:2])
    assert sum(rouge) / 3 == pytest.approx(rouge_l(FOUND, REFERENCES))
    assert sum(consensus) / 3 == pytest.approx(cider(FOUND, REFERENCES))
    each = embedding_scores_each(encoder, FOUND, REFERENCES)
    whole = embedding_similarity(encoder, FOUND, REFERENCES)
    assert mean_scores(each) == whole
    assert sum(one.cosine for one in each) / 3 == pytest.approx(whole.cosine)


def test_several_systems_are_measured_at_once(encoder: TextEncoder):
    """References that come again move no mean, so each system scores as if alone."""
    other = ["a dog barks", "the man jumps", "somebody sits"]
    both = embedding_scores_each(encoder, [*FOUND, *other], REFERENCES * 2)
    alone = embedding_scores_each(encoder, other, REFERENCES)
    for one, two in zip(both[3:], alone, strict=True):
        assert one.cosine == pytest.approx(two.cosine, abs=1e-4)
        assert one.f1 == pytest.approx(two.f1, abs=1e-4)
