"""Numbered steps: strictly read, written so that they are read back."""

import pytest

from motion.errors import MotionError, PlanError
from motion.tasks.planning.parsing import format_steps, parse_steps


def test_steps_come_back():
    steps = ("walk to the sink", "wash the hands for 5 seconds", "bow")
    text = format_steps(steps)
    assert text == "1. walk to the sink 2. wash the hands for 5 seconds 3. bow"
    assert parse_steps(text) == steps
    assert parse_steps("1. bow\n2.   walk  forward\n") == ("bow", "walk forward")
    assert format_steps(["bow"]) == "1. bow"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected numbered steps"),
        ("bow", "expected numbered steps"),
        ("first bow 1. bow", "expected numbered steps"),
        ("1. bow 3. walk", r"numbered 1, 2, 3, ... in order, got \[1, 3\]"),
        ("2. bow", r"in order, got \[2\]"),
        ("1. bow 1. walk", r"in order, got \[1, 1\]"),
        ("1. a 2. b 3. c 4. d 5. e 6. f", "a plan has 1 to 5 steps, got 6"),
        ("1. a b c d e f g h i j k", "step 1 must have 1 to 10 words, got 11"),
        ("1. bow 2. ", "."),
    ],
)
def test_what_is_no_plan_is_refused(text: str, said: str):
    with pytest.raises(PlanError, match=said):
        parse_steps(text)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "a plan has 1 to 5 steps, got 0"),
        (["bow", " "], "step 2 must have 1 to 10 words, got 0"),
        (["bow 2. walk"], "step 1 must not hold a number with a dot"),
        (["bow"] * 6, "got 6"),
    ],
)
def test_what_cannot_be_read_back_is_not_written(steps: list[str], said: str):
    with pytest.raises(PlanError, match=said):
        format_steps(steps)


def test_plan_errors_are_errors_of_the_package():
    assert issubclass(PlanError, MotionError)
