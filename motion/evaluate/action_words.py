"""Which actions a caption names, and when a caption counts as right: the content accuracy.

``action_words.yaml`` lists the words of each action. A caption is right when it names a main action
of the references, which is one that as many of them name as any other, and, where the references
agree on a side of it, names that side as well and no other. The references agree on a side when at
least two and half of those that name the action name it, and none another.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from motion.data.captioning.english import gerund, third_person
from motion.errors import RequestError
from motion.tasks.caption_words import caption_tokens

LEAST_SIDED, LEAST_SIDED_SHARE = 2, 0.5
"""References of the main action, and their share, that name a side before a caption has to."""
TWO_HANDED = frozenset({"wave", "raise_arm"})
"""Actions of which "both" is a side; who washes or climbs uses both hands anyway."""
_NEXT_STEP = re.compile(r"[.;]|\bthen\b", re.IGNORECASE)
_NO_SIDE = re.compile(
    r"\bright (?:angled?|away|after|now)\b|\ball right\b|\bleft behind\b"
    r"|\b(?:strength|energy) left\b"
)
_BOTH = re.compile(
    r"\b(?:both|two) (?:\w+ )?(?:hand|arm|fist|palm)s?\b|\bleft and right\b"
    r"|\b(?:hands|arms)(?: \w+){0,3} (?:together|same time)\b"
)
_SIDE = re.compile(r"\b(left|right)(?:ward|wards)?\b")
_GAP = r"(?: \S+){0,4}?"


@dataclass(frozen=True, kw_only=True)
class NamedAction:
    """An action that a text names."""

    name: str
    sides: frozenset[str] = frozenset()
    """"left", "right" or "both", as far as the text says."""


@dataclass(frozen=True, kw_only=True)
class Content:
    """What references agree on."""

    actions: frozenset[str]
    """The action that most of them name, or several that equally many name."""
    side: str = ""
    """"left", "right" or "both", where they agree on one."""


@dataclass(frozen=True, kw_only=True)
class RuleCheck:
    """How far the rule itself can be trusted."""

    num_captions: int
    own: float
    """Share of reference captions that are right by the other references of their clip."""
    other: float
    """The same by the references of another clip: what chance reaches."""
    unnamed: float
    """Share of reference captions that name no action."""


def named_actions(text: str) -> tuple[NamedAction, ...]:
    """Actions that a text names, with the sides of the step ("..., then ...") they stand in.

    A step without a side takes those of the whole text.
    """
    steps = [_plain(step) for step in _NEXT_STEP.split(text)]
    everywhere = frozenset[str]().union(*(_sides(step) for step in steps))
    found: dict[str, frozenset[str]] = {}
    for step in steps:
        for name, pattern in _patterns().items():
            if pattern.names(step):
                found[name] = found.get(name, frozenset()) | _sides(step)
    return tuple(NamedAction(name=name, sides=sides or everywhere) for name, sides in found.items())


def content_of(references: Sequence[str]) -> Content | None:
    """What the references of a clip agree on; None: they name no action."""
    named = [named_actions(text) for text in references]
    counts = Counter(action.name for actions in named for action in actions)
    if not counts:
        return None
    most = max(counts.values())
    main = frozenset(name for name, count in counts.items() if count == most)
    rows = [_sides_of(actions, main) for actions in named if _names(actions, main)]
    sided = [sides for sides in rows if sides]
    agreed = frozenset[str]().union(*sided)
    enough = len(sided) >= max(LEAST_SIDED, LEAST_SIDED_SHARE * len(rows))
    side = next(iter(agreed)) if enough and len(agreed) == 1 else ""
    counts_as_side = side != "both" or main & TWO_HANDED
    return Content(actions=main, side=side if counts_as_side else "")


def is_right(text: str, content: Content) -> bool:
    """Whether a caption names the main action, and its side where there is one."""
    actions = named_actions(text)
    if not _names(actions, content.actions):
        return False
    return not content.side or _sides_of(actions, content.actions) == {content.side}


def check_rule(references: Sequence[Sequence[str]]) -> RuleCheck:
    """Apply the rule to references: against those of their own clip, and of the clip half-way on.

    Raises:
        RequestError: Fewer than two clips have two references.
    """
    clips = [rows for rows in references if len(rows) > 1]
    if len(clips) < 2:
        raise RequestError(f"expected two clips with two references, got {len(clips)}")
    own, other, unnamed = [], [], []
    for place, rows in enumerate(clips):
        far = content_of(clips[(place + len(clips) // 2) % len(clips)])
        for index, text in enumerate(rows):
            near = content_of([*rows[:index], *rows[index + 1 :]])
            own += [is_right(text, near)] if near else []
            other += [is_right(text, far)] if far else []
            unnamed.append(not named_actions(text))
    return RuleCheck(
        num_captions=len(unnamed),
        own=sum(own) / max(len(own), 1),
        other=sum(other) / max(len(other), 1),
        unnamed=sum(unnamed) / len(unnamed),
    )


def _names(actions: Sequence[NamedAction], wanted: frozenset[str]) -> bool:
    return any(action.name in wanted for action in actions)


def _sides_of(actions: Sequence[NamedAction], wanted: frozenset[str]) -> frozenset[str]:
    return frozenset[str]().union(*(a.sides for a in actions if a.name in wanted))


def _plain(text: str) -> str:
    return " ".join(caption_tokens(text))


def _sides(step: str) -> frozenset[str]:
    text = _NO_SIDE.sub("", step)
    if _BOTH.search(text):
        return frozenset({"both"})
    return frozenset(match.group(1) for match in _SIDE.finditer(text))


@dataclass(frozen=True)
class _Pattern:
    words: re.Pattern[str]
    taken_out: re.Pattern[str] | None

    def names(self, step: str) -> bool:
        if self.taken_out is not None:
            step = self.taken_out.sub("", step)
        return self.words.search(step) is not None


@cache
def _patterns() -> Mapping[str, _Pattern]:
    path = resources.files("motion.evaluate").joinpath("action_words.yaml")
    table: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    irregular = {verb: tuple(forms) for verb, forms in table["irregular"].items()}
    return {
        name: _Pattern(
            _any_of(row["words"], irregular),
            _any_of(row["not"], irregular) if "not" in row else None,
        )
        for name, row in table["classes"].items()
    }


def _any_of(phrases: Sequence[str], irregular: Mapping[str, Sequence[str]]) -> re.Pattern[str]:
    choices = [_expanded(phrase, irregular) for phrase in phrases]
    return re.compile(rf"\b(?:{'|'.join(choices)})\b")


def _expanded(phrase: str, irregular: Mapping[str, Sequence[str]]) -> str:
    """A phrase of the table as a regular expression."""
    text = ""
    for word in phrase.split():
        if word == "..":
            text += _GAP
            continue
        verbs = word.strip("[]").split("|")
        forms = verbs if word[0] != "[" else [f for v in verbs for f in _forms(v, irregular)]
        text += f"{' ' if text else ''}(?:{'|'.join(map(re.escape, forms))})"
    return text


def _forms(verb: str, irregular: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """All forms of a verb."""
    past = verb + ("d" if verb.endswith("e") else "ed")
    doubled = gerund(verb).removesuffix("ing") + "ed"
    return (verb, third_person(verb), gerund(verb), past, doubled, *irregular.get(verb, ()))
