"""Wordings with slots: one pattern both writes a sentence and reads it back.

``wave[ to the {person}] with {hand}[ {count}]``: a slot stands in braces; what stands in brackets
appears only if the slot in it has a value.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

PHRASES: dict[str, dict[str, str]] = {
    "hand": {"left": "the left hand", "right": "the right hand", "both": "both hands"},
    "leg": {"left": "the left leg", "right": "the right leg"},
    "way": {"left": "left", "right": "right"},
    "count": {
        "1": "once",
        "2": "twice",
        "3": "three times",
        "4": "four times",
        "5": "five times",
        "10": "ten times",
    },
    "seconds": {
        "2": "for two seconds",
        "3": "for three seconds",
        "5": "for five seconds",
        "10": "for ten seconds",
        "20": "for twenty seconds",
    },
    "on": {"on": "on", "in": "in", "at": "at"},
}
"""Slots that are no nouns: value -> its words."""
_SPLIT = re.compile(r"(\[[^\]]*\]|\{\w+\})")
_SLOT = re.compile(r"\{(\w+)\}")


def plain(text: str) -> str:
    """Lower-case words with single spaces and no full stop at the end."""
    return " ".join(text.lower().split()).rstrip(" .!?;,")


@dataclass(frozen=True)
class Wording:
    """One pattern with slots."""

    pattern: str
    optional: frozenset[str] = field(init=False)
    """Slots that stand in brackets."""

    def __post_init__(self) -> None:
        brackets = re.findall(r"\[([^\]]*)\]", self.pattern)
        names = (name for part in brackets for name in _SLOT.findall(part))
        object.__setattr__(self, "optional", frozenset(names))

    @cached_property
    def slots(self) -> tuple[str, ...]:
        """Names of all slots, in their order."""
        return tuple(_SLOT.findall(self.pattern))

    def write(self, values: Mapping[str, str]) -> str:
        """The sentence; slots of brackets may lack a value."""
        parts = []
        for part in _SPLIT.split(self.pattern):
            inner = part[1:-1] if part.startswith("[") else part
            names = _SLOT.findall(inner)
            if part.startswith("[") and any(name not in values for name in names):
                continue
            parts.append(_SLOT.sub(lambda found: _words(found[1], values[found[1]]), inner))
        return "".join(parts)

    def read(self, text: str) -> dict[str, str] | None:
        """Values of the slots, or None if the text is not of this pattern."""
        found = self._regex.fullmatch(text)
        if found is None:
            return None
        given = {name: words for name, words in found.groupdict().items() if words is not None}
        return {name: _value(name, words) for name, words in given.items()}

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        parts = []
        for part in _SPLIT.split(self.pattern):
            if part.startswith("["):
                parts.append(f"(?:{_open(part[1:-1])})?")
            else:
                parts.append(_open(part))
        return re.compile("".join(parts))


def _open(part: str) -> str:
    pieces = re.split(r"(\{\w+\})", part)
    return "".join(_group(p[1:-1]) if p.startswith("{") else re.escape(p) for p in pieces)


def _group(slot: str) -> str:
    choices = "|".join(PHRASES[slot].values()) if slot in PHRASES else "[a-z]+"
    return f"(?P<{slot}>{choices})"


def _words(slot: str, value: str) -> str:
    return PHRASES[slot][value] if slot in PHRASES else value


def _value(slot: str, words: str) -> str:
    if slot not in PHRASES:
        return words
    return next(value for value, phrase in PHRASES[slot].items() if phrase == words)
