"""English sentences from verb phrases such as "[raise] {poss} {side} hand and [lower] it"."""

import re
from functools import cache
from typing import Literal

Form = Literal["simple", "progressive", "imperative", "gerund"]

_VERB = re.compile(r"\[([a-z]+)\]")
_DOUBLED = frozenset(
    (
        "bob",
        "chop",
        "clap",
        "cut",
        "drag",
        "drop",
        "get",
        "grab",
        "hit",
        "hop",
        "hug",
        "jab",
        "jog",
        "let",
        "nod",
        "plod",
        "put",
        "run",
        "set",
        "shrug",
        "sit",
        "skip",
        "slip",
        "spin",
        "spot",
        "stab",
        "step",
        "stop",
        "strut",
        "swim",
        "tap",
        "tip",
        "trot",
        "wag",
    )
)
"""Verbs that double their last letter before -ing."""

_FULL_VERB_PLURAL = frozenset({"they"})
_POSSESSIVE = {"he": "his", "she": "her", "they": "their", "the figure": "its"}
_HIS = re.compile(r"\b(man|guy)\b")
_HER = re.compile(r"\b(woman|lady)\b")


def third_person(verb: str) -> str:
    """Conjugate for he, she, it."""
    if verb.endswith(("s", "x", "z", "ch", "sh", "o")):
        return verb + "es"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"


def gerund(verb: str) -> str:
    """Give the -ing form."""
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe")):
        return verb[:-1] + "ing"
    if verb in _DOUBLED:
        return verb + verb[-1] + "ing"
    return verb + "ing"


def possessive(subject: str, form: Form) -> str:
    """Possessive pronoun that fits a subject."""
    if form == "imperative":
        return "your"
    if _HIS.search(subject):
        return "his"
    if _HER.search(subject):
        return "her"
    return _POSSESSIVE.get(subject, "their")


def allows_ing(phrase: str) -> bool:
    """Tell whether a phrase may be used in -ing forms."""
    return not phrase.startswith("~")


def sentence(phrase: str, subject: str, form: Form) -> str:
    """Put a phrase with its subject; other slots than {poss} stay as they are."""
    plural = subject in _FULL_VERB_PLURAL
    text = phrase.removeprefix("~")
    for verb in _VERB.findall(text):
        text = text.replace(f"[{verb}]", _conjugated(verb, form, plural=plural))
    text = text.replace("{poss}", possessive(subject, form))
    link = ("are " if plural else "is ") if form == "progressive" else ""
    return f"{subject} {link}{text}" if subject else text


@cache
def _conjugated(verb: str, form: Form, *, plural: bool) -> str:
    if form in ("progressive", "gerund"):
        return gerund(verb)
    return verb if form == "imperative" or plural else third_person(verb)
