"""Scenes in words: kinds of scene, a state written as a sentence and read back."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from motion.tasks.grammars import MOST_PHRASE_WORDS
from motion.tasks.planning.stock import read_table, stock
from motion.tasks.planning.wording import plain
from motion.tasks.planning.world import FLOOR, State

_SITS = {"sitting": "sit", "lying": "lie", "kneeling": "kneel", "standing": "are"}
_POSTURES = {
    **{word: posture for posture, word in _SITS.items()},
    **{posture: posture for posture in _SITS},
    "stand": "standing",
}


@dataclass(frozen=True, kw_only=True)
class SceneKind:
    """One kind of scene: what may be there."""

    name: str
    places: tuple[str, ...]
    things: tuple[str, ...]
    people: tuple[str, ...]
    split: str
    """train, val or test."""
    styles: frozenset[str]
    """What tasks of a style need: sport, show."""


@cache
def scene_kinds() -> Mapping[str, SceneKind]:
    """Every kind of scene, by name."""
    table = read_table("scenes.yaml")
    splits = {name: split for split, names in table["held_out"].items() for name in names}
    return {
        name: SceneKind(
            name=name,
            places=tuple(entry["places"]),
            things=tuple(entry["things"]),
            people=tuple(entry["people"]),
            split=splits.get(name, "train"),
            styles=frozenset(style for style, names in table["styles"].items() if name in names),
        )
        for name, entry in table["kinds"].items()
    }


def draw_scene(kind: SceneKind, rng: random.Random) -> State:
    """A scene of a kind: some of its places, things at random places, now and then a person."""
    places = rng.sample(kind.places, rng.randint(3, 4))
    spots = [place for place in places if place not in ("door", "window", "mirror", "bell")]
    num_things = rng.choice((1, 1, 2, 2, 3))
    where = [(thing, rng.choice(spots or places)) for thing in rng.sample(kind.things, num_things)]
    if rng.random() < 0.6:
        person = rng.choice(kind.people)
        where.append((person, rng.choice(places)))
    state = State(kind=kind.name, places=tuple(places), where=tuple(where))
    return _draw_person(state, rng)


def _draw_person(state: State, rng: random.Random) -> State:
    if rng.random() < 0.5:
        state = replace(state, place=rng.choice(state.places))
    if rng.random() < 0.7:
        seats = [place for place in state.places if stock().is_a(place, "seats")]
        if seats and rng.random() < 0.6:
            state = replace(state, place=rng.choice(seats), posture="sitting")
        beds = [place for place in state.places if stock().is_a(place, "beds")]
        if beds and rng.random() < 0.15:
            state = replace(state, place=rng.choice(beds), posture="lying")
    small = [thing for thing, _ in state.where if stock().is_a(thing, "small")]
    if small and rng.random() < 0.3:
        thing = rng.choice(small)
        hand = rng.choice(("left", "right"))
        where = state.moved(thing, None)
        state = replace(state, where=where, left=thing if hand == "left" else None)
        state = replace(state, right=thing if hand == "right" else None)
    return state


def article(noun: str) -> str:
    """The noun with ``a`` or ``an``; plurals stand alone."""
    if noun in ("stairs", "flowers"):
        return noun
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def listed(nouns: list[str]) -> str:
    """Nouns joined by commas and ``and``."""
    return nouns[0] if len(nouns) == 1 else f"{', '.join(nouns[:-1])} and {nouns[-1]}"


def write_scene(state: State, rng: random.Random | None = None) -> str | None:
    """A state as one sentence of at most 20 words.

    Args:
        state: Of a known kind.
        rng: Chooses the wording; None: the fullest one that fits.

    Returns:
        None if no wording is short enough.
    """
    styles = [_full, _short, _shortest]
    if rng is not None:
        rng.shuffle(styles)
    texts = (style(state) for style in styles)
    return next((text for text in texts if len(text.split()) <= MOST_PHRASE_WORDS), None)


def _unnamed(state: State) -> list[str]:
    """Places that no other clause names."""
    named = {place for _, place in state.where} | {state.place}
    return [place for place in state.places if place not in named]


def _full(state: State) -> str:
    places = [article(place) for place in _unnamed(state)]
    clauses = [article(state.kind) + (f" with {listed(places)}" if places else "")]
    clauses += [f"{article(n)} is {stock().at(_near(n, p))} the {p}" for n, p in state.where]
    return "; ".join(clauses + person_clauses(state, full=True))


def _near(noun: str, place: str) -> str:
    """People and pushed things stand at a place, not on it."""
    return "" if noun in stock().people or stock().is_a(noun, "pushed") else place


def _short(state: State) -> str:
    places = _unnamed(state)
    clauses = [f"{state.kind} with {listed(places)}" if places else state.kind]
    clauses += [f"{n} {stock().at(_near(n, p))} the {p}" for n, p in state.where]
    return "; ".join(clauses + person_clauses(state, full=True))


def _shortest(state: State) -> str:
    head = f"{state.kind}: {', '.join(_unnamed(state))}".rstrip(": ")
    clauses = [f"{n} {stock().at(_near(n, p))} {p}" for n, p in state.where]
    return "; ".join([head, *clauses, *person_clauses(state, full=False)])


def person_clauses(state: State, *, full: bool) -> list[str]:
    """Where the person is, how, and with what in the hands; nothing if as usual."""
    clauses = []
    the = "the " if full else ""
    if state.posture != "standing" or state.place != FLOOR:
        at = "on" if state.place == FLOOR else stock().at(state.place)
        at = "at" if state.posture == "standing" else at
        clauses.append(f"you {_SITS[state.posture]} {at} {the}{state.place}")
    for thing in state.held:
        hand = state.holder(thing)
        if full:
            verb = "hands hold" if hand == "both" else "hand holds"
            clauses.append(f"{'' if hand == 'both' else 'the '}{hand} {verb} {article(thing)}")
        else:
            clauses.append(f"{thing} in {hand} hand{'s' if hand == 'both' else ''}")
    return clauses


_HOLDS = re.compile(r"\b(left|right|both) hands? holds? (?:an?|the) (\w+)")
_HELD = re.compile(r"\b(\w+) in (?:the |your )?(left|right|both) hands?\b")
_YOU = re.compile(
    r"\b(?:you|person)(?: is| are)? ?(sit|lie|kneel|stand|sitting|lying|kneeling|standing|are)?s?"
    r"(?: down)? (?:on|at|in|by|near) (?:the |an? )?(\w+)"
)
_THERE = re.compile(
    r"\b(\w+)(?: is| are| lies| stands| waits)? (?:on|in|at|by|near|under) (?:the |an? )?(\w+)"
)


def parse_scene(text: str) -> State:
    """Read a scene; what is not said is not there, and the person stands with empty hands.

    Every noun of the stock counts, also in other sentences than ours. An empty text gives the
    open world, in which everything is at a place of its own.
    """
    text = plain(text)
    if not text:
        return State(open_world=True)
    kind = _kind_named(text)
    words = re.findall(r"\w+", _without_kind(text, kind))
    places = dict.fromkeys(word for word in words if word in stock().places)
    state = State(kind=kind, places=tuple(places))
    for clause in re.split(r"[;.]", text):
        state = _read_clause(state, clause)
    return state


def _kind_named(text: str) -> str:
    """The longest name of a kind of scene in the first clause; empty if there is none."""
    words = f" {' '.join(re.findall(r'[a-z]+', re.split('[;.]', text)[0]))} "
    found = [name for name in scene_kinds() if f" {name} " in words]
    return max(found, key=len, default="")


def _without_kind(text: str, kind: str) -> str:
    return text.replace(kind, "", 1) if kind else text


def _read_clause(state: State, clause: str) -> State:
    for found in _HOLDS.finditer(clause):
        state = _hold(state, found[1], found[2])
    for found in _HELD.finditer(clause):
        state = _hold(state, found[2], found[1])
    you = _YOU.search(clause)
    if you is not None:
        place = you[2] if you[2] in stock().places else FLOOR
        return replace(state, place=place, posture=_POSTURES.get(you[1] or "are", "standing"))
    for found in _THERE.finditer(clause):
        noun, place = found[1], found[2]
        if noun in (*stock().things, *stock().people) and place in (*stock().places, FLOOR):
            state = replace(state, where=state.moved(noun, place))
    return state


def _hold(state: State, hand: str, thing: str) -> State:
    if thing not in stock().things:
        return state
    left = thing if hand in ("left", "both") else state.left
    right = thing if hand in ("right", "both") else state.right
    return replace(state, left=left, right=right)
