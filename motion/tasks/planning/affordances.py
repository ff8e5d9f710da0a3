"""What can be said: answers that the world of a scene lets come true, as grammars for the writer.

A language model that is held to them chooses what to do; that it can be done is sure. The idea, to
weigh what a model says by what is possible, is that of SayCan (Ahn et al. 2022, arXiv 2204.01691);
there a learned value function says what is possible, here the tracked state does.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations, product
from math import prod

from motion.errors import PlanError
from motion.tasks.grammars import MOST_STEP_WORDS, MOST_STEPS, TextGrammar
from motion.tasks.planning.actions import Action, ActionKind, act, actions, parse_step
from motion.tasks.planning.parsing import parse_steps
from motion.tasks.planning.routines import (
    make_plan,
    parse_task,
    possible_tasks,
    task,
    task_kinds,
)
from motion.tasks.planning.scenes import article, listed, parse_scene, scene_kinds
from motion.tasks.planning.stock import stock
from motion.tasks.planning.wording import PHRASES
from motion.tasks.planning.world import State, lacks, perform

_OPTIONS = ("leg", "way", "count", "seconds")
"""Slots on which nothing depends."""
_MOST_ORDERED = 4
"""Places of a scene that may be named in any order."""
_SCENES_KEPT = 64
"""States whose steps are remembered; a question asks for some dozen."""
_BEGINNINGS_KEPT = 4096
"""Beginnings of plans whose state is remembered: a rule is asked about thousands of next pieces."""
MOST_TRIED = 20_000
"""Sentences or names that are tried in one state. All nouns of the stock in one scene stay below
it, which takes under a second; where it is more only the form of an answer is asked for."""


@dataclass(frozen=True)
class ChoiceGrammar:
    """One of some texts."""

    choices: tuple[str, ...]
    """In the order of their letters."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> "ChoiceGrammar":
        """Any of these texts."""
        return cls(tuple(sorted(set(texts))))

    def begins(self, text: str) -> bool:
        """Whether a choice begins like this."""
        place = bisect_left(self.choices, text)
        return place < len(self.choices) and self.choices[place].startswith(text)

    def ends(self, text: str) -> bool:
        """Whether this is a choice."""
        place = bisect_left(self.choices, text)
        return place < len(self.choices) and self.choices[place] == text


@dataclass(frozen=True)
class WorldGrammar:
    """Numbered steps, each of which can be done when it is its turn."""

    start: State
    """Before the first step."""
    nouns: tuple[str, ...] = ()
    """What steps may speak of where the scene is not known."""

    def begins(self, text: str) -> bool:
        """Whether such steps may begin like this."""
        before, _, last = text.rpartition(" ")
        place = _reached(self, before)
        if place is None:
            return False
        number, state, step = place
        possible = possible_steps(state, self.nouns)
        may_count = number < MOST_STEPS and (number == 0 or possible.ends(step))
        if may_count and f"{number + 1}.".startswith(last):
            return True
        return number > 0 and possible.begins(f"{step} {last}" if step else last)

    def ends(self, text: str) -> bool:
        """Whether these are such steps."""
        place = _reached(self, text)
        if place is None:
            return False
        number, state, step = place
        return number > 0 and possible_steps(state, self.nouns).ends(step)


@lru_cache(maxsize=_BEGINNINGS_KEPT)
def _reached(grammar: WorldGrammar, text: str) -> tuple[int, State, str] | None:
    """Number of the last step, the state before it, its words; None if it is none of ours."""
    if not text:
        return 0, grammar.start, ""
    if text.count(" ") >= MOST_STEPS * (MOST_STEP_WORDS + 1):
        return None
    before, _, word = text.rpartition(" ")
    place = _reached(grammar, before)
    if place is None:
        return None
    number, state, step = place
    if word != f"{number + 1}." or number == MOST_STEPS:
        return (number, state, f"{step} {word}" if step else word) if number else None
    if number:
        if not possible_steps(state, grammar.nouns).ends(step):
            return None
        action = parse_step(step)
        if action is None:
            return None
        state = perform(state, action)
    return number + 1, state, ""


def grammar_in_scene(want: str, scene: str | None, current: str) -> TextGrammar | None:
    """What can be answered in a scene.

    Args:
        want: An entry of ``WANTS``.
        scene: Where it happens; None or empty: not known.
        current: The task or steps that are given.

    Returns:
        None where the scene or what is given is not of the grammar, so that nothing is sure, and
        where too much would have to be tried.
    """
    state, now = parse_scene(scene or ""), parse_task(current)
    done = None if now is not None else _actions(current)
    if scene and not state.kind:
        return None
    if want == "steps":
        return _steps_of(state, current)
    if now is None and done is None:
        return None
    if want == "summary":
        return None if done is None else _some(_summaries(done))
    if want == "scene":
        return _some(_scenes(current))
    after = _after(state, current)
    if after is None:
        return None
    if want == "next_steps":
        return _steps_from(after)
    names = possible_names(after) if _tried_names(after) <= MOST_TRIED else ChoiceGrammar(())
    return names if names.choices else None


def _steps_of(state: State, task_text: str) -> WorldGrammar | None:
    """Steps for a task; in a scene also for one that nobody knows, as far as the scene allows."""
    if not state.open_world:
        return _steps_from(state)
    now, step = parse_task(task_text), parse_step(task_text)
    if now is not None:
        return _steps_from(state, tuple(now.nouns.values())) if make_plan(state, now) else None
    if step is None:
        return None
    return _steps_from(state, tuple(noun for slot, noun in step.values if slot in step.kind.slots))


