"""Is a plan right? Its steps are done one after the other in the world that a scene describes.

What is asked may be any text of the grammar; what is answered may be any text at all.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from motion.errors import PlanError
from motion.tasks.planning.actions import Action, parse_step
from motion.tasks.planning.parsing import parse_steps
from motion.tasks.planning.routines import (
    Plan,
    TaskInstance,
    followers,
    make_plan,
    parse_task,
    possible_tasks,
    task_kinds,
)
from motion.tasks.planning.scenes import parse_scene, scene_kinds
from motion.tasks.planning.stock import stock
from motion.tasks.planning.world import State, lacks, perform

_PREPARES = ("walk", "run", "carry", "stand_up", "put_down", "put", "pick_up")
"""Steps that serve others and are no task of their own."""
_LEFT_OUT = ("walk", "pick_up", "sit_down", "lie_down", "kneel_down")
"""Core steps that a plan leaves out where the state has what they bring about."""


@dataclass(frozen=True, kw_only=True)
class PlanVerdict:
    """What is right and what is wrong with an answer."""

    parsed: bool = True
    """It has the form: numbered steps, or a task or scene, in words of the grammar."""
    order_ok: bool = True
    """What must come first comes first."""
    state_ok: bool = True
    """Each step can be done when it is its turn; a task can be done at all."""
    goal_ok: bool = True
    """It is what was asked for, with its sides, counts and durations, and nothing else."""
    broken: tuple[str, ...] = ()
    """Each thing that is wrong, in words."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.parsed and self.order_ok and self.state_ok and self.goal_ok


def check_plan(scene: str, task: str, steps: str | Sequence[str]) -> PlanVerdict:
    """Whether steps do a task in a scene.

    Args:
        scene: How things stand before; empty: not known, everything is somewhere.
        task: What is to be done, in words of the grammar.
        steps: ``1. ... 2. ...``, or the steps one by one.
    """
    state = parse_scene(scene)
    actions, broken = _read(steps)
    if broken:
        return _unreadable(broken)
    wanted = parse_task(task)
    plan = make_plan(state, wanted) if wanted else None
    if plan is None:
        why = "cannot be done in this scene" if wanted else "is no task of the grammar"
        return PlanVerdict(goal_ok=False, broken=(f"'{task}' {why}",))
    return _judge(plan, actions)


def check_next_steps(scene: str, current: str, steps: str | Sequence[str]) -> PlanVerdict:
    """Whether steps do some task that may follow the current one, from where that ends.

    Args:
        scene: How things stand before the current task.
        current: The current task, or its steps as ``1. ... 2. ...``.
        steps: The steps that are to follow.
    """
    actions, broken = _read(steps)
    if broken:
        return _unreadable(broken)
    verdicts = [
        _judge(plan, actions)
        for now in _current(parse_scene(scene), current)
        for group in followers(now)
        for plan in group
    ]
    if not verdicts:
        return PlanVerdict(goal_ok=False, broken=(f"nothing can follow '{current}' here",))
    best = min(verdicts, key=lambda verdict: (len(verdict.broken), verdict.broken))
    if best.ok or not best.state_ok:
        return best
    why = f"these steps are no task that follows; the nearest: {'; '.join(best.broken)}"
    return replace(best, broken=(why,))


def check_next_task(scene: str, current: str, answer: str) -> PlanVerdict:
    """Whether a task may follow the current one: possible then, new, and on the routine's way.

    Args:
        scene: How things stand before the current task.
        current: The current task, or its steps as ``1. ... 2. ...``.
        answer: The next task.
    """
    wanted = parse_task(answer)
    if wanted is None:
        return _unreadable((f"'{answer}' is no task of the grammar",))
    plans = list(_current(parse_scene(scene), current))
    possible = [now for now in plans if make_plan(now.end, wanted) is not None]
    if not possible:
        what = "cannot be done then" if plans else f"cannot follow: '{current}' is not understood"
        return PlanVerdict(state_ok=False, goal_ok=False, broken=(f"'{answer}' {what}",))
    for now in possible:
        names = {group[0].task.name for group in followers(now)}
        if wanted.name in names:
            return PlanVerdict()
    usual = ", ".join(sorted(names)).replace("_", " ")
    why = f"'{answer}' does not follow '{current}'; possible: {usual}"
    return PlanVerdict(goal_ok=False, order_ok=False, broken=(why,))


