"""How long a step lasts, and how a given length is shared out over steps.

A sentence that says so ("for five seconds", "for 2.5 s") is believed. Else the verb decides, by the
table below; of a verb that it does not hold the model ends the motion by itself, within bounds.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from motion.errors import RequestError
from motion.representation import FPS

SHORTEST_STEP, LONGEST_STEP = 1.5, 8.0
"""Seconds that a step may last unless its sentence or a timeline says more."""
LEAST_SHARE = 0.5
"""Seconds that a step must get when a length is shared out; nothing can be done in less."""
UNKNOWN_STEP = 3.5
"""Seconds that an unknown step weighs when a length is shared out."""
LONGEST_SAID = 120.0
"""Seconds up to which a sentence's own length is believed."""

_VERBS: dict[float, str] = {
    2.0: "catch guard hop jump kick lower nod punch slash",
    2.5: "lift look pick point pull push put raise shake spin step swing throw turn",
    3.0: "clap crouch sprint squat stand wait",
    3.5: "cartwheel drink kneel run sit skip stretch wave wipe",
    4.0: "bow eat jog lie stir wash",
    5.0: "climb crawl limp march sneak stroll walk",
    8.0: "dance",
}
"""Verbs by the seconds of one action. Source: medians of the captioned clips of the prepared Bandai
Namco, CMU and CC0 corpora that name one such verb (walk 7.3 of cut pieces, run 3.2, bow 4.6, raise
2.5, stretch 3.3, jump 3.3 with its pauses, drink 5.3 with the way there), rounded and, where clips
hold repetitions (wave 7.0) or fewer than five are there, set by hand to one action."""
_SECONDS = {verb: seconds for seconds, verbs in _VERBS.items() for verb in verbs.split()}
_IRREGULAR = {
    "ran": "run",
    "sat": "sit",
    "lying": "lie",
    "lay": "lie",
    "stood": "stand",
    "threw": "throw",
    "swung": "swing",
    "drank": "drink",
}
_TIMES = {"once": 1, "twice": 2, "thrice": 3}
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")
_TENS = {
    "twelve": 12,
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "forty-five": 45,
    "sixty": 60,
}
_NUMBERS = {"a": 1, "an": 1, **{word: n for n, word in enumerate(_WORDS, 1)}, **_TENS}
_NUMBER = r"\d{1,4}(?:\.\d{1,3})?|" + "|".join(sorted(_NUMBERS, key=len, reverse=True))
_SAID = re.compile(
    rf"\b(?:for|during|lasting)\s+(?:about\s+|around\s+)?({_NUMBER})\s*(seconds?|secs?|s|minutes?|min)\b"
)
_REPEATED = re.compile(rf"\b(?:({_NUMBER})\s+times|{'|'.join(_TIMES)})\b")
MORE_EACH_TIME = 0.6
"""Share of an action's length that every repetition adds: what comes before and after is once."""
MOST_TIMES = 10


@dataclass(frozen=True, kw_only=True)
class StepLength:
    """What is known of a step's length."""

    seconds: float | None
    """None: the model ends it."""
    said: bool = False
    """Its sentence names the length."""


def step_length(text: str) -> StepLength:
    """Estimate how long a step lasts, in English; of other languages the model ends it.

    Args:
        text: One step, e.g. "wave twice with the right hand".
    """
    words = text.lower()
    said = _SAID.search(words)
    if said is not None:
        seconds = _number(said[1]) * (60 if said[2].startswith("min") else 1)
        return StepLength(seconds=min(max(seconds, SHORTEST_STEP), LONGEST_SAID), said=True)
    seconds_of_action = _action_seconds(words)
    if seconds_of_action is None:
        return StepLength(seconds=None)
    seconds = seconds_of_action * (1 + MORE_EACH_TIME * (_times(words) - 1))
    return StepLength(seconds=min(max(seconds, SHORTEST_STEP), LONGEST_STEP))


def shared_frames(texts: Sequence[str], num_frames: int) -> list[int]:
    """Share out a length over steps as their estimates weigh; the sum is exact.

    Args:
        texts: The steps in order.
        num_frames: Frames of all of them.

    Raises:
        RequestError: They are too many for the length.
    """
    least = round(LEAST_SHARE * FPS)
    if num_frames < least * len(texts):
        raise RequestError(
            f"{len(texts)} steps need at least {LEAST_SHARE * len(texts):g} seconds, got "
            f"{num_frames / FPS:g}; ask for more seconds or give fewer steps"
        )
    weights = [step_length(text).seconds or UNKNOWN_STEP for text in texts]
    spare, total = num_frames - least * len(texts), sum(weights)
    edges = [round(spare * sum(weights[:k]) / total) for k in range(len(texts) + 1)]
    return [least + stop - start for start, stop in pairwise(edges)]


def verb_of(text: str) -> str | None:
    """The first verb of a sentence that the table holds, in its plain form."""
    for word in re.findall(r"[a-z]+", text.lower()):
        plain = _plain(word)
        if plain is not None:
            return plain
    return None


def _action_seconds(words: str) -> float | None:
    verb = verb_of(words)
    return None if verb is None else _SECONDS[verb]


def _plain(word: str) -> str | None:
    """A form of a verb of the table as it stands there; nouns such as "steps" count as well."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    forms = [word, word + "e"]
    for ending in ("s", "es", "d", "ed", "ing"):
        stem = word.removesuffix(ending)
        if stem != word:
            forms += [stem, stem + "e"]
            if len(stem) > 2 and stem[-1] == stem[-2]:  # "running", "stepped"
                forms.append(stem[:-1])
    return next((form for form in forms if form in _SECONDS), None)


def _times(words: str) -> int:
    found = _REPEATED.search(words)
    if found is None:
        return 1
    times = _number(found[1]) if found[1] else _TIMES[found[0]]
    return max(1, min(int(times), MOST_TIMES))


def _number(word: str) -> float:
    return float(_NUMBERS[word]) if word in _NUMBERS else float(word)
