"""Follows a plan through its scene: what each step needs, and whether the task comes about.

Nothing is judged that cannot be read: a scene of an unknown kind, a step or task in other words
than those of ``motion.tasks.planning`` leave the answer unchecked.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from motion.tasks.planning.actions import Action, parse_step
from motion.tasks.planning.routines import TaskInstance, make_plan, parse_task, possible_tasks
from motion.tasks.planning.routines import task_kinds as known_tasks
from motion.tasks.planning.scenes import parse_scene
from motion.tasks.planning.stock import stock
from motion.tasks.planning.world import State, lacks, perform

_ON_THE_WAY = ("walk", "carry", "pick_up")
"""Steps that a task leaves out when one is there, or holds the thing, already."""
_OPTIONS = ("hand", "leg", "count", "seconds")
"""Slots that a task may leave open."""


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What was found on the way."""

    checked: bool = False
    """All of it could be read."""
    problems: tuple[str, ...] = ()
    """Constraints that do not hold."""
    end: State | None = None
    """How things stand after the steps; None if that is not known."""


@dataclass(frozen=True, kw_only=True)
class Present:
    """What is going on before an answer."""

    state: State | None
    """Where and how; None: it cannot be read."""
    task: TaskInstance | None = None
    """What is being done, if it is known."""


def scene_state(scene: str | None) -> State | None:
    """The first state of a scene, of an open world if there is none; None: it cannot be read."""
    state = parse_scene(scene or "")
    return state if state.open_world or state.kind else None


def after(scene: str | None, task: str | None, steps: Sequence[str]) -> Present:
    """What is going on after the given task or, if there are any, steps."""
    start = scene_state(scene)
    now = parse_task(task) if task is not None else None
    if start is None:
        return Present(state=None, task=now)
    if steps:
        return Present(state=follow(start, steps).end, task=now)
    plan = make_plan(start, now) if now is not None else None
    return Present(state=plan.end if plan is not None else None, task=now)


def follow(state: State, steps: Sequence[str]) -> Followed:
    """Do steps one after the other and note what each of them lacks."""
    problems = []
    for number, text in enumerate(steps, 1):
        action = parse_step(text)
        if action is None:
            return Followed(problems=tuple(problems))
        lack = next(iter(lacks(state, action)), None)
        if lack is not None:
            problems.append(f"step {number}, '{text}': {lack}")
        state = perform(state, action)
    return Followed(checked=True, problems=tuple(problems), end=state)


def check_steps(scene: str | None, task: str, steps: Sequence[str]) -> Followed:
    """Whether steps can be done in a scene, in this order, and do what the task says."""
    start, wanted = scene_state(scene), parse_task(task)
    if start is None or (start.open_world and wanted is None):
        return Followed()
    found = follow(start, steps)
    plan = make_plan(start, wanted) if wanted is not None else None
    if not found.checked or wanted is None or plan is None:
        return Followed(problems=found.problems, end=found.end)
    missing = _missing(wanted, plan.steps, _read(steps))
    problems = found.problems if missing is None else (*found.problems, f"to {task}: no {missing}")
    return Followed(checked=True, problems=problems, end=found.end)


def check_next_steps(present: Present, steps: Sequence[str]) -> Followed:
    """Whether steps can be done now and make up some task, another one than before."""
    if present.state is None:
        return Followed()
    found = follow(present.state, steps)
    if not found.checked:
        return found
    if any(task.name != (present.task and present.task.name) for task in made_up(present, steps)):
        return found
    problems = (*found.problems, "the steps make up no task that could come next")
    return Followed(checked=True, problems=problems, end=found.end)


def check_next_task(present: Present, task: str) -> Followed:
    """Whether a task is another one than before and can be done now."""
    wanted = parse_task(task)
    if present.task is not None and wanted is not None and _bare(wanted) == _bare(present.task):
        return Followed(checked=True, problems=("it is the task that was just done",))
    if present.state is None or wanted is None:
        return Followed()
    if make_plan(present.state, wanted) is None:
        return Followed(checked=True, problems=("it cannot be done as things stand then",))
    return Followed(checked=True)


def check_summary(steps: Sequence[str], task: str) -> Followed:
    """Whether a task is what steps do."""
    wanted, actions = parse_task(task), _read(steps)
    if wanted is None or len(actions) < len(steps):
        return Followed()
    asked = [step for step in wanted.core if step.name not in _ON_THE_WAY]
    missing = _missing(wanted, asked or wanted.core, actions)
    return Followed(checked=True, problems=() if missing is None else (f"no step says: {missing}",))


def check_scene(doing: str, scene: str) -> Followed:
    """Whether a scene has the places that what is done there speaks of."""
    state = scene_state(scene)
    if state is None:
        return Followed()
    named = [word for word in re.findall(r"\w+", doing.lower()) if word in stock().places]
    missing = [place for place in dict.fromkeys(named) if place not in state.places]
    return Followed(checked=True, problems=tuple(f"there is no {place}" for place in missing))


def made_up(present: Present, steps: Sequence[str]) -> Iterable[TaskInstance]:
    """Known tasks that steps make up from the present on."""
    actions = _read(steps)
    if present.state is None or len(actions) < len(steps):
        return
    names = {action.name for action in actions}
    for name, kind in known_tasks().items():
        if {core for core, _ in kind.core if core not in _ON_THE_WAY} <= names:
            for plan in possible_tasks(present.state, name):
                if _missing(plan.task, plan.steps, actions) is None:
                    yield plan.task


def _read(steps: Sequence[str]) -> list[Action]:
    """The steps that can be read."""
    return [action for text in steps if (action := parse_step(text)) is not None]


def _missing(wanted: TaskInstance, planned: Sequence[Action], done: Sequence[Action]) -> str | None:
    """The first core step of a task that is planned and not done in its place in the order."""
    rest, ahead = iter(done), list(planned)
    for core in wanted.core:
        place = next((i for i, step in enumerate(ahead) if _is(step, core)), None)
        if place is None:  # left out, for it is done already
            continue
        ahead = ahead[place + 1 :]
        if not any(_is(step, core) for step in rest):
            return core.name.replace("_", " ")
    return None


def _is(step: Action, core: Action) -> bool:
    """Whether a step is what a task asks for; sides, counts and durations count if it names any."""
    same = step.name == core.name or {step.name, core.name} == {"walk", "carry"}
    return same and all(step[slot] == value for slot, value in core.values)


def _bare(task: TaskInstance) -> TaskInstance:
    """The task without side, count and duration."""
    return TaskInstance(task.name, tuple(v for v in task.values if v[0] not in _OPTIONS))
