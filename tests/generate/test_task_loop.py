"""The loop's planning is bounded: silent, stubborn, babbling and failing planners all end."""

from collections.abc import Sequence

import pytest

from motion.errors import RequestError
from motion.generate.task_loop import DEFAULT_TASKS, LoopConfig, PlannedTask, TaskLoop, WordPlanner


class ScriptedPlanner:
    """Says the same tasks round and round, and the same steps; counts what it is asked."""

    def __init__(self, tasks: Sequence[str] = ("",), steps: Sequence[str] = ()) -> None:
        self.tasks, self.given_steps, self.asked, self.seeds = tasks, steps, 0, []

    def next_task(self, scene: str | None, task: str, history: Sequence[str], seed: int) -> str:
        self.asked += 1
        self.seeds.append(seed)
        return self.tasks[(self.asked - 1) % len(self.tasks)]

    def steps(self, scene: str | None, task: str, seed: int) -> Sequence[str]:
        self.asked += 1
        return self.given_steps


class FailingPlanner:
    def next_task(self, scene: str | None, task: str, history: Sequence[str], seed: int) -> str:
        raise RequestError("no idea")

    def steps(self, scene: str | None, task: str, seed: int) -> Sequence[str]:
        raise RequestError("no idea")


def run(loop: TaskLoop, count: int) -> list[PlannedTask]:
    done = [loop.first("a kitchen", "make tea", 0)]
    for seed in range(1, count):
        done.append(loop.next("a kitchen", [one.task for one in done], seed))
    return done


@pytest.mark.parametrize(
    "planner",
    [
        WordPlanner(),
        FailingPlanner(),
        ScriptedPlanner(),
        ScriptedPlanner(["make tea", "Make   TEA!"], ["", "  ", "..."]),
        ScriptedPlanner(["walk in", "sit down"], ["walk", "walk"]),
        ScriptedPlanner(["\n\t", "?!"], ["x" * 5000]),
    ],
    ids=["words", "failing", "silent", "stubborn", "two tasks", "babbling"],
)
def test_no_task_comes_back_soon_and_every_task_has_steps(planner):
    config = LoopConfig()
    done = run(TaskLoop(planner, config), 40)
    names = [one.task.lower() for one in done]
    for place, name in enumerate(names):
        assert name not in names[max(place - config.remembered, 0) : place]
        assert done[place].steps
        assert all(step.strip() and len(step) <= 200 for step in done[place].steps)


def test_questions_are_counted():
    planner = ScriptedPlanner(["make tea"])
    loop = TaskLoop(planner, LoopConfig(retries=2))
    found = loop.next(None, ["make tea"], 5)
    assert planner.asked == 3 + 3  # tasks, then steps
    assert len(set(planner.seeds)) == 3
    assert found.task == DEFAULT_TASKS[1]
    assert found.fallback == ("task", "steps")
    assert (found.task_attempts, found.steps_attempts) == (3, 3)
    assert found.steps == (found.task,)


def test_a_new_task_is_taken_at_once_and_a_repeated_one_asked_for_again():
    planner = ScriptedPlanner(["make tea", "drink tea"], ["lift the cup", "drink"])
    found = TaskLoop(planner).next("a kitchen", ["make tea"], 0)
    assert (found.task, found.task_attempts, found.fallback) == ("drink tea", 2, ())
    assert found.steps == ("lift the cup", "drink")


def test_neighbours_that_say_the_same_are_one_step_and_plans_end():
    planner = ScriptedPlanner(["x"], ["Walk.", "walk", "sit", "walk", *"abcdefghij"])
    found = TaskLoop(planner, LoopConfig(most_steps=4)).first(None, "go", 0)
    assert found.steps == ("Walk.", "sit", "walk", "a")


def test_without_a_model_a_sentence_is_taken_apart():
    found = TaskLoop(WordPlanner()).first(None, "a person walks, then sits down", 0)
    assert found.steps == ("a person walks", "sits down")


def test_bounds_are_checked():
    with pytest.raises(RequestError, match="retries must lie in 0 to 32 and remembered in 0 to 5"):
        LoopConfig(remembered=6)
