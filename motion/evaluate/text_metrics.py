"""How near written captions are to the references: BLEU, ROUGE-L, CIDEr, embedding similarity.

ROUGE-L is computed by torchmetrics, BLEU and CIDEr by us. All three work on ``caption_tokens``;
published tables differ by ten points through tokenization and the number of references alone, so
the protocol of a figure must name both. Scores run from 0 to 1 (tables multiply by 100), CIDEr from
0 to 10; higher is better.

Functions that end in ``_each`` give a value a caption, for paired comparisons.

Axis letters added here: ``N`` captions, ``L M`` tokens of two texts.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from motion.conditioners.text import TextEncoder
from motion.errors import RequestError
from motion.optional import require
from motion.tasks.caption_words import caption_tokens

NGRAMS = 4
CIDER_SCALE = 10.0
_BATCH = 64


@dataclass(frozen=True, kw_only=True)
class TextScores:
    """Overlap of words with the references."""

    num_captions: int
    references_each: tuple[int, int]
    """Fewest and most references of a caption."""
    bleu: tuple[float, float, float, float]
    """BLEU-1 to BLEU-4 of the whole set (not means over captions)."""
    rouge_l: float
    """Mean over captions of the best F1 over the references."""
    cider: float
    """CIDEr, 0 to 10; rests on the references of the whole set."""


@dataclass(frozen=True, kw_only=True)
class EmbeddingScores:
    """Nearness of meaning by a frozen text encoder."""

    cosine: float
    """Mean over captions of the best mean-centred cosine with a reference, -1 to 1."""
    shuffled_cosine: float
    """The same against the references of other captions: what a caption about anything scores."""
    precision: float
    """Mean nearness of the caption's tokens to the nearest of the reference's."""
    recall: float
    """Mean nearness of the reference's tokens to the nearest of the caption's."""
    f1: float
    """Harmonic mean of a caption's precision and recall, of the best reference, averaged."""
    shuffled_f1: float
    """F1 against the references of other captions: the baseline."""

    @property
    def rescaled_f1(self) -> float:
        """F1 with the shuffled one moved to 0, and 1 kept."""
        return (self.f1 - self.shuffled_f1) / max(1 - self.shuffled_f1, 1e-9)


def text_scores(found: Sequence[str], references: Sequence[Sequence[str]]) -> TextScores:
    """Measure all overlaps at once.

    Raises:
        RequestError: No captions, or one without references.
    """
    _check(found, references)
    counts = [len(rows) for rows in references]
    return TextScores(
        num_captions=len(found),
        references_each=(min(counts), max(counts)),
        bleu=bleu(found, references),
        rouge_l=rouge_l(found, references),
        cider=cider(found, references),
    )


def bleu(
    found: Sequence[str], references: Sequence[Sequence[str]]
) -> tuple[float, float, float, float]:
    """BLEU-1 to BLEU-4 of the whole set, without smoothing; a length without any match gives 0.

    Source: Papineni et al., "BLEU" (ACL 2002), with the nearest reference length (of equals the
    first).

    Raises:
        RequestError: No captions, or one without references.
    """
    return bleu_of(bleu_counts(found, references))


def bleu_counts(found: Sequence[str], references: Sequence[Sequence[str]]) -> Float[Tensor, "N 10"]:
    """What BLEU rests on, for each caption, so that sets can be drawn from captions.

    Columns: n-grams of lengths 1 to 4 that a reference has as well (as often as the reference that
    has them most often), all n-grams of lengths 1 to 4, words, words of the nearest reference.

    Raises:
        RequestError: No captions, or one without references.
    """
    _check(found, references)
    rows = []
    for text, others in zip(found, references, strict=True):
        ours, true = _ngrams(text), [_ngrams(other) for other in others]
        best: Counter[tuple[str, ...]] = Counter()
        for grams in true:
            best |= grams
        shared = _by_length(ours & best)
        words, lengths = _by_length(ours), [_by_length(grams)[0] for grams in true]
        nearest = min(lengths, key=lambda length: abs(length - words[0]))
        rows.append([*shared, *words, words[0], nearest])
    return torch.tensor(rows, dtype=torch.float64)


def bleu_of(counts: Float[Tensor, "N 10"]) -> tuple[float, float, float, float]:
    """BLEU-1 to BLEU-4 of the captions whose ``bleu_counts`` are given."""
    total = counts.sum(0).tolist()
    words, wanted = total[2 * NGRAMS :]
    brevity = 1.0 if words >= wanted else math.exp(1 - wanted / words) if words else 0.0
    scores, product = [], 1.0
    for n in range(NGRAMS):
        product *= total[n] / total[NGRAMS + n] if total[NGRAMS + n] else 0.0
        scores.append(brevity * product ** (1 / (n + 1)))
    first, second, third, fourth = scores
    return first, second, third, fourth


