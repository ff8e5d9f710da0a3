"""What texts of an annotation must be like, and executable steps out of captions.

Source of the limits: AvatarGPT (arXiv 2311.16468), section 4.1: at most five steps of ten words,
activities of one sentence, scenes of twenty words. A chat model's talk about itself or about the
film, and questions, are what its authors filter out of such texts.
"""

import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from motion.data.captioning.english import gerund, third_person
from motion.data.captioning.tables import read_table
from motion.generate.caption_pieces import without_subject
from motion.tasks.grammars import (
    LONGEST_WORD,
    MOST_PHRASE_WORDS,
    MOST_STEP_WORDS,
    MOST_STEPS,
)
from motion.tasks.prompts import one_line

MOST_SUMMARY_WORDS = 30
MOST_SCENE_WORDS = MOST_PHRASE_WORDS
MOST_DETAIL_WORDS = 80
"""Words of the description of a clip of ten seconds."""

_QUESTION = re.compile("[?\N{FULLWIDTH QUESTION MARK}\N{ARABIC QUESTION MARK}]")
_META = re.compile(
    r"\b(sorry|apolog\w+|as an ai|language model|i (?:can ?not|can't|am|was|will|would|see|think)"
    r"|unable to|cannot (?:see|tell|determine|say)|not (?:sure|possible to|clear from)"
    r"|the (?:video|image|picture|photo|footage|caption|description|text|prompt|clip)"
    r"|here (?:is|are)|please|note that)\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"(?:^|\s)\d+[.)]\s")
_THEN = re.compile(r",? (?:and )?then |; ", re.IGNORECASE)
_BREAKS = frozenset(
    ("and", "while", "with", "in", "at", "on", "to", "for", "from", "as", "like", "by", "before")
)
"""Words before which a step that is too long may end."""
_BE = frozenset(("is", "are", "was"))


def text_problem(text: str, most_words: int) -> str | None:
    """Say why a text cannot stand in an annotation; None if it can.

    Args:
        text: On one line.
        most_words: How long it may be.
    """
    if not any(map(str.isalpha, text)):
        return "it has no words"
    if text != one_line(text) or not text.isprintable():
        return "it is not one line of plain words"
    if _QUESTION.search(text):
        return "it asks a question"
    if found := _META.search(text):
        return f"it talks about itself or the film ('{found.group()}')"
    if _NUMBERED.search(text):
        return "it is a list"
    longest = max(text.split(), key=len)
    if len(longest) > LONGEST_WORD:
        return f"it has a word of {len(longest)} letters"
    if len(text.split()) > most_words:
        return f"it has {len(text.split())} words, at most {most_words} are allowed"
    return None


def steps_problem(steps: Sequence[str]) -> str | None:
    """Say why steps cannot stand in an annotation; None if they can."""
    if not 1 <= len(steps) <= MOST_STEPS:
        return f"there are {len(steps)} steps, 1 to {MOST_STEPS} are allowed"
    for number, step in enumerate(steps, 1):
        if problem := text_problem(step, MOST_STEP_WORDS):
            return f"step {number}: {problem}"
    if any(same(one, other) for one, other in pairwise(steps)):
        return "a step stands there twice in a row"
    return None


def same(one: str, other: str) -> bool:
    """Whether two texts differ in case, spaces and stops at most."""
    return _plain(one) == _plain(other)


def different(texts: Sequence[str]) -> tuple[str, ...]:
    """Each text once, in their order."""
    found: dict[str, str] = {}
    for text in texts:
        found.setdefault(_plain(text), text)
    return tuple(found.values())


def steps_of(captions: Sequence[str]) -> tuple[str, ...]:
    """Executable steps, at most five of at most ten words, out of captions in their order.

    "A person walks forward, then waves." gives "walk forward" and "wave". Neighbours that say the
    same are one step.
    """
    steps: list[str] = []
    for caption in captions:
        for part in _THEN.split(one_line(caption).strip(" .!")):
            step = _short(_imperative(part))
            if step and not (steps and same(steps[-1], step)):
                steps.append(step)
    return tuple(steps[:MOST_STEPS])


def _imperative(text: str) -> str:
    """A sentence about somebody as a command: the first verb, and those behind "and" or a comma."""
    words = without_subject(text.strip(" ,.")).split()
    if len(words) > 1 and words[0].lower() in _BE:
        words = words[1:] if words[1].endswith("ing") else ["be", *words[1:]]
    forms = _verb_forms()
    for place, word in enumerate(words):
        if place == 0:
            words[0] = forms.get(word.lower()) or _bare(word.lower())
        elif words[place - 1].lower() == "and" or words[place - 1].endswith(","):
            words[place] = forms.get(word.lower(), word)
    return " ".join(words)


def _short(step: str) -> str:
    """At most ten words, cut before a word that begins something new."""
    words = step.split()
    if len(words) <= MOST_STEP_WORDS:
        return step
    cut = MOST_STEP_WORDS
    while cut > 2 and words[cut].lower() not in _BREAKS:
        cut -= 1
    return " ".join(words[: cut if cut > 2 else MOST_STEP_WORDS]).rstrip(",;")


def _bare(word: str) -> str:
    """Take the third person's ending off a verb that no table knows."""
    if re.fullmatch(r"\w{2,}(?:ss|sh|ch|x|z|o)es", word):
        return word[:-2]
    if re.fullmatch(r"\w{2,}ies", word):
        return f"{word[:-3]}y"
    return word[:-1] if re.fullmatch(r"\w+[^su]s", word) else word


@cache
def _verb_forms() -> dict[str, str]:
    """Conjugated forms of the verbs of the caption tables."""
    found: dict[str, str] = {}
    for verb in sorted(set(re.findall(r"\[([a-z]+)\]", str(read_table("actions_en.yaml"))))):
        found |= {third_person(verb): verb, gerund(verb): verb, verb: verb}
    return found


def _plain(text: str) -> str:
    return one_line(text).casefold().strip(" .!,;")
