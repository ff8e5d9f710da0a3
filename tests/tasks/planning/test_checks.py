"""Checks of plans: what the grammar answers passes, and what is spoilt does not."""

import random
from collections.abc import Callable

import pytest

from motion.tasks.examples import TaskExample
from motion.tasks.planning.checks import (
    check_answer,
    check_next_steps,
    check_next_task,
    check_plan,
    check_scene,
    check_summary,
)
from motion.tasks.planning.days import make_examples
from motion.tasks.planning.parsing import format_steps, parse_steps

KITCHEN = (
    "a kitchen with a sink, a shelf and a chair; a cup is on the table; a friend is at the window"
)
FETCH = ["walk to the table", "pick up the cup with the right hand"]


@pytest.fixture(scope="module")
def gold() -> list[TaskExample]:
    """Some of the examples of scenes that training never sees."""
    return list(make_examples("test", 160, seed=1))


def test_what_the_grammar_answers_passes(gold: list[TaskExample]):
    assert len({example.task for example in gold}) == 5
    for example in gold:
        verdict = check_answer(example.task, example.fields, example.answer)
        assert verdict is not None
        assert verdict.ok, (example, verdict)
        assert verdict.broken == ()


Spoil = Callable[[list[str], random.Random], list[str] | None]


def drop_one(steps: list[str], rng: random.Random) -> list[str] | None:
    place = rng.randrange(len(steps))
    return steps[:place] + steps[place + 1 :] or None


def drop_walks(steps: list[str], rng: random.Random) -> list[str] | None:
    del rng
    return [step for step in steps if not step.startswith(("walk to", "carry"))] or None


def turn_round(steps: list[str], rng: random.Random) -> list[str] | None:
    del rng
    return steps[::-1]


def add_one(steps: list[str], rng: random.Random) -> list[str] | None:
    place = rng.randrange(len(steps) + 1)
    return None if len(steps) == 5 else [*steps[:place], "kick with the left leg", *steps[place:]]


def go_on(steps: list[str], rng: random.Random) -> list[str] | None:
    del rng
    return None if len(steps) == 5 else [*steps, "walk to the window"]


def other_noun(steps: list[str], rng: random.Random) -> list[str] | None:
    """Things and places that are in no scene."""
    del rng
    return [step.replace("walk to the ", "walk to the no") for step in steps]


def swap_things(steps: list[str], rng: random.Random) -> list[str] | None:
    del rng
    spoilt = [step.replace("pick up the ", "pick up the hammer") for step in steps]
    return [step.split("hammer")[0] + "hammer" if "hammer" in step else step for step in spoilt]


@pytest.mark.parametrize(
    ("spoil", "least"),
    [
        (drop_one, 0.95),
        (drop_walks, 0.9),
        (turn_round, 0.95),
        (add_one, 1.0),
        (go_on, 1.0),
        (other_noun, 1.0),
        (swap_things, 1.0),
    ],
)
def test_spoilt_steps_fail(gold: list[TaskExample], spoil: Spoil, least: float):
    """A few are no worse than before: another order may do, and a part may be a task as well."""
    rng = random.Random(0)
    failed: list[bool] = []
    for example in gold:
        if "scene" not in example.fields or example.task == "plan_next_task":
            continue
        steps = list(parse_steps(example.answer))
        spoilt = spoil(steps, rng)
        if spoilt is not None and spoilt != steps:
            verdict = check_answer(example.task, example.fields, format_steps(spoilt))
            assert verdict is not None
            assert verdict.ok == (not verdict.broken)
            failed.append(not verdict.ok)
    assert len(failed) >= 8
    assert sum(failed) / len(failed) >= least


def test_answers_to_other_questions_fail(gold: list[TaskExample]):
    rng = random.Random(0)
    for task, least in (
        ("plan_next_task", 0.85),
        ("decompose_task", 0.97),
        ("plan_next_steps", 0.85),
    ):
        group = [example for example in gold if example.task == task and "scene" in example.fields]
        others = [rng.choice(group).answer for _ in group]
        verdicts = [
            check_answer(task, example.fields, other)
            for example, other in zip(group, others, strict=True)
            if example.answer != other
        ]
        assert sum(not verdict.ok for verdict in verdicts if verdict) >= least * len(verdicts)


def test_a_step_that_is_not_possible_is_named():
    verdict = check_plan(KITCHEN, "drink from the cup", ["drink from the cup with the right hand"])
    assert not verdict.state_ok
    assert verdict.broken[0] == (
        "step 1, 'drink from the cup with the right hand': the cup is not in the hand"
    )
    verdict = check_plan(KITCHEN, "drink from the cup", ["walk to the fridge"])
    assert any("there is no fridge here" in text for text in verdict.broken)


def test_one_must_stand_up_first():
    scene = f"{KITCHEN}; you sit on the chair"
    steps = [*FETCH, "drink from the cup with the right hand"]
    assert check_plan(KITCHEN, "drink from the cup", steps).ok
    verdict = check_plan(scene.replace("a sink, ", ""), "drink from the cup", steps)
    assert (verdict.state_ok, verdict.goal_ok, verdict.order_ok) == (False, True, True)
    assert "cannot be done while sitting" in verdict.broken[0]
    assert check_plan(scene, "drink from the cup", ["stand up", *steps]).ok