def rouge_l(found: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Mean over captions of the best F1 of the longest common subsequence with a reference.

    Source: Lin, "ROUGE" (2004), section 3, with beta = 1 as in google-research/rouge; COCO's code
    has beta = 1.2 and takes best precision and best recall apart.

    Raises:
        RequestError: No captions, or one without references.
    """
    return _mean(rouge_l_each(found, references))


def rouge_l_each(found: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """ROUGE-L of each caption; see ``rouge_l``."""
    _check(found, references)
    score = require("torchmetrics.functional.text.rouge").rouge_score
    settings = {"accumulate": "best", "normalizer": str, "tokenizer": str.split}
    return [
        float(score([text], [rows], **settings, rouge_keys="rougeL")["rougeL_fmeasure"])
        for text, rows in zip(_joined(found), map(_joined, references), strict=True)
    ]


def cider(found: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """CIDEr: mean cosine of tf-idf vectors of 1- to 4-grams with the references, times 10.

    Source: Vedantam et al., "CIDEr" (CVPR 2015), equations 1 to 3, in the form of COCO's code
    (tylin/coco-caption pycocoevalcap/cider): counts clipped to the reference's, a Gaussian penalty
    of the length difference (sigma = 6), idf over the reference sets, words as they stand (no
    stemming). With one caption all idf are zero, and so is the score.

    Raises:
        RequestError: No captions, or one without references.
    """
    return _mean(cider_each(found, references))


def cider_each(found: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """CIDEr of each caption, by the idf of the whole set; see ``cider``."""
    _check(found, references)
    ours = [_ngrams(text) for text in found]
    true = [[_ngrams(text) for text in rows] for rows in references]
    seen = Counter(gram for rows in true for gram in set().union(*rows))
    weight = {gram: math.log(len(found)) - math.log(count) for gram, count in seen.items()}
    new = math.log(len(found))
    return [
        CIDER_SCALE * _mean([_cider_pair(caption, one, weight, new) for one in rows])
        for caption, rows in zip(ours, true, strict=True)
    ]


def embedding_similarity(
    encoder: TextEncoder, found: Sequence[str], references: Sequence[Sequence[str]]
) -> EmbeddingScores:
    """Compare meanings; languages may differ if the encoder knows both.

    Cosine: pooled vectors after taking off the mean of all references, since those of e5 all lie
    within a narrow cone. Token matching: after Zhang et al., "BERTScore" (ICLR 2020), equations for
    P, R and F1 without idf, on the encoder's last states (theirs: a chosen layer of RoBERTa), so
    the values are comparable only within one encoder. Shuffled: each caption against the
    references of the next caption; with one caption these are its own. With a single reference in
    all, its centred vector and so the cosine are zero.

    Raises:
        RequestError: No captions, one without references, or an empty text.
    """
    return mean_scores(embedding_scores_each(encoder, found, references))


def embedding_scores_each(
    encoder: TextEncoder, found: Sequence[str], references: Sequence[Sequence[str]]
) -> list[EmbeddingScores]:
    """Compare the meaning of each caption; see ``embedding_similarity``.

    A text that comes several times is encoded once.
    """
    _check(found, references)
    places: dict[str, int] = {}
    rows = [[places.setdefault(t, len(places)) for t in texts] for texts in (found, *references)]
    ours, sets = rows[0], rows[1:]
    pooled, states = _encoded(encoder, list(places))
    centred = pooled - pooled[[place for chosen in sets for place in chosen]].mean(0)
    scores = []
    for index, place in enumerate(ours):
        own = _best(place, sets[index], centred, states)
        other = _best(place, sets[(index + 1) % len(sets)], centred, states)
        scores.append(
            EmbeddingScores(
                cosine=own[0],
                shuffled_cosine=other[0],
                precision=own[1],
                recall=own[2],
                f1=own[3],
                shuffled_f1=other[3],
            )
        )
    return scores


def mean_scores(scores: Sequence[EmbeddingScores]) -> EmbeddingScores:
    """Means over captions."""
    names = [f.name for f in fields(EmbeddingScores)]
    return EmbeddingScores(**{n: _mean([getattr(score, n) for score in scores]) for n in names})


def _encoded(
    encoder: TextEncoder, texts: Sequence[str]
) -> tuple[Float[Tensor, "N D"], list[Float[Tensor, "_ D"]]]:
    """Pooled vector and states of the own tokens of each text, those of like length together."""
    start = _prompt_length(encoder)
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    pooled: dict[int, Tensor] = {}
    states: dict[int, Tensor] = {}
    for first in range(0, len(order), _BATCH):
        chosen = order[first : first + _BATCH]
        condition = encoder.encode([texts[index] for index in chosen])
        for row, index in enumerate(chosen):
            pooled[index] = condition.pooled[row].double()
            states[index] = condition.embedding[row, condition.mask[row]][start:-1].double()
    places = range(len(texts))
    return torch.stack([pooled[index] for index in places]), [states[index] for index in places]


def best_cosine(found: Float[Tensor, " D"], references: Float[Tensor, "M D"]) -> float:
    """Highest cosine of one vector with several; 0 where either has no length."""
    return float(F.cosine_similarity(found[None], references, dim=-1).amax())


def greedy_match(
    found: Float[Tensor, "L D"], truth: Float[Tensor, "M D"]
) -> tuple[float, float, float]:
    """Precision, recall and F1 of matching each token with the nearest of the other text.

    Cosines below zero count as zero; a text without tokens scores 0.
    """
    if len(found) == 0 or len(truth) == 0:
        return 0.0, 0.0, 0.0
    near = (F.normalize(found, dim=-1) @ F.normalize(truth, dim=-1).T).clamp(0, 1)
    precision, recall = float(near.amax(1).mean()), float(near.amax(0).mean())
    total = precision + recall
    return precision, recall, 2 * precision * recall / total if total > 0 else 0.0


def _best(
    caption: int,
    rows: Sequence[int],
    centred: Float[Tensor, "N D"],
    states: Sequence[Float[Tensor, "_ D"]],
) -> tuple[float, float, float, float]:
    cosine = best_cosine(centred[caption], centred[list(rows)])
    matches = [greedy_match(states[caption], states[row]) for row in rows]
    return (cosine, *max(matches, key=lambda match: match[2]))


def _prompt_length(encoder: TextEncoder) -> int:
    """Tokens before the text itself: the opening token and those of the prompt."""
    first, second = encoder.token_ids("a"), encoder.token_ids("7")
    same: Bool[Tensor, " L"] = torch.tensor(
        [a == b for a, b in zip(first[:-1], second[:-1], strict=False)]
    )
    return int(same.long().cumprod(0).sum())


def _joined(texts: Sequence[str]) -> list[str]:
    return [" ".join(caption_tokens(text)) for text in texts]


def _ngrams(text: str) -> Counter[tuple[str, ...]]:
    words = caption_tokens(text)
    return Counter(
        tuple(words[i : i + n]) for n in range(1, NGRAMS + 1) for i in range(len(words) - n + 1)
    )


def _by_length(grams: Counter[tuple[str, ...]]) -> list[int]:
    """How many n-grams of lengths 1 to 4."""
    return [sum(c for gram, c in grams.items() if len(gram) == n) for n in range(1, NGRAMS + 1)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


_LENGTH_SIGMA = 6.0


def _cider_pair(
    found: Counter[tuple[str, ...]],
    truth: Counter[tuple[str, ...]],
    weight: dict[tuple[str, ...], float],
    new: float,
) -> float:
    total = 0.0
    for n in range(1, NGRAMS + 1):
        ours, true = (
            {gram: count * weight.get(gram, new) for gram, count in grams.items() if len(gram) == n}
            for grams in (found, truth)
        )
        inner = sum(
            min(value, true[gram]) * true[gram] for gram, value in ours.items() if gram in true
        )
        size = math.hypot(*ours.values()) * math.hypot(*true.values())
        total += inner / size if size > 0 else 0.0
    return total / NGRAMS * math.exp(-(_gap(found, truth) ** 2) / (2 * _LENGTH_SIGMA**2))


def _gap(found: Counter[tuple[str, ...]], truth: Counter[tuple[str, ...]]) -> int:
    return _by_length(found)[1] - _by_length(truth)[1]


def _check(found: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    if len(found) != len(references) or not found:
        raise RequestError(
            f"expected references for each caption, got {len(found)} captions and "
            f"{len(references)} sets of references"
        )
    bare = [i for i, rows in enumerate(references) if not rows]
    if bare:
        raise RequestError(f"the captions number {bare} (from 0) have no reference")
