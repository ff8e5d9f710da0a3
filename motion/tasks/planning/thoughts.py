"""Short reasoning that leads to a plan: how things stand, what is needed, what to do."""

from motion.tasks.planning.routines import Plan
from motion.tasks.planning.scenes import person_clauses
from motion.tasks.planning.stock import stock
from motion.tasks.planning.world import FLOOR, State


def think_steps(plan: Plan) -> str:
    """Why a task takes these steps from its first state."""
    parts = [_standing(plan.start), *_needs(plan)]
    return f"{'; '.join(parts)}. so {_short(plan)}."


def think_next_task(now: Plan, following: Plan) -> str:
    """Why a task follows another one."""
    parts = [f"now: {now.task.write()}", f"then {_standing(now.end)}"]
    return f"{'; '.join(parts)}. next usual task: {following.task.write()}."


def think_next_steps(now: Plan, following: Plan) -> str:
    """Why these steps follow a task."""
    parts = [f"then {_standing(now.end)}", *_needs(following)]
    return f"{'; '.join(parts)}. next {following.task.write()}: {_short(following)}."


def _standing(state: State) -> str:
    return ", ".join(person_clauses(state, full=True)) or "you stand with free hands"


def _needs(plan: Plan) -> list[str]:
    """Where the things and people are that must be gone to."""
    if plan.start.open_world:
        return []
    nouns = [step["obj"] for step in plan.steps if step.name == "pick_up"]
    nouns += [plan.task["person"], plan.task["obj"]]
    parts = []
    for noun in dict.fromkeys(nouns):
        place = plan.start.location(noun) if noun else None
        if noun and place and plan.start.holder(noun) is None:
            word = "on" if place == FLOOR else stock().at(place)
            word = "at" if noun in stock().people else word
            parts.append(f"the {noun} is {word} the {place}")
    return parts


def _short(plan: Plan) -> str:
    """The steps, each by its name only."""
    return ", ".join(step.name.replace("_", " ") for step in plan.steps)
