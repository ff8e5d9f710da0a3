"""What can be said: answers that the world of a scene lets come true, as grammars for the writer.

A language model that is held to them chooses what to do; that it can be done is sure. The idea, to
weigh what a model says by what is possible, is that of SayCan (Ahn et al. 2022, arXiv 2204.01691);
there a learned value function says what is possible, here the tracked state does.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

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
_SCENES_KEPT = 64
"""States whose steps are remembered; a question asks for some dozen."""


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
        *words, last = text.split(" ")
        place = self._read(words)
        if place is None:
            return False
        number, state, step = place
        may_count = number < MOST_STEPS and (
            number == 0 or possible_steps(state, self.nouns).ends(step)
        )
        if may_count and f"{number + 1}.".startswith(last):
            return True
        return number > 0 and possible_steps(state, self.nouns).begins(
            f"{step} {last}" if step else last
        )

    def ends(self, text: str) -> bool:
        """Whether these are such steps."""
        place = self._read(text.split(" "))
        return (
            place is not None
            and place[0] > 0
            and possible_steps(place[1], self.nouns).ends(place[2])
        )

    def _read(self, words: Sequence[str]) -> tuple[int, State, str] | None:
        """Number of the last step, the state before it, its words; None if it is none of ours."""
        number, state, step = 0, self.start, ""
        for word in words:
            if word == f"{number + 1}." and number < MOST_STEPS:
                if number:
                    action = (
                        parse_step(step) if possible_steps(state, self.nouns).ends(step) else None
                    )
                    if action is None:
                        return None
                    state = perform(state, action)
                number, step = number + 1, ""
            elif number:
                step = f"{step} {word}" if step else word
            else:
                return None
        return number, state, step


def grammar_in_scene(want: str, scene: str | None, current: str) -> TextGrammar | None:
    """What can be answered in a scene.

    Args:
        want: An entry of ``WANTS``.
        scene: Where it happens; None or empty: not known.
        current: The task or steps that are given.

    Returns:
        None where the scene or what is given is not of the grammar, so that nothing is sure.
    """
    state, now = parse_scene(scene or ""), parse_task(current)
    done = None if now is not None else _actions(current)
    if (now is None and done is None) or (scene and not state.kind):
        return None
    if want == "summary":
        return None if done is None else _some(_summaries(done))
    if want == "scene":
        return _some(_scenes(current))
    if want == "steps":
        can = now is not None and make_plan(state, now) is not None
        return WorldGrammar(state, tuple(now.nouns.values())) if now and can else None
    after = _after(state, current)
    if after is None:
        return None
    if want == "next_steps":
        return WorldGrammar(after)
    names = possible_names(after)
    return names if names.choices else None


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
    if not steps[:1].isdigit():
        return None
    found = [parse_step(text) for text in parse_steps(steps)]
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
    named = sorted({value for action in done for slot, value in action.values})
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
    named = [place for place in stock().places if place in words]
    for kind in scene_kinds().values():
        if named and set(named) <= set(kind.places):
            yield f"{article(kind.name)} with {listed([article(place) for place in named])}"
