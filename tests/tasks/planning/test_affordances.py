"""What can be said in a scene: right answers can, impossible ones cannot, and never for long."""

from dataclasses import replace

import pytest
from time_limit import time_limit

from motion.evaluate.plan_suite import WANT_OF
from motion.tasks.examples import TaskExample
from motion.tasks.grammars import MOST_STEP_WORDS, TextGrammar, token_rule
from motion.tasks.planning import affordances
from motion.tasks.planning.actions import act, parse_step
from motion.tasks.planning.affordances import (
    ChoiceGrammar,
    WorldGrammar,
    grammar_in_scene,
    possible_names,
    possible_steps,
)
from motion.tasks.planning.checks import check_plan
from motion.tasks.planning.days import make_examples
from motion.tasks.planning.parsing import format_steps, parse_steps
from motion.tasks.planning.routines import make_plan, parse_task
from motion.tasks.planning.scenes import parse_scene
from motion.tasks.planning.stock import stock
from motion.tasks.planning.world import State, lacks

KITCHEN = "a kitchen with a table and a sink; a cup is on the table; you are at the sink"
GOOD = "1. walk to the table 2. pick up the cup with the right hand 3. drink from the cup"
EXAMPLES = list(make_examples("test", 120, 3))
CROWDED = State(
    kind="kitchen",
    places=tuple(stock().places),
    where=tuple((noun, "table") for noun in (*stock().things, *stock().people)),
)
"""Every noun of the stock in one scene."""


def grammar_for(example: TaskExample) -> TextGrammar:
    doing = [text for name, text in example.fields.items() if name != "scene"]
    found = grammar_in_scene(WANT_OF[example.task], example.fields.get("scene"), *doing)
    assert found is not None, example
    return found


def drinking() -> TextGrammar:
    found = grammar_in_scene("steps", KITCHEN, "drink from the cup")
    assert found is not None
    return found


def test_every_right_answer_can_be_written():
    assert {example.task for example in EXAMPLES} == set(WANT_OF)
    for example in EXAMPLES:
        grammar, answer = grammar_for(example), example.answer
        assert grammar.ends(answer), example
        assert all(grammar.begins(answer[:count]) for count in range(0, len(answer), 5)), example


@pytest.mark.parametrize(
    "spoilt",
    [
        "1. drink from the cup",  # it is not in the hand
        "1. pick up the cup with the right hand 2. drink from the cup",  # it is elsewhere
        "1. walk to the table 2. pick up the glass with the right hand",  # there is none
        "1. walk to the table 2. walk to the table 3. stand up",  # nobody sits
        "1. walk to the table 3. look around",
        "2. walk to the table",
        "walk to the table",
        "1. walk to the table 2.",
        "1. walk to the moon",
        "1. walk  to the table",
        "1. walk to the table\n2. look around",
        "",
        "1.",
        "1. " * 5000,
        "1. look around " + "2. look around " * 5000,
        "look around " * 5000,
    ],
)
def test_spoilt_plans_are_refused(spoilt: str):
    assert drinking().ends(GOOD)
    assert not drinking().ends(spoilt)


def test_right_answers_with_a_step_taken_out_are_refused_or_still_possible():
    spoilt = 0
    for example in EXAMPLES:
        if example.task != "decompose_task" or " 3. " not in example.answer:
            continue
        scene, task = example.fields.get("scene", ""), example.fields["task"]
        text = format_steps(parse_steps(example.answer)[1:])
        can_be_done = check_plan(scene, task, text).state_ok
        assert grammar_for(example).ends(text) == can_be_done, (scene, task, text)
        spoilt += not can_be_done
    assert spoilt > 3


def test_whatever_may_begin_may_end():
    """From every beginning some piece leads on, until the whole is an answer."""
    grammar = drinking()
    for choices in (possible_steps(parse_scene(KITCHEN)), possible_names(parse_scene(KITCHEN))):
        assert all(choices.ends(text) and choices.begins(text[:7]) for text in choices.choices)
        assert not choices.ends(choices.choices[0][:-1] + "#")
        assert not choices.begins("#")
    letters = "abcdefghijklmnopqrstuvwxyz0123456789. '-"
    for first in "abcdefghijklmnopqrstuvwxyz":
        text = "1. " + first
        while grammar.begins(text) and not grammar.ends(text):
            following = [text + letter for letter in letters if grammar.begins(text + letter)]
            assert following, text
            text = following[-1]
        assert grammar.begins(text) == grammar.ends(text)