def check_summary(steps: str | Sequence[str], answer: str) -> PlanVerdict:
    """Whether a task is what steps do, all of them."""
    actions, broken = _read(steps)
    wanted = parse_task(answer)
    if wanted is None or broken:
        return _unreadable(broken or (f"'{answer}' is no task of the grammar",))
    absent = unnamed(wanted, actions)
    core = [c for c in wanted.core if c.name not in _LEFT_OUT or any(_is(a, c) for a in actions)]
    missing = _unmatched(core, actions)
    extra = [a for a in actions if a.name not in _PREPARES and not any(_is(a, c) for c in core)]
    broken = tuple(
        [f"no step speaks of the {noun}" for noun in absent]
        + [f"no step, or not in its place: {c.name.replace('_', ' ')}" for c in missing]
        + [f"'{action.write()}' is no part of it" for action in extra if not _sits(action)]
    )
    return PlanVerdict(goal_ok=not broken, broken=broken)


def unnamed(whole: TaskInstance, steps: Sequence[Action]) -> list[str]:
    """Nouns of a task that its steps do not speak of; a place need not be named if none is."""
    named = {value for step in steps for _, value in step.values}
    places = stock().places
    optional = not any(noun in named for noun in places)
    nouns = (noun for noun in whole.nouns.values() if noun not in named)
    return [noun for noun in nouns if not (optional and noun in places)]


def check_scene(doing: str, answer: str) -> PlanVerdict:
    """Whether a scene is of a known kind, has what is spoken of and only what its kind may have."""
    state = parse_scene(answer)
    if not state.kind:
        return _unreadable((f"'{answer}' names no known kind of scene",))
    named = [place for place in re.findall(r"[a-z]+", doing.lower()) if place in stock().places]
    kind = scene_kinds()[state.kind]
    broken = [f"there is no {place}" for place in dict.fromkeys(named) if place not in state.places]
    broken += [
        f"no {place} is in a {kind.name}" for place in state.places if place not in kind.places
    ]
    return PlanVerdict(goal_ok=not broken, broken=tuple(broken))


def check_answer(task: str, fields: Mapping[str, str], answer: str) -> PlanVerdict | None:
    """Judge the answer to a question of a planning task.

    Args:
        task: Name of an entry of ``TASKS``.
        fields: Texts that the prompt carried.
        answer: What was answered.

    Returns:
        None if the question is not of the grammar, so that nothing can be said.
    """
    scene = fields.get("scene", "")  # Two of the tasks read none.
    given = fields["steps"] if "steps" in fields else fields["task"]
    is_known = not _read(given)[1] if "steps" in fields else parse_task(given) is not None
    if not is_known or (scene and not parse_scene(scene).kind):
        return None
    if task == "plan_next_task":
        return check_next_task(scene, given, answer)
    if task == "plan_next_steps":
        return check_next_steps(scene, given, answer)
    if task == "decompose_task":
        return check_plan(scene, given, answer)
    return (check_summary if task == "summarize_steps" else check_scene)(given, answer)


def _unreadable(broken: tuple[str, ...]) -> PlanVerdict:
    return PlanVerdict(parsed=False, order_ok=False, state_ok=False, goal_ok=False, broken=broken)


def _read(steps: str | Sequence[str]) -> tuple[list[Action], tuple[str, ...]]:
    """Steps as actions, and what cannot be read."""
    try:
        texts = parse_steps(steps) if isinstance(steps, str) else tuple(steps)
    except PlanError as error:
        return [], (str(error),)
    actions = [(text, parse_step(text)) for text in texts]
    unknown = tuple(f"'{text}' is no step of the grammar" for text, action in actions if not action)
    return [action for _, action in actions if action is not None], unknown


