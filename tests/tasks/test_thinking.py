"""Thinking control: which switch wins, and that a thought is begun only where it will fit."""

import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import pytest

from motion.errors import ConfigError, RequestError
from motion.tasks.task_table import TASKS
from motion.tasks.thinking import (
    THINKING_MODES,
    TaskNeed,
    ThinkingConfig,
    ThinkingNeed,
    checked_budget,
    checked_mode,
    decide_budget,
    estimate_need,
    read_switch,
    read_switches,
)

NEED = ThinkingNeed(
    tasks={
        "plan_next_task": TaskNeed(payload_tokens=(10, 20), thought_tokens=(30, 40), longest=55),
        "plan_next_steps": TaskNeed(payload_tokens=(50,), thought_tokens=(70,), longest=90),
    },
    not_worse=("plan_next_steps",),
)
ON = ThinkingConfig(mode="on", need=NEED)
AUTO = ThinkingConfig(need=NEED)
OFF = ThinkingConfig(mode="off", need=NEED)


@pytest.mark.parametrize(
    ("text", "rest", "switch"),
    [
        ("make tea /think", "make tea", True),
        ("/no_think make tea", "make tea", False),
        ("make /no_think tea", "make tea", False),
        ("make tea/think, please", "make tea/think, please", None),
        ("make tea./no_think", "make tea.", False),  # as in Qwen's own examples
        ("tea? /think.", "tea?.", True),
        ("well, /think, then", "well,, then", True),
        ("泡茶/no_think", "泡茶", False),
        ("お茶を。/think入れる", "お茶を。入れる", True),
        ("a\n/think\nb", "a\nb", True),
        ("/think", "", True),
        (" \n/no_think\t", "", False),
        ("", "", None),
        ("  plain  text ", "  plain  text ", None),
    ],
)
def test_a_switch_is_taken_out(text: str, rest: str, switch: bool | None):
    assert read_switch(text) == (rest, switch)


@pytest.mark.parametrize(
    ("text", "switch"),
    [
        ("/think /no_think", False),
        ("/no_think /think", True),
        ("/think\u3000/no_think\n/think", True),
        ("go /no_think there /think and /no_think back", False),
        ("/think " * 5000 + "/no_think", False),
        ("go!/think,/no_think", False),
    ],
)
def test_the_last_switch_wins(text: str, switch: bool):
    rest, found = read_switch(text)
    assert found is switch
    assert "think" not in rest
    assert read_switch(rest) == (rest, None)


@pytest.mark.parametrize(
    "text",
    [
        "/thinking",
        "/no_thinking about it",
        "/think_hard",
        "/think-tank",
        "/think2",
        "/thinké",
        "walk and/think",
        "read /usr/think/now",
        "read /home/no_think",
        "open ./think",
        "open ../no_think",
        "see http://think",
        "see //think",
        "~/think",
        "C:\\/think",
        "/think.txt",
        "/think/no_think",
        "/ think",
        "/Think",
        "think /no think",
        "no_think",
        "<think></think>",
        'the word "/think" in quotes',
        "café/think",
    ],
)
def test_parts_of_words_and_paths_are_no_switches(text: str):
    assert read_switch(text) == (text, None)


@pytest.mark.parametrize("filler", [" ", "/", "/think", ".", "./think", "/no_", "\n\t", "?/think,"])
def test_long_texts_take_no_time(filler: str):
    begin = time.process_time()
    read_switch(filler * 100_000)
    assert time.process_time() - begin < 1.5


def test_the_last_switch_of_all_fields_wins():
    fields = {"scene": "a hall /think", "task": "bow /no_think", "note": "/thinking"}
    texts = {"scene": "a hall", "task": "bow", "note": "/thinking"}
    assert read_switches(fields) == (texts, False)
    assert list(read_switches(fields)[0]) == list(fields)
    assert read_switches({"scene": "a /no_think b", "task": "c"}) == (
        {"scene": "a b", "task": "c"},
        False,
    )
    assert read_switches({}) == ({}, None)


@pytest.mark.parametrize(
    ("payload_tokens", "need"), [(0, 30), (10, 30), (11, 40), (20, 40), (21, 42), (40, 80)]
)
def test_need_follows_the_payload_and_grows_beyond_what_was_seen(payload_tokens: int, need: int):
    assert estimate_need("plan_next_task", payload_tokens, NEED) == need


