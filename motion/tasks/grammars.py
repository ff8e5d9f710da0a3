"""What an answer must look like while it is written: numbered steps, or one short phrase.

A grammar judges texts; ``token_rule`` turns it into the rule on tokens that the writer obeys. From
every text that a grammar lets begin, some text that it lets end can be reached.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from motion.language.writing import TokenRule

MOST_STEPS = 5
"""Steps of a plan (AvatarGPT, arXiv 2311.16468, section 4.1)."""
MOST_STEP_WORDS = 10
"""Words of a step, from the same place."""
MOST_PHRASE_WORDS = 20
"""Words of a task or scene, from the same place."""
LONGEST_WORD = 24
"""Characters; of a longer word nobody would know how to move."""
_NUMBER = r"(?!\d+\.)"
"""A number with a dot counts steps; it is no word."""
_LABEL = r"(?!\S*Response)"
"""The prompt's last label: all that can be copied of a prompt that came in as sentence states."""
_LETTERS = r"[^\W_]+(?:['\u2019-][^\W_]+)*"
_WORD = re.compile(rf"{_NUMBER}{_LABEL}{_LETTERS}[,.;:!?]?")
_WORD_BEGUN = re.compile(rf"{_NUMBER}{_LABEL}{_LETTERS}['\u2019,.;:!?-]?")


@runtime_checkable
class TextGrammar(Protocol):
    """Says which texts may be written."""

    def begins(self, text: str) -> bool:
        """Whether a text of the grammar may begin like this."""

    def ends(self, text: str) -> bool:
        """Whether this is a whole text of the grammar."""


@dataclass(frozen=True, kw_only=True)
class PhraseGrammar:
    """A few words on one line."""

    most_words: int = MOST_PHRASE_WORDS

    def begins(self, text: str) -> bool:
        """Whether a phrase may begin like this."""
        *words, last = text.split(" ")
        return len(words) < self.most_words and all(map(_is_word, words)) and _begins_word(last)

    def ends(self, text: str) -> bool:
        """Whether this is a whole phrase."""
        words = text.split(" ")
        return all(map(_is_word, words)) and len(words) <= self.most_words


@dataclass(frozen=True, kw_only=True)
class StepsGrammar:
    """``1. ... 2. ... 3. ...`` on one line, counted from one."""

    most_steps: int = MOST_STEPS
    most_words: int = MOST_STEP_WORDS
    """Of each step."""

    def begins(self, text: str) -> bool:
        """Whether a plan may begin like this."""
        *words, last = text.split(" ")
        place = self._read(words)
        if place is None:
            return False
        number, count = place
        may_count = number < self.most_steps and (number == 0 or count > 0)
        if may_count and f"{number + 1}.".startswith(last):
            return True
        return number > 0 and count < self.most_words and _begins_word(last)

    def ends(self, text: str) -> bool:
        """Whether this is a whole plan."""
        place = self._read(text.split(" "))
        return place is not None and min(place) > 0

    def _read(self, words: Sequence[str]) -> tuple[int, int] | None:
        """Number of the last step and how many words it has; None if this is no plan."""
        number = count = 0
        for word in words:
            if word == f"{number + 1}." and number < self.most_steps and (count or not number):
                number, count = number + 1, 0
            elif number and count < self.most_words and _is_word(word):
                count += 1
            else:
                return None
        return number, count


def token_rule(grammar: TextGrammar, texts: Sequence[str | None], end: int) -> TokenRule:
    """The rule that a grammar is for tokens.

    Args:
        grammar: Of the answer.
        texts: Text of each piece, by id; None where it has none of its own.
        end: Id of the token that ends an answer.
    """

    def rule(answer: Sequence[int], token: int) -> bool:
        text = "".join(texts[piece] or "" for piece in answer)
        if token == end:
            return grammar.ends(text)
        piece = texts[token] if token < len(texts) else None
        return bool(piece) and grammar.begins(text + str(piece))

    return rule


def piece_texts(text_pieces: Any, count: int) -> tuple[str | None, ...]:
    """Text of each piece of a tokenizer; None for one that is only a part of a letter."""
    found = (text_pieces.decode([piece]) for piece in range(count))
    return tuple(None if "\ufffd" in text else text for text in found)


def _is_word(text: str) -> bool:
    return len(text) <= LONGEST_WORD and _WORD.fullmatch(text) is not None


def _begins_word(text: str) -> bool:
    if not text:
        return True
    longest = LONGEST_WORD - (text[-1] in "'\u2019-")  # these want a letter behind them
    return len(text) <= longest and _WORD_BEGUN.fullmatch(text) is not None
