"""Tasks: what they are called, the steps they take in a state, and which tasks follow them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

from motion.tasks.grammars import MOST_STEPS
from motion.tasks.planning.actions import Action, act
from motion.tasks.planning.scenes import scene_kinds
from motion.tasks.planning.stock import read_table, stock
from motion.tasks.planning.wording import Wording, plain
from motion.tasks.planning.world import State, steps_for, walk

_NOUN_SLOTS = ("obj", "person", "place")
_DONE_BY = {"sitting": "sit_down", "lying": "lie_down", "kneeling": "kneel_down"}
ALWAYS = ("walk_about", "stretch")
"""Tasks that follow where none of the usual ones is possible."""


@dataclass(frozen=True, kw_only=True)
class TaskKind:
    """One task of the table."""

    name: str
    slots: Mapping[str, Any]
    """Slot of a noun -> class or list of nouns."""
    say: tuple[Wording, ...]
    """Names of the task; the first one is written."""
    core: tuple[tuple[str, Mapping[str, str]], ...]
    """Steps that make up the task: action and slot -> slot of the task, or ``=value``."""
    next: tuple[str, ...]
    """Tasks that follow, the usual one first."""
    only: str | None = None
    """Style of scene that it is done in; None: any."""


@dataclass(frozen=True)
class TaskInstance:
    """One task with its nouns, side, count or duration."""

    name: str
    values: tuple[tuple[str, str], ...] = ()

    def __getitem__(self, slot: str) -> str | None:
        """Value of a slot, or None."""
        return dict(self.values).get(slot)

    @property
    def kind(self) -> TaskKind:
        """Its entry in the table."""
        return task_kinds()[self.name]

    @property
    def nouns(self) -> dict[str, str]:
        """Its nouns by slot."""
        return {slot: value for slot, value in self.values if slot in self.kind.slots}

    @property
    def core(self) -> tuple[Action, ...]:
        """The steps that make it up, without what the state may call for."""
        given = dict(self.values)
        steps = []
        for name, slots in self.kind.core:
            bound = {s: v[1:] if v[0] == "=" else given.get(v) for s, v in slots.items()}
            steps.append(act(name, **bound))
        return tuple(steps)

    def write(self, wording: int = 0) -> str:
        """The task in words.

        Args:
            wording: Which of its names, counted around.
        """
        values = dict(self.values)
        if "place" in values:
            values["on"] = stock().at(values["place"])
        say = self.kind.say
        return say[wording % len(say)].write(values)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Steps of a task from one state."""

    task: TaskInstance
    start: State
    end: State
    steps: tuple[Action, ...]
    needed: tuple[Action, ...] = ()
    """Core steps of the task among them, as the task words them."""

    @property
    def words(self) -> tuple[str, ...]:
        """The steps in their written wording."""
        return tuple(step.write() for step in self.steps)


@cache
def task_kinds() -> dict[str, TaskKind]:
    """Every task, by name."""
    return {
        name: TaskKind(
            name=name,
            slots=entry.get("slots", {}),
            say=tuple(Wording(pattern) for pattern in entry["say"]),
            core=tuple(_core(line) for line in entry["core"]),
            next=tuple(entry["next"]),
            only=entry.get("only"),
        )
        for name, entry in read_table("routines.yaml").items()
    }


def _core(line: str) -> tuple[str, dict[str, str]]:
    name, *parts = line.split()
    slots = {}
    for part in parts:
        slot, _, value = part.partition("=")
        source = value or slot
        slots[slot] = source if source in (slot, *_NOUN_SLOTS) else f"={source}"
    return name, slots


def task(name: str, **values: str) -> TaskInstance:
    """Build a task."""
    return TaskInstance(name, tuple(sorted(values.items())))


def parse_task(text: str) -> TaskInstance | None:
    """Read a task; None if none of the table is worded like this."""
    text = plain(text)
    for kind in task_kinds().values():
        for wording in kind.say:
            values = wording.read(text)
            if values is None:
                continue
            values.pop("on", None)
            nouns = ((slot, value) for slot, value in values.items() if slot in kind.slots)
            if all(stock().is_a(noun, kind.slots[slot]) for slot, noun in nouns):
                return task(kind.name, **values)
    return None


def is_done(state: State, step: Action) -> bool:
    """Whether a core step changes nothing, so that it may be left out."""
    if step.name == "pick_up":
        hand = step["hand"]
        holder = state.holder(step["obj"])
        return holder is not None and hand in (None, holder)
    if step.name == "walk":
        target = step["target"] or ""
        return state.location(target) == state.place and state.place != "floor"
    posture = step.kind.then
    if posture in _DONE_BY and step.name == _DONE_BY[posture]:
        return state.posture == posture and step["place"] in (None, state.place)
    return False


def make_plan(state: State, wanted: TaskInstance) -> Plan | None:
    """Plan a task from a state, with the steps that the state calls for.

    Returns:
        None if it is not possible, or takes more steps than a plan may have.
    """
    if not _fits(state, wanted):
        return None
    now = state
    steps: list[Action] = []
    needed: list[Action] = []
    for step in wanted.core:
        if is_done(now, step):
            continue
        is_walk = step.name == "walk"
        found = steps_for(now, walk(now, step["target"] or "") if is_walk else step)
        if found is None:
            return None
        needed.append(step)
        steps += found[0]
        now = found[1]
    if not 1 <= len(steps) <= MOST_STEPS or not _sensible(state, wanted, now):
        return None
    return Plan(task=wanted, start=state, end=now, steps=tuple(steps), needed=tuple(needed))


def _fits(state: State, wanted: TaskInstance) -> bool:
    """Whether the scene is of the right style and has what the task speaks of."""
    style = wanted.kind.only
    if style and state.kind and style not in scene_kinds()[state.kind].styles:
        return False
    return all(state.location(noun) is not None for noun in wanted.nouns.values())


def _sensible(state: State, wanted: TaskInstance, end: State) -> bool:
    """Whether the task leads anywhere: nothing is brought to where it is."""
    moving = wanted.name in ("put_away", "move_box", "push_load", "pull_load")
    if moving and wanted["obj"] not in state.held:
        return state.location(wanted["obj"] or "") != end.location(wanted["obj"] or "")
    if wanted.name in ("guide", "show_way", "explain"):
        return state.location(wanted["person"] or "") != wanted["place"]
    return True


def possible_tasks(state: State, name: str) -> Iterator[Plan]:
    """Plans of all tasks of one kind that are possible, without sides, counts or durations."""
    kind = task_kinds()[name]
    for nouns in product(*(state.nouns(cls) for cls in kind.slots.values())):
        plan = make_plan(state, task(name, **dict(zip(kind.slots, nouns, strict=True))))
        if plan is not None:
            yield plan


def followers(plan: Plan) -> list[list[Plan]]:
    """Plans of the tasks that may come next, by kind, the usual kind first.

    Where none of the usual ones is possible, those of ``ALWAYS``.
    """
    for names in (plan.task.kind.next, ALWAYS):
        others = (name for name in names if name != plan.task.name)
        found = [group for name in others if (group := list(possible_tasks(plan.end, name)))]
        if found:
            return found
    return []


def going_on(plan: Plan, group: list[Plan]) -> list[Plan]:
    """Those of the plans that may follow one that go on with its things or people, or all."""
    kept = {*plan.end.held, plan.task["person"], plan.task["obj"]}
    return [other for other in group if kept & set(other.task.nouns.values())] or group