@pytest.mark.parametrize(
    ("config", "switch", "budget"),
    [
        (ON, None, 55),
        (ON, True, 55),
        (ON, False, 0),
        (AUTO, None, 0),  # thinking measured worse in this task
        (AUTO, True, 55),
        (AUTO, False, 0),
        (OFF, None, 0),
        (OFF, True, 0),  # the hard switch
        (OFF, False, 0),
    ],
)
def test_mode_and_switch(config: ThinkingConfig, switch: bool | None, budget: int):
    assert decide_budget("plan_next_task", 15, config, switch) == budget


def test_auto_thinks_where_it_measured_not_worse():
    assert decide_budget("plan_next_steps", 15, AUTO) == 90
    assert decide_budget("plan_next_steps", 15, AUTO, switch=False) == 0
    unmeasured = replace(AUTO, need=replace(NEED, not_worse=()))
    assert decide_budget("plan_next_steps", 15, unmeasured) == 0


@pytest.mark.parametrize(
    ("asked", "granted"), [(0, 0), (1, 0), (39, 0), (40, 40), (50, 50), (55, 55), (10**9, 55)]
)
def test_a_thought_that_will_not_fit_is_not_begun(asked: int, granted: int):
    assert decide_budget("plan_next_task", 15, replace(ON, budget=asked)) == granted


def test_a_budget_is_never_exceeded_and_covers_the_need():
    for asked in range(120):
        for payload_tokens in range(0, 60, 3):
            config = replace(ON, budget=asked)
            granted = decide_budget("plan_next_task", payload_tokens, config)
            need = NEED.tasks["plan_next_task"].estimate(payload_tokens)
            assert granted <= asked
            assert granted == 0 or granted >= need
            assert (granted > 0) == (asked >= need)


def test_a_payload_larger_than_any_seen_may_need_more_than_the_longest_thought():
    assert decide_budget("plan_next_task", 40, ON) == 80
    assert decide_budget("plan_next_task", 40, replace(ON, budget=79)) == 0


def test_tasks_without_thoughts_never_think():
    for task in set(TASKS) - set(NEED.tasks):
        assert decide_budget(task, 15, ON, switch=True) == 0
        assert estimate_need(task, 15, NEED) is None
    assert decide_budget("plan_next_task", 15, ThinkingConfig(mode="on"), switch=True) == 0


def test_an_unknown_task_is_refused():
    with pytest.raises(RequestError, match="there is no task 'juggle'; known are text_to_motion"):
        decide_budget("juggle", 15, ON)


@pytest.mark.parametrize("budget", [-1, -(10**9), 1.5, 8.0, True, "64", float("nan"), [4]])
def test_invalid_budgets_are_refused(budget: Any):
    with pytest.raises(RequestError, match="budget must be a whole number of tokens from 0, got"):
        checked_budget(budget)
    if isinstance(budget, int):
        with pytest.raises(RequestError, match="budget must be a whole number of tokens"):
            ThinkingConfig(budget=budget)


@pytest.mark.parametrize("mode", ["", "yes", "ON", "no_think", None, True, 1])
def test_other_modes_are_refused(mode: Any):
    with pytest.raises(RequestError, match="thinking must be one of auto, on, off, got"):
        checked_mode(mode)


def test_what_passes_is_returned():
    assert [checked_mode(mode) for mode in THINKING_MODES] == ["auto", "on", "off"]
    assert [checked_budget(budget) for budget in (None, 0, 7)] == [None, 0, 7]


@pytest.mark.parametrize("wrong", ["budget=1.5", "mode='yes'"])
def test_a_config_checks_what_no_type_check_did(wrong: str):
    code = f"from motion.tasks import ThinkingConfig; ThinkingConfig({wrong})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "motion.errors.RequestError: " in run.stderr


@pytest.mark.parametrize(
    ("limits", "needs", "longest"),
    [((), (), 3), ((5,), (), 3), ((5, 5), (1, 1), 3), ((9, 5), (1, 1), 3), ((5,), (-1,), 3)],
)
def test_a_need_that_makes_no_sense_is_refused(
    limits: tuple[int, ...], needs: tuple[int, ...], longest: int
):
    with pytest.raises(ConfigError, match="payload_tokens must rise and have one of"):
        TaskNeed(payload_tokens=limits, thought_tokens=needs, longest=longest)


def test_needs_of_tasks_that_do_not_think_are_refused():
    with pytest.raises(ConfigError, match="no tasks that think: juggle, text_to_motion"):
        ThinkingNeed(tasks={"juggle": NEED.tasks["plan_next_task"]}, not_worse=("text_to_motion",))
    with pytest.raises(ConfigError, match=r"quantile must lie above 0 and up to 1, got 1\.5"):
        ThinkingNeed(quantile=1.5)
