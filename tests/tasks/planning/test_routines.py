"""Tasks: the table is consistent, plans carry the state on, and what follows is possible."""

from dataclasses import replace

import pytest

from motion.tasks.planning.actions import actions
from motion.tasks.planning.routines import (
    ALWAYS,
    followers,
    going_on,
    make_plan,
    parse_task,
    possible_tasks,
    task,
    task_kinds,
)
from motion.tasks.planning.scenes import parse_scene, scene_kinds
from motion.tasks.planning.stock import stock
from motion.tasks.planning.world import State

KITCHEN = parse_scene(
    "a kitchen with a sink, a shelf and a chair; a cup is on the table; a friend is at the window"
)


def test_there_are_many_tasks():
    assert len(task_kinds()) >= 40


@pytest.mark.parametrize("name", list(task_kinds()))
def test_the_table_is_consistent(name: str):
    kind = task_kinds()[name]
    assert set(kind.next) <= set(task_kinds()) - {name}
    assert len(set(kind.next)) == len(kind.next) >= 3
    optional = {slot for wording in kind.say for slot in wording.optional}
    for wording in kind.say:
        assert set(wording.slots) - {"on"} == {*kind.slots, *wording.optional}
    for action, slots in kind.core:
        known = {slot for wording in actions()[action].say for slot in wording.slots}
        assert set(slots) <= known, action
        for source in slots.values():
            assert source.startswith("=") or source in {*kind.slots, *optional}, source


@pytest.mark.parametrize("name", list(task_kinds()))
def test_every_name_of_a_task_is_read_back(name: str):
    kind = task_kinds()[name]
    nouns = {
        slot: min(noun for noun in stock().classes["any"] if stock().is_a(noun, of))
        for slot, of in kind.slots.items()
    }
    options = {"hand": "left", "leg": "left", "count": "3", "seconds": "5"}
    for wording, names in [(number, say.optional) for number, say in enumerate(kind.say)]:
        for values in (nouns, nouns | {slot: options[slot] for slot in names}):
            wanted = task(name, **values)
            assert parse_task(wanted.write(wording)) == wanted


def test_each_task_is_possible_in_some_training_scene():
    for name, kind in task_kinds().items():
        scenes = [
            State(kind=s.name, places=s.places, where=tuple((n, s.places[0]) for n in nouns))
            for s in scene_kinds().values()
            if s.split == "train" and (nouns := (*s.things, *s.people))
        ]
        assert any(next(possible_tasks(scene, name), None) for scene in scenes), (name, kind)


def test_a_plan_calls_for_what_the_state_lacks():
    seated = replace(KITCHEN, place="chair", posture="sitting")
    plan = make_plan(seated, task("put_away", obj="cup", place="shelf", hand="left"))
    assert plan is not None
    assert plan.words == (
        "stand up",
        "walk to the table",
        "pick up the cup with the left hand",
        "walk to the shelf",
        "put the cup on the shelf",
    )
    assert (plan.end.location("cup"), plan.end.place, plan.end.left) == ("shelf", "shelf", None)
    holding = replace(KITCHEN, right="cup", where=(("friend", "window"),))
    plan = make_plan(holding, task("put_away", obj="cup", place="shelf"))
    assert plan is not None
    assert plan.words == ("walk to the shelf", "put the cup on the shelf")


def test_sides_counts_and_durations_reach_the_steps():
    plan = make_plan(KITCHEN, task("hello", person="friend", hand="left", count="3"))
    assert plan is not None
    assert plan.words[-1] == "wave to the friend with the left hand three times"
    plan = make_plan(KITCHEN, task("wash_hands", place="sink", seconds="10"))
    assert plan is not None
    assert plan.words == (
        "walk to the sink",
        "wash the hands for ten seconds",
        "shake both hands dry",
    )


@pytest.mark.parametrize(
    "wanted",
    [
        task("drink", obj="glass"),
        task("greet", person="visitor"),
        task("put_away", obj="cup", place="table"),
        task("guide", person="friend", place="window"),
        task("kicks", place="table"),
        task("dance"),
    ],
)
def test_some_tasks_are_not_possible_here(wanted):
    assert make_plan(KITCHEN, wanted) is None


def test_styles_hold_where_the_kind_is_known():
    assert make_plan(parse_scene("gym with mat"), task("jumps")) is not None
    assert make_plan(parse_scene("a cave with a mat"), task("jumps")) is not None


def test_what_follows_goes_on_from_the_end():
    plan = make_plan(KITCHEN, task("drink", obj="cup"))
    assert plan is not None
    groups = followers(plan)
    names = [group[0].task.name for group in groups]
    assert names == [name for name in plan.task.kind.next if name in names]
    assert "put_away" in names
    assert "drink" not in names
    assert all(other.start == plan.end for group in groups for other in group)
    away = next(group for group in groups if group[0].task.name == "put_away")
    assert all(other.task["obj"] == "cup" for other in going_on(plan, away))


def test_something_always_follows():
    plan = make_plan(parse_scene("a garage"), task("cheer"))
    assert plan is not None
    assert {group[0].task.name for group in followers(plan)} & {*ALWAYS, *plan.task.kind.next}


@pytest.mark.parametrize("text", ["make a rocket", "", "drink from the hammer", "rest on the"])
def test_other_words_are_no_task(text: str):
    assert parse_task(text) is None
