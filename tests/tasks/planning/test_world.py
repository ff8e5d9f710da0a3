"""The world: what actions need and change, and which steps bring about what is lacking."""

from dataclasses import replace

import pytest

from motion.tasks.planning.actions import act
from motion.tasks.planning.world import State, lacks, perform, steps_for

HOME = State(
    kind="kitchen",
    places=("table", "sink", "chair", "window"),
    where=(("cup", "table"), ("box", "sink"), ("friend", "window"), ("cloth", "sink")),
)
SEATED = replace(HOME, place="chair", posture="sitting")


def words(state: State, name: str, **values: str) -> list[str]:
    found = steps_for(state, act(name, **values))
    assert found is not None
    return [step.write() for step in found[0]]


def test_things_are_where_they_are_said_to_be():
    assert HOME.location("cup") == "table"
    assert HOME.location("sink") == "sink"
    assert HOME.location("book") is None
    assert replace(HOME, place="sink", left="hat").location("hat") == "sink"
    assert State(open_world=True).location("book") == "book"
    assert HOME.nouns("drinks") == ("cup",)


@pytest.mark.parametrize(
    ("state", "step", "lack"),
    [
        (HOME, act("pick_up", obj="cup"), "is not at the cup"),
        (HOME, act("pick_up", obj="book"), "there is no book here"),
        (SEATED, act("bow"), "cannot be done while sitting"),
        (HOME, act("stand_up"), "cannot be done while standing"),
        (HOME, act("drink", obj="cup"), "the cup is not in the hand"),
        (replace(HOME, right="hat"), act("clap"), "needs a free hand (both)"),
        (replace(HOME, right="hat"), act("wave", hand="right"), "needs a free hand (right)"),
        (replace(HOME, left="cup", where=()), act("drink", obj="cup", hand="right"), "right hand"),
        (
            replace(HOME, place="sink"),
            act("pick_up", obj="box", hand="left"),
            "not in the both hand",
        ),
        (HOME, act("wash_hands"), "is not at the fountain or sink"),
        (HOME, act("wipe", place="table", hand="right"), "is not in the hand"),
    ],
)
def test_each_need_is_named(state: State, step, lack: str):
    assert any(lack in str(found) for found in lacks(state, step))


def test_what_is_possible_lacks_nothing():
    assert not list(lacks(HOME, act("walk", target="cup")))
    assert not list(lacks(replace(HOME, right="hat"), act("wave", hand="left")))
    assert not list(lacks(SEATED, act("stand_up")))


def test_actions_change_the_state():
    at_table = perform(HOME, act("walk", target="cup"))
    assert at_table.place == "table"
    holding = perform(at_table, act("pick_up", obj="cup", hand="left"))
    assert (holding.left, holding.right, holding.location("cup")) == ("cup", None, "table")
    given = perform(holding, act("give", obj="cup", person="friend"))
    assert (given.left, given.location("cup")) == (None, "window")
    put = perform(replace(holding, place="sink"), act("put_down", obj="cup"))
    assert put.location("cup") == "sink"
    assert perform(replace(HOME, right="apple"), act("eat", obj="apple")).location("apple") is None
    assert perform(SEATED, act("stand_up")).posture == "standing"
    assert perform(at_table, act("walk_forward")).place == "floor"


def test_large_things_take_both_hands():
    state = perform(replace(HOME, place="sink"), act("pick_up", obj="box"))
    assert (state.left, state.right) == ("box", "box")
    assert state.holder("box") == "both"
    assert words(state, "give", obj="box", person="friend")[0] == "carry the box to the friend"


def test_pushed_things_come_along():
    state = State(places=("gate", "wall"), where=(("cart", "gate"),), place="gate")
    after = perform(state, act("push", obj="cart", target="wall"))
    assert (after.place, after.location("cart")) == ("wall", "wall")


def test_what_is_lacking_comes_first():
    assert words(SEATED, "drink", obj="cup") == [
        "stand up",
        "walk to the table",
        "pick up the cup with the right hand",
        "drink from the cup with the right hand",
    ]
    assert words(replace(HOME, right="hat"), "clap") == ["put down the hat", "clap"]
    assert words(replace(HOME, right="hat"), "wave", person="friend") == [
        "wave to the friend with the left hand"
    ]
    assert words(replace(HOME, right="hat"), "wave", hand="right") == [
        "put down the hat",
        "wave with the right hand",
    ]


def test_the_impossible_has_no_steps():
    assert steps_for(HOME, act("drink", obj="glass")) is None
    assert steps_for(HOME, act("rest")) is None
    held_left = replace(HOME, left="cup", where=())
    assert steps_for(held_left, act("drink", obj="cup", hand="right")) is None
