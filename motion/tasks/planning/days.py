"""Examples from days: tasks that follow each other in a scene, with the state carried on."""

import random
from collections.abc import Iterator

from motion.errors import PlanError
from motion.tasks.examples import TaskExample
from motion.tasks.planning.checks import unnamed
from motion.tasks.planning.parsing import format_steps
from motion.tasks.planning.routines import (
    Plan,
    TaskInstance,
    followers,
    going_on,
    make_plan,
    possible_tasks,
    task,
    task_kinds,
)
from motion.tasks.planning.scenes import (
    SceneKind,
    article,
    draw_scene,
    listed,
    scene_kinds,
    write_scene,
)
from motion.tasks.planning.thoughts import think_next_steps, think_next_task, think_steps
from motion.tasks.planning.wording import PHRASES
from motion.tasks.planning.world import State

LONGEST_DAY = 3
"""Tasks in a row."""
_USUAL = 0.6
"""Chance that the usual of the tasks that may follow does follow; else the next one, and so on."""
_SCENES_TRIED = 12
"""Scenes drawn for a task that is not possible in each."""
_OTHER_WORDING = 0.3
"""Chance of a step that is read, not written, to be in another wording."""


def make_examples(split: str, count: int, seed: int) -> Iterator[TaskExample]:
    """Distinct examples in the scenes of one split.

    Args:
        split: train, val or test.
        count: How many.
        seed: The same seed gives the same examples.
    """
    rng = random.Random(f"{split} {seed}")
    kinds = [kind for kind in scene_kinds().values() if kind.split == split]
    seen: set[tuple[str, str, str]] = set()
    for number in range(count):  # A day gives several: this many days are more than enough.
        for example in _day(kinds[number % len(kinds)], rng):
            key = (example.task, str(sorted(example.fields.items())), example.answer)
            if key in seen:
                continue
            seen.add(key)
            yield example
            if len(seen) >= count:
                return


def _day(kind: SceneKind, rng: random.Random) -> Iterator[TaskExample]:
    plan = _first_task(kind, rng)
    for _ in range(LONGEST_DAY):
        if plan is None:
            return
        groups = followers(plan)
        if not groups:
            return
        index = 0
        while index + 1 < len(groups) and rng.random() > _USUAL:
            index += 1
        following = rng.choice(going_on(plan, groups[index]))
        yield from _examples(plan, following, rng)
        plan = _with_options(following, rng)


def _first_task(kind: SceneKind, rng: random.Random) -> Plan | None:
    """Some task in a scene of a kind in which it is possible; all tasks are as likely as can be."""
    name = rng.choice(list(task_kinds()))
    for _ in range(_SCENES_TRIED):
        plans = list(possible_tasks(draw_scene(kind, rng), name))
        if plans:
            return _with_options(rng.choice(plans), rng)
    return None


def _with_options(plan: Plan, rng: random.Random) -> Plan:
    """The same task now and then with a side, a count or a duration."""
    slots = {slot for wording in plan.task.kind.say for slot in wording.optional}
    values = dict(plan.task.values)
    for slot in sorted(slots):
        if rng.random() < 0.4:
            choices = [value for value in PHRASES[slot] if value != "both"]
            values[slot] = rng.choice(choices)
    found = make_plan(plan.start, task(plan.task.name, **values))
    return found if found is not None and _steps(found, None) else plan


def _examples(now: Plan, following: Plan, rng: random.Random) -> Iterator[TaskExample]:
    group = now.start.kind
    scene, answer = write_scene(now.start, rng), _steps(following, None)
    if scene is not None and answer and len(now.steps) > 1 and len(following.steps) > 1:
        for name in ("plan_next_task", "plan_next_steps"):
            to_task = name == "plan_next_task"
            thought = (think_next_task if to_task else think_next_steps)(now, following)
            yield TaskExample(
                task=name,
                fields={"scene": scene, **_input(now, rng)},
                answer=following.task.write() if to_task else answer,
                thought=thought,
                group=group,
            )
    if scene is not None and len(now.steps) > 1:
        fields = {"scene": scene, "task": _name(now.task, rng)}
        yield _decomposed(now, fields)
    if rng.random() < 0.3:
        alone = make_plan(State(open_world=True), now.task)
        if alone is not None and _steps(alone, None):
            yield _decomposed(alone, {"task": _name(now.task, rng)}, group)
    if rng.random() < 0.5 and len(now.steps) > 1:
        fields, whole = {"steps": _steps(now, rng)}, summary(now.task)
        if not unnamed(whole, now.steps):
            yield TaskExample(
                task="summarize_steps", fields=fields, answer=whole.write(), group=group
            )
    if rng.random() < 0.5:
        yield from _estimate(now, rng)


def _decomposed(plan: Plan, fields: dict[str, str], group: str = "") -> TaskExample:
    return TaskExample(
        task="decompose_task",
        fields=fields,
        answer=_steps(plan, None),
        thought=think_steps(plan),
        group=group or plan.start.kind,
    )


def summary(whole: TaskInstance) -> TaskInstance:
    """The task without its side, which steps name even if the task leaves it open."""
    values = {slot: value for slot, value in whole.values if slot not in ("hand", "leg")}
    return task(whole.name, **values)


def _estimate(now: Plan, rng: random.Random) -> Iterator[TaskExample]:
    fields = _input(now, rng)
    text = " ".join(fields.values())
    named = [place for place in now.start.places if place in text.replace(".", " ").split()]
    if not named:
        return
    places = [article(place) for place in named]
    yield TaskExample(
        task="estimate_scene",
        fields=fields,
        answer=f"{article(now.start.kind)} with {listed(places)}",
        group=now.start.kind,
    )


def _input(now: Plan, rng: random.Random) -> dict[str, str]:
    """The task, or its steps."""
    return {"task": _name(now.task, rng)} if rng.random() < 0.5 else {"steps": _steps(now, rng)}


def _name(whole: TaskInstance, rng: random.Random) -> str:
    return whole.write(rng.randrange(len(whole.kind.say)))


def _steps(plan: Plan, rng: random.Random | None) -> str:
    """The steps in words, in other wordings now and then; empty if a step is too long."""
    texts = []
    for step in plan.steps:
        other = rng is not None and rng.random() < _OTHER_WORDING
        texts.append(step.write(rng.randrange(len(step.kind.say)) if rng and other else 0))
    try:
        return format_steps(texts)
    except PlanError:
        return ""


def question_of(example: TaskExample) -> tuple[str, str]:
    """Task and fields of an example."""
    return example.task, str(sorted(example.fields.items()))
