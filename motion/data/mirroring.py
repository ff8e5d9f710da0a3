"""Say the mirrored thing: exchange left and right in English sentences."""

import re

_PAIRS: tuple[tuple[str, str], ...] = (
    ("left", "right"),
    ("lefts", "rights"),
    ("leftward", "rightward"),
    ("leftwards", "rightwards"),
    ("left-handed", "right-handed"),
    ("clockwise", "counterclockwise"),
)
_SPELLINGS = {"counter-clockwise": "counterclockwise", "anticlockwise": "counterclockwise"}
_OTHER = {a: b for pair in _PAIRS for a, b in (pair, pair[::-1])}
_WORD = re.compile(r"\b(counter-clockwise|left-handed|right-handed|[a-z]+)\b", re.IGNORECASE)
_NOT_A_SIDE = re.compile(r"\b(right (now|away|angles?|after|before)|all right)\b", re.IGNORECASE)


def swap_left_right(text: str) -> str:
    """Exchange left/right and clockwise/counterclockwise; "right away" and the like stay.

    "left" as a verb ("he left") cannot be told from the side and is exchanged; motion captions
    hardly have it.
    """
    kept = [match.span() for match in _NOT_A_SIDE.finditer(text)]

    def exchange(match: re.Match[str]) -> str:
        word = match.group(0)
        if any(start <= match.start() < end for start, end in kept):
            return word
        lower = word.lower()
        other = _OTHER.get(_SPELLINGS.get(lower, lower))
        if other is None:
            return word
        return other.capitalize() if word[0].isupper() else other

    return _WORD.sub(exchange, text)
