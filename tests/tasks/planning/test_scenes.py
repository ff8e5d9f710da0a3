"""Scenes: held-out kinds are made of known words; a state is written, read back, and kept short."""

import random
from dataclasses import replace

import pytest

from motion.tasks.grammars import MOST_PHRASE_WORDS
from motion.tasks.planning.scenes import draw_scene, parse_scene, scene_kinds, write_scene
from motion.tasks.planning.stock import stock
from motion.tasks.planning.world import State


def key(state: State):
    places, where = frozenset(state.places), frozenset(state.where)
    return state.kind, places, where, state.place, state.posture, state.left, state.right


def test_held_out_kinds_are_new_and_their_words_are_not():
    kinds = scene_kinds().values()
    by_split = {split: [k for k in kinds if k.split == split] for split in ("train", "val", "test")}
    assert len(by_split["train"]) >= 36
    assert len(by_split["val"]) >= 6
    assert len(by_split["test"]) >= 6
    known = {word for kind in by_split["train"] for word in kind.name.split()}
    nouns = {n for k in by_split["train"] for n in (*k.places, *k.things, *k.people)}
    for kind in (*by_split["val"], *by_split["test"]):
        assert set(kind.name.split()) <= known, kind.name
        assert {*kind.places, *kind.things, *kind.people} <= nouns, kind.name


def test_kinds_are_built_from_the_stock():
    for kind in scene_kinds().values():
        assert set(kind.places) <= set(stock().places), kind.name
        assert set(kind.things) <= set(stock().things), kind.name
        assert set(kind.people) <= set(stock().people), kind.name
        assert len(kind.places) >= 4, kind.name


def test_written_scenes_are_read_back():
    rng = random.Random(0)
    written = 0
    for kind in scene_kinds().values():
        for _ in range(4):
            state = draw_scene(kind, rng)
            text = write_scene(state, rng)
            if text is None:
                continue
            written += 1
            assert len(text.split()) <= MOST_PHRASE_WORDS
            assert key(parse_scene(text)) == key(state), text
    assert written > 200


def test_the_state_is_in_the_words():
    state = State(
        kind="kitchen",
        places=("table", "sink"),
        where=(("cup", "table"),),
        place="sink",
        left="book",
    )
    text = write_scene(state)
    assert text == (
        "a kitchen; a cup is on the table; you are at the sink; the left hand holds a book"
    )
    box = replace(state, left="box", right="box")
    text = write_scene(box)
    assert text is not None
    assert "both hands hold a box" in text
    assert key(parse_scene(text)) == key(box)


def test_too_much_for_twenty_words_is_not_written():
    things = tuple(
        (thing, "table") for thing in ("cup", "book", "ball", "hat", "key", "bag", "plate")
    )
    assert write_scene(State(kind="kitchen", places=("table",), where=things)) is None


def test_what_is_not_said_is_as_usual():
    state = parse_scene("a garage with a car")
    assert (state.kind, state.places, state.where) == ("garage", ("car",), ())
    assert (state.place, state.posture, state.left, state.right) == (
        "floor",
        "standing",
        None,
        None,
    )
    assert parse_scene("").open_world


@pytest.mark.parametrize(
    "text",
    [
        "In a kitchen there is a table and a sink. A cup stands on the table. You sit on a chair.",
        "the kitchen has a sink; the cup lies on the table; a person sits on the chair",
        "kitchen: sink; cup on table; you sit on chair",
    ],
)
def test_other_sentences_are_read_too(text: str):
    state = parse_scene(text)
    assert state.kind == "kitchen"
    assert set(state.places) == {"table", "sink", "chair"}
    assert state.where == (("cup", "table"),)
    assert (state.place, state.posture) == ("chair", "sitting")


def test_the_longest_name_of_a_kind_counts():
    assert parse_scene("a temple garden with a tree").kind == "temple garden"
    assert parse_scene("a spaceship with a table").kind == ""
