"""What answers to planning tasks are worth, on answers that are right and wrong in known ways."""

from dataclasses import replace

import pytest

from motion.errors import RequestError
from motion.evaluate.plan_scores import (
    RULES,
    SHARES,
    common_subsequence,
    is_known,
    score_plan,
    summary_of,
)
from motion.generate.plan_requests import Plan
from motion.tasks.examples import TaskExample
from motion.tasks.planning.parsing import format_steps, parse_steps

SCENE = "a kitchen with a table and a sink; a cup is on the table; you are at the sink"
STEPS = (
    "walk to the table",
    "pick up the cup with the right hand",
    "drink from the cup with the right hand",
)
EXAMPLE = TaskExample(
    task="decompose_task",
    fields={"scene": SCENE, "task": "drink from the cup"},
    answer=format_steps(STEPS),
)
CAPTION = TaskExample(
    task="decompose_task",
    fields={"task": "a man hobbles about and then shrugs"},
    answer="1. hobble about 2. shrug",
)


def plan_of(text: str, **changes: object) -> Plan:
    return replace(Plan(want="steps", text=text, steps=parse_steps(text)), **changes)


def test_the_reference_is_perfect():
    score = score_plan(EXAMPLE, plan_of(EXAMPLE.answer))
    assert (score.parses, score.known, score.executable, score.goal) == (True,) * 4
    assert (score.sound, score.exact, score.lcs) == (True, True, 1.0)


@pytest.mark.parametrize(
    ("steps", "executable", "goal", "lcs"),
    [
        (STEPS[1:], False, True, 2 / 3),  # the cup is out of reach
        (STEPS[:2], True, False, 2 / 3),  # nobody drinks
        ((STEPS[0], STEPS[2], STEPS[1]), False, True, 2 / 3),
        ((*STEPS, "jump"), True, False, 3 / 4),
        (("stand still",), True, False, 0.0),
    ],
)
def test_what_is_wrong_is_seen(steps: tuple[str, ...], executable: bool, goal: bool, lcs: float):
    score = score_plan(EXAMPLE, plan_of(format_steps(steps)))
    assert (score.executable, score.goal) == (executable, goal)
    assert not score.sound
    assert not score.exact
    assert score.lcs == pytest.approx(lcs)


def test_a_default_is_no_answer():
    score = score_plan(EXAMPLE, plan_of(EXAMPLE.answer, fallback=True, attempts=5))
    assert (score.parses, score.known, score.sound, score.exact) == (False, True, False, False)
    assert score.attempts == 5


def test_real_captions_are_held_to_the_reference_alone():
    assert is_known(EXAMPLE)
    assert not is_known(CAPTION)
    score = score_plan(CAPTION, plan_of("1. Hobble about. 2. wave"))
    assert (score.parses, score.known, score.exact, score.lcs) == (True, False, False, 0.5)


def test_phrases_are_compared_by_words():
    example = TaskExample(
        task="plan_next_task", fields=dict(EXAMPLE.fields), answer="put the cup away on the table"
    )
    found = "put the cup on the table"
    score = score_plan(example, Plan(want="next_task", text=found, task=found))
    assert score.lcs == pytest.approx(6 / 7)


@pytest.mark.parametrize(
    ("first", "second", "length"),
    [("", "abc", 0), ("abc", "abc", 3), ("abcd", "bd", 2), ("abc", "cab", 2), ("aab", "ab", 2)],
)
def test_common_subsequence(first: str, second: str, length: int):
    assert common_subsequence(first, second) == length
    assert common_subsequence(second, first) == length


def test_sums_count_what_they_rest_on():
    answers = [EXAMPLE.answer, format_steps(STEPS[:2]), "1. hobble about 2. shrug"]
    examples = [EXAMPLE, EXAMPLE, CAPTION]
    scores = [score_plan(e, plan_of(a)) for e, a in zip(examples, answers, strict=True)]
    found = summary_of(scores)
    assert (found["answers"], found["of the grammar"]) == (3, 2)
    assert found["sound"] == {
        "share": 0.5,
        "interval": pytest.approx([0.0945, 0.9055], abs=1e-3),
        "of": 2,
    }
    assert found["parses"]["share"] == 1.0  # type: ignore[index]
    assert found["exact"]["share"] == pytest.approx(2 / 3)  # type: ignore[index]
    assert found["lcs"] == pytest.approx((1 + 2 / 3 + 1) / 3)
    assert set(SHARES) <= set(RULES)


def test_nothing_cannot_be_summed_up():
    with pytest.raises(RequestError, match="there are no answers to sum up"):
        summary_of([])