def _judge(plan: Plan, actions: Sequence[Action]) -> PlanVerdict:
    """Do the steps from the first state of a plan and compare with what the plan needs."""
    state, lacking, done = plan.start, [], []
    for number, action in enumerate(actions, 1):
        done.append(_as_worded(plan, state, action))
        found = next(iter(lacks(state, action)), None)
        if found is not None:
            lacking.append(f"step {number}, '{action.write()}': {found}")
        state = perform(state, action)
    missing = [core for core in plan.needed if not any(_is(a, core) for a in done)]
    late = [] if missing else _unmatched(plan.needed, done)
    goal = [f"no step does: {core.write() if _can_write(core) else core.name}" for core in missing]
    goal += [f"'{action.write()}' is no part of the task" for action in _extra(plan, done)]
    goal += _other_end(plan, state)
    order = [f"not in its place: {core.name.replace('_', ' ')}" for core in late]
    return PlanVerdict(
        order_ok=not order,
        state_ok=not lacking,
        goal_ok=not goal,
        broken=(*lacking, *goal, *order),
    )


def _as_worded(plan: Plan, state: State, action: Action) -> Action:
    """Going to where somebody is counts as going to them, if that is what the task needs."""
    if action.kind.then != "move":
        return action
    place = state.location(action["target"] or "")
    targets = [core["target"] for core in plan.needed if core.name == "walk"]
    same = [target for target in targets if target and state.location(target) == place]
    return action.changed(target=same[0]) if same else action


def _can_write(core: Action) -> bool:
    slots = set(core.kind.say[0].slots) - core.kind.say[0].optional - {"on"}
    return slots <= {slot for slot, _ in core.values}


def _is(action: Action, core: Action) -> bool:
    """Whether a step is a core step; sides, counts and durations count if the task names them."""
    moves = core.name == "walk" and action.kind.then == "move"
    same = action.name == core.name or moves
    return same and all(action[slot] == value for slot, value in core.values)


def _unmatched(core: Sequence[Action], actions: Sequence[Action]) -> list[Action]:
    """Core steps that are not found one after the other among the steps."""
    rest = iter(actions)
    return [step for step in core if not any(_is(action, step) for action in rest)][:1]


def _extra(plan: Plan, actions: Sequence[Action]) -> Iterator[Action]:
    """Steps that neither belong to the task nor can prepare a later step of it."""
    picked = [step["obj"] for step in plan.steps if step.name == "pick_up"]
    left = list(plan.needed)
    for action in actions:
        core = next((step for step in left if _is(action, step)), None)
        if core is not None:
            left.remove(core)
            continue
        for_nothing = not left or (action.name == "pick_up" and action["obj"] not in picked)
        if for_nothing or action.name not in _PREPARES:
            yield action


def _other_end(plan: Plan, end: State) -> Iterator[str]:
    """Things of the task that are not where it would bring them."""
    thing = plan.task["obj"]
    if thing is None:
        return
    held, wanted = end.holder(thing) is not None, plan.end.holder(thing) is not None
    if held != wanted or (not held and end.location(thing) != plan.end.location(thing)):
        yield f"the {thing} is not where it should be in the end"


def _sits(action: Action) -> bool:
    return action.name in _LEFT_OUT


def _current(state: State, text: str) -> Iterator[Plan]:
    """Plans of the current task; of its steps, all that they may be."""
    now = parse_task(text)
    if now is not None:
        plan = make_plan(state, now)
        if plan is not None:
            yield plan
        return
    actions, broken = _read(text)
    if broken:
        return
    names = {action.name for action in actions}
    for name, kind in task_kinds().items():
        if all(core in names or core in _LEFT_OUT for core, _ in kind.core):
            for plan in possible_tasks(state, name):
                verdict = _judge(plan, actions)
                if verdict.ok:
                    yield replace(plan, end=_after(state, actions))


def _after(state: State, actions: Sequence[Action]) -> State:
    for action in actions:
        state = perform(state, action)
    return state
