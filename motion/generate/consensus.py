"""Minimum Bayes risk: of several texts the one that agrees most with all that might be said.

Source: Kumar and Byrne, "Minimum Bayes-Risk Decoding for Statistical Machine Translation" (NAACL
2004), equation 3. The gain of a text against another one is the mean F1 of their n-grams of one to
four words, symmetric and defined for short texts as well, unlike a sentence's BLEU.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

from motion.tasks.caption_words import caption_tokens

LONGEST_GRAM = 4
"""Words, as in BLEU-4."""
_KEPT = 8192
"""Texts whose n-grams are remembered: captions of known clips repeat."""


def agreements(texts: Sequence[str], evidence: Mapping[str, float]) -> list[float]:
    """Expected gain of each text, 0 to 1.

    Args:
        texts: To choose from.
        evidence: What might be said, with its probability; the values add up to one.
    """
    return [
        sum(share * text_gain(text, other) for other, share in evidence.items()) for text in texts
    ]


def text_gain(first: str, second: str) -> float:
    """How much of two texts is the same, 0 to 1."""
    gains = []
    for one, other in zip(_grams(first), _grams(second), strict=True):
        both, all_ = sum((one & other).values()), one.total() + other.total()
        if all_:
            gains.append(2 * both / all_)
    return sum(gains) / len(gains) if gains else 0.0


@lru_cache(maxsize=_KEPT)
def _grams(text: str) -> tuple[Counter[tuple[str, ...]], ...]:
    """N-grams by length."""
    words = caption_tokens(text)
    return tuple(
        Counter(tuple(words[place : place + size]) for place in range(len(words) - size + 1))
        for size in range(1, LONGEST_GRAM + 1)
    )
