"""Sentences that name several actions in order, taken apart: "a person bows, then waves".

Only words that clearly put one action after another divide a sentence; "and" does not.
"""

import re

CONNECTORS = (
    # English
    r",?\s*(?:and\s+)?(?:then|afterwards|after\s+that|next)\b,?",
    r",?\s*(?:y\s+)?(?:luego|después|a\s+continuación)\b,?",  # Spanish
    r",?\s*(?:et\s+)?(?:puis|ensuite|après\s+quoi)\b,?",  # French
    r"[,，;；]?\s*(?:然后|接着|随后|之后)[,，]?",  # noqa: RUF001 - Chinese punctuation
    r"[、,]?\s*(?:それから|その後|次に)[、,]?",  # Japanese
    r"[،,]?\s*\b(?:ثم|وبعد\s+ذلك|بعد\s+ذلك)\b[،,]?",  # Arabic
    r",?\s*(?:और\s+)?(?:फिर|उसके\s+बाद)(?=\s|,),?",  # Hindi
    r"\s*[;；]",  # noqa: RUF001 - full-width semicolon
)
_DIVIDER = re.compile("|".join(CONNECTORS), re.IGNORECASE)
_OPENING = re.compile(r"^(?:first|primero|d'abord|先|まず|首先|أولا|पहले)\s*,?\s*", re.IGNORECASE)
_LEFT_OVER = " \t\n,.;:，、。;；।،"  # noqa: RUF001 - punctuation of seven languages
LEAST_LETTERS = 2


def split_clauses(text: str) -> tuple[str, ...]:
    """Take a sentence apart where it says "then"; a sentence without such a word stays whole.

    Pieces too short to be an action stay with what comes before them.
    """
    pieces = [piece.strip(_LEFT_OVER) for piece in _DIVIDER.split(text.strip())]
    pieces = [piece for piece in pieces if len(piece) >= LEAST_LETTERS]
    if len(pieces) < 2:
        return (text.strip(),)
    return (_OPENING.sub("", pieces[0]) or pieces[0], *pieces[1:])


def share_steps(num_steps: int, clauses: int) -> tuple[int, ...]:
    """Divide a length among clauses as evenly as it goes; the first ones get what is left over."""
    base, rest = divmod(num_steps, clauses)
    return tuple(base + (index < rest) for index in range(clauses))