def _steps_from(start: State, nouns: tuple[str, ...] = ()) -> WorldGrammar | None:
    """Steps from a state; no later state has other nouns, so what is tried there is no more."""
    each = (_counted(start, kind, nouns) for kind in actions().values())
    return WorldGrammar(start, nouns) if sum(each) <= MOST_TRIED else None


def _counted(state: State, kind: ActionKind, nouns: Sequence[str]) -> int:
    """Sentences of one kind of action that are tried at most."""
    slots = (len(_nouns(state, kind, slot, nouns)) for slot in kind.slots)
    others = (len(PHRASES[slot]) + 1 for slot in ("hand", *_OPTIONS) if slot in kind.say[0].slots)
    return prod(slots) * prod(others)


def _tried_names(state: State) -> int:
    """Names of tasks that are tried in a state."""
    each = (
        [len(state.nouns(cls)) for cls in kind.slots.values()] for kind in task_kinds().values()
    )
    return sum(map(prod, each))


def _some(texts: Iterable[str]) -> ChoiceGrammar | None:
    """One of some texts, if there are any."""
    grammar = ChoiceGrammar.of(texts)
    return grammar if grammar.choices else None


@lru_cache(maxsize=_SCENES_KEPT)
def possible_steps(state: State, nouns: tuple[str, ...] = ()) -> ChoiceGrammar:
    """Sentences of all steps that can be done now, in their written wording.

    Args:
        state: How things stand.
        nouns: What steps may speak of in an open world, in which everything is somewhere.
    """
    found = (text for kind in actions().values() for text in _sentences(state, kind, nouns))
    return ChoiceGrammar.of(text for text in found if len(text.split()) <= MOST_STEP_WORDS)


@lru_cache(maxsize=_SCENES_KEPT)
def possible_names(state: State) -> ChoiceGrammar:
    """Names of all tasks that can be done now, without sides, counts and durations."""
    return ChoiceGrammar.of(
        plan.task.write() for name in task_kinds() for plan in possible_tasks(state, name)
    )


def _sentences(state: State, kind: ActionKind, nouns: Sequence[str]) -> Iterator[str]:
    """Sentences of one kind of action."""
    slots = kind.say[0].slots
    options = [slot for slot in _OPTIONS if slot in slots]
    each = [_nouns(state, kind, slot, nouns) for slot in kind.slots]
    hands = [*(PHRASES["hand"] if "hand" in slots else ()), *([] if kind.needs_hand else [""])]
    for chosen in product(*each, hands):
        named = dict(zip((*kind.slots, "hand"), chosen, strict=True))
        action = act(kind.name, **{slot: value for slot, value in named.items() if value})
        if any(True for _ in lacks(state, action)):
            continue
        yield from _with_options(action, options)


def _nouns(state: State, kind: ActionKind, slot: str, nouns: Sequence[str]) -> list[str]:
    """Nouns that a slot may take here; an optional one none as well."""
    wanted = kind.slots[slot]
    here = (
        state.nouns(wanted)
        if not state.open_world
        else [n for n in nouns if stock().is_a(n, wanted)]
    )
    return [*here, *([""] if slot in kind.say[0].optional else [])]


def _with_options(action: Action, slots: Sequence[str]) -> Iterator[str]:
    optional = action.kind.say[0].optional
    choices = [[*PHRASES[slot], *([""] if slot in optional else [])] for slot in slots]
    for chosen in product(*choices):
        given = {slot: value for slot, value in zip(slots, chosen, strict=True) if value}
        yield action.changed(**given).write()


def _actions(steps: str) -> list[Action] | None:
    """Given steps as actions; None if one is not of the grammar."""
    try:
        found = [parse_step(text) for text in parse_steps(steps)]
    except PlanError:
        return None
    known = [action for action in found if action is not None]
    return known if len(known) == len(found) else None


def _after(state: State, current: str) -> State | None:
    """The state when what is being done is over."""
    now = parse_task(current)
    if now is not None:
        plan = make_plan(state, now)
        return plan.end if plan is not None else None
    for action in _actions(current) or ():
        state = perform(state, action)
    return state


def _summaries(done: Sequence[Action]) -> Iterator[str]:
    """Names of tasks about the nouns that steps speak of, with the counts and durations in them."""
    named = sorted({value for action in done for _, value in action.values})
    if not any(noun in stock().places for noun in named):
        named += sorted(stock().places)  # where nobody says the place it may be any
    options = {slot: {str(a[slot]) for a in done if a[slot]} for slot in ("count", "seconds")}
    for name, kind in task_kinds().items():
        nouns = [[n for n in named if stock().is_a(n, cls)] for cls in kind.slots.values()]
        optional = {slot for wording in kind.say for slot in wording.optional}
        slots = [slot for slot in options if slot in optional]
        for chosen in product(*nouns, *([*options[slot], ""] for slot in slots)):
            values = dict(zip((*kind.slots, *slots), chosen, strict=True))
            yield task(name, **{slot: value for slot, value in values.items() if value}).write()


def _scenes(current: str) -> Iterator[str]:
    """Scenes of every kind that has the places which are spoken of."""
    words = current.lower().replace(".", " ").split()
    named = dict.fromkeys(word for word in words if word in stock().places)
    orders = list(permutations(named)) if len(named) <= _MOST_ORDERED else [tuple(named)]
    for kind in scene_kinds().values():
        if named and set(named) <= set(kind.places):
            for order in orders:
                yield f"{article(kind.name)} with {listed([article(place) for place in order])}"