def test_steps_are_read_back_as_they_were_meant():
    state = replace(parse_scene(KITCHEN), where=(("cup", "table"), ("friend", "sink")))
    state = replace(state, right="apple", places=(*state.places, "chair", "fridge"))
    for text in possible_steps(state).choices:
        action = parse_step(text)
        assert action is not None, text
        assert action.write() == text
        assert not list(lacks(state, action))
        assert len(text.split()) <= MOST_STEP_WORDS


def test_names_are_of_tasks_that_can_be_done():
    state = parse_scene(KITCHEN)
    assert "drink from the cup" in possible_names(state).choices
    for text in possible_names(state).choices:
        wanted = parse_task(text)
        assert wanted is not None
        assert make_plan(state, wanted) is not None


def test_without_a_scene_steps_speak_of_what_the_task_speaks_of():
    grammar = grammar_in_scene("steps", None, "drink from the cup")
    assert grammar is not None
    assert grammar.ends("1. walk to the cup 2. pick up the cup with the left hand")
    assert not grammar.begins("1. walk to the t")


@pytest.mark.parametrize(
    ("want", "scene", "current"),
    [
        ("steps", "a spaceship", "drink from the cup"),  # no such scene
        ("steps", None, "land on the moon"),  # no such task
        ("next_task", KITCHEN, "9. ninth 8. eighth"),  # no steps
        ("next_steps", KITCHEN, "1. fly away"),
        ("summary", None, "1. " * 300),
        ("summary", None, "1. " + "x" * 990),
        ("scene", None, "1. look around"),  # no place is spoken of
        ("next_task", "👩‍🍳 " * 100, "👩‍🍳" * 100),
        ("next_task", KITCHEN, "5"),
        ("next_task", KITCHEN, ""),
    ],
)
def test_of_what_is_not_of_the_grammar_nothing_is_sure(want: str, scene: str | None, current: str):
    assert grammar_in_scene(want, scene, current) is None


@pytest.mark.parametrize("task", ["land on the moon", "drink from the glass", "冷蔵庫を開ける"])
def test_in_a_scene_steps_can_be_done_whatever_the_task_is(task: str):
    grammar = grammar_in_scene("steps", KITCHEN, task)
    assert isinstance(grammar, WorldGrammar)
    assert grammar.ends(GOOD)
    assert not grammar.begins("1. land")
    assert not grammar.begins("1. walk to the glass")


def test_a_task_that_is_a_step_is_known_without_a_scene():
    grammar = grammar_in_scene("steps", None, "put the glass on the table")
    assert grammar is not None
    assert grammar.ends(
        "1. walk to the glass 2. pick up the glass with the left hand 3. walk to the table "
        "4. put the glass on the table"
    )


def test_a_place_that_nobody_named_may_be_any():
    found = grammar_in_scene("summary", None, "1. kneel down 2. meditate for ten seconds")
    assert found is not None
    assert found.ends("meditate on the mat for ten seconds")


def test_the_most_crowded_scene_takes_bounded_time():
    affordances.possible_steps.cache_clear()
    pieces = [*"abcdefghijklmnopqrstuvwxyz .12345", *(f" {noun}" for noun in stock().things)]
    with time_limit(10):
        grammar = affordances._steps_from(CROWDED)
        assert grammar is not None
        text, rule = "1.", token_rule(grammar, pieces * 60, len(pieces) * 60)
        for _ in range(10):
            allowed = [piece for piece in pieces if grammar.begins(text + piece)]
            text += allowed[0]
        answer = [pieces.index(letter) for letter in text]
        assert sum(rule(answer, piece) for piece in range(len(pieces) * 60)) % 60 == 0
        assert possible_names(CROWDED).choices


def test_where_too_much_would_be_tried_the_form_alone_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(affordances, "MOST_TRIED", 100)
    for want in ("steps", "next_steps", "next_task"):
        assert grammar_in_scene(want, KITCHEN + "; a friend is at the sink", "bow") is None
    assert isinstance(grammar_in_scene("summary", None, "1. bow"), ChoiceGrammar)


def test_later_steps_have_no_other_nouns():
    start = parse_scene(KITCHEN)
    limit = sum(affordances._counted(start, kind, ()) for kind in affordances.actions().values())
    held = affordances.perform(start, act("walk", target="table"))
    held = affordances.perform(held, act("pick_up", obj="cup", hand="right"))
    after = sum(affordances._counted(held, kind, ()) for kind in affordances.actions().values())
    assert after == limit