@pytest.mark.parametrize(
    ("task", "steps"),
    [
        ("say hello to the friend with the left hand", ["wave to the friend with the right hand"]),
        ("say hello to the friend twice", ["wave to the friend with the right hand three times"]),
        ("say hello to the friend twice", ["wave to the friend with the right hand"]),
        ("greet the friend", ["wave to the friend with the right hand"]),
    ],
)
def test_sides_and_counts_that_were_asked_for_are_kept(task: str, steps: list[str]):
    verdict = check_plan(KITCHEN, task, ["walk to the friend", *steps])
    assert (verdict.state_ok, verdict.goal_ok) == (True, False)


def test_other_ways_that_do_it_are_right():
    steps = ["go to the window", "wave with the left hand to the friend"]
    assert not check_plan(KITCHEN, "say hello to the friend", steps).parsed
    steps = ["go to the window", "wave to the friend with the left hand twice"]
    assert check_plan(KITCHEN, "say hello to the friend", steps).ok


def test_order_is_told_apart_from_what_is_missing():
    task = "say goodbye to the friend"
    steps = ["walk to the friend", "bow to the friend", "wave to the friend with the right hand"]
    assert check_plan(KITCHEN, task, steps).ok
    verdict = check_plan(KITCHEN, task, [steps[0], steps[2], steps[1]])
    assert (verdict.order_ok, verdict.goal_ok, verdict.state_ok) == (False, True, True)
    verdict = check_plan(KITCHEN, task, steps[:2])
    assert (verdict.order_ok, verdict.goal_ok, verdict.state_ok) == (True, False, True)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("walk and bow", "expected numbered steps"),
        ("1. fly to the moon", "'fly to the moon' is no step of the grammar"),
        ("", "expected numbered steps"),
    ],
)
def test_what_is_no_plan_is_not_parsed(steps: str, said: str):
    for verdict in (
        check_plan(KITCHEN, "drink from the cup", steps),
        check_next_steps(KITCHEN, "drink from the cup", steps),
        check_summary(steps, "drink from the cup"),
    ):
        assert not verdict.parsed
        assert not verdict.ok
        assert said in verdict.broken[0]


def test_tasks_that_are_none_or_not_possible_are_named():
    assert check_plan(KITCHEN, "fly", ["bow"]).broken == ("'fly' is no task of the grammar",)
    verdict = check_plan(KITCHEN, "drink from the glass", FETCH)
    assert verdict.broken == ("'drink from the glass' cannot be done in this scene",)


def test_without_a_scene_everything_is_somewhere():
    steps = ["walk to the cup", *FETCH[1:], "drink from the cup with the right hand"]
    assert check_plan("", "drink from the cup", steps).ok
    assert not check_plan("", "drink from the cup", steps[1:]).ok


@pytest.mark.parametrize(
    ("answer", "ok"),
    [
        ("put the cup away on the shelf", True),
        ("wash the cup at the sink", True),
        ("drink from the cup", False),
        ("dance", False),
        ("put the glass away on the shelf", False),
        ("go to the stars", False),
    ],
)
def test_the_next_task_is_possible_new_and_on_the_way(answer: str, ok: bool):
    assert check_next_task(KITCHEN, "drink from the cup", answer).ok == ok
    steps = format_steps([*FETCH, "drink from the cup with the right hand"])
    assert check_next_task(KITCHEN, steps, answer).ok == ok


def test_the_state_is_carried_on_to_the_next_steps():
    away = ["walk to the shelf", "put the cup on the shelf"]
    assert check_next_steps(KITCHEN, "drink from the cup", away).ok
    assert check_next_steps(KITCHEN, "drink from the cup with the left hand", away).ok
    assert not check_next_steps(KITCHEN, "greet the friend", away).ok
    assert not check_next_steps(KITCHEN, "drink from the cup", [*FETCH, *away]).ok
    assert "nothing can follow" in check_next_steps(KITCHEN, "read the book", away).broken[0]


def test_what_is_not_understood_has_no_next_task():
    verdict = check_next_task(KITCHEN, "build a house", "drink from the cup")
    assert "'build a house' is not understood" in verdict.broken[0]


def test_summaries_speak_of_all_steps():
    steps = "1. walk to the guest 2. bow to the guest 3. wave to the guest with the right hand"
    assert check_summary(steps, "say goodbye to the guest").ok
    verdict = check_summary(steps, "say hello to the guest")
    assert verdict.broken == ("'bow to the guest' is no part of it",)
    assert not check_summary(steps, "say goodbye to the friend").ok
    assert not check_summary(steps, "say goodbye to the guest twice").ok
    assert not check_summary(steps, "bye bye").parsed


def test_scenes_have_what_is_spoken_of():
    assert check_scene("wash your hands at the sink", "a kitchen with a sink").ok
    assert check_scene("wash your hands at the sink", "a bathroom with a mirror and a sink").ok
    assert check_scene("put the cup on the table", "a kitchen").broken == ("there is no table",)
    verdict = check_scene("wash your hands at the sink", "an office with a sink")
    assert verdict.broken == ("no sink is in a office",)
    assert not check_scene("bow", "somewhere").parsed


def test_real_captions_are_not_judged():
    fields = {"task": "a person walks forward and then turns"}
    assert check_answer("decompose_task", fields, "1. walk forward 2. turn") is None
    fields = {"scene": "a spaceship with a table", "task": "drink from the cup"}
    assert check_answer("plan_next_task", fields, "rest") is None
    assert check_answer("summarize_steps", {"steps": "1. swim"}, "swim") is None
