"""Wordings, the stock of nouns, and steps: what is written is read back, and nothing else."""

from itertools import product

import pytest

from motion.tasks.grammars import MOST_STEP_WORDS
from motion.tasks.planning.actions import act, actions, parse_step
from motion.tasks.planning.stock import stock
from motion.tasks.planning.wording import PHRASES, Wording, plain

WAVE = Wording("wave[ to the {person}] with {hand}[ {count}]")


def test_brackets_stand_only_with_a_value():
    assert WAVE.write({"hand": "both"}) == "wave with both hands"
    values = {"person": "guest", "hand": "left", "count": "2"}
    assert WAVE.write(values) == "wave to the guest with the left hand twice"
    assert WAVE.read("wave to the guest with the left hand twice") == values
    assert WAVE.read("wave with both hands") == {"hand": "both"}
    assert WAVE.optional == {"person", "count"}


@pytest.mark.parametrize(
    "text", ["wave", "wave with the third hand", "please wave with both hands"]
)
def test_other_words_are_not_read(text: str):
    assert WAVE.read(text) is None


def test_plain_text_is_lower_case_on_one_line():
    assert plain("  Walk to\nthe SINK. ") == "walk to the sink"


def test_classes_name_nouns_of_the_stock():
    known = stock()
    nouns = {*known.places, *known.things, *known.people}
    for name, members in known.classes.items():
        assert members <= nouns, name
    assert {"cup", "box"} <= known.classes["portable"]
    assert not {*known.places} & {*known.things, *known.people}


def every_step(kind):
    """Values for every wording of an action, with the longest nouns of each class."""
    for wording in kind.say:
        choices = []
        for slot in wording.slots:
            if slot in PHRASES:
                choices.append(list(PHRASES[slot]))
            else:
                nouns = [
                    noun for noun in stock().classes["any"] if stock().is_a(noun, kind.slots[slot])
                ]
                choices.append(sorted(nouns, key=len)[-2:])
        yield from (dict(zip(wording.slots, some, strict=True)) for some in product(*choices))


@pytest.mark.parametrize("name", list(actions()))
def test_every_wording_of_an_action_is_read_back(name: str):
    kind = actions()[name]
    for values in every_step(kind):
        values.pop("on", None)
        step = act(name, **values)
        for number in range(len(kind.say)):
            text = step.write(number)
            assert parse_step(text) == step, text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Walk to the sink.", "walk"),
        ("pick up the cup with the right hand", "pick_up"),
        ("wave with both hands twice", "wave"),
        ("stand up", "stand_up"),
        ("put the book in the cupboard", "put"),
    ],
)
def test_steps_are_read(text: str, name: str):
    step = parse_step(text)
    assert step is not None
    assert step.name == name


@pytest.mark.parametrize(
    "text",
    [
        "walk to the moon",
        "drink from the book",
        "sit down on the sink",
        "pick up the table",
        "",
        "fly",
    ],
)
def test_unknown_nouns_and_wrong_classes_are_no_steps(text: str):
    assert parse_step(text) is None


def test_the_place_gives_its_word():
    assert act("put", obj="cup", place="fridge").write() == "put the cup in the fridge"
    assert act("put", obj="cup", place="table").write() == "put the cup on the table"
    assert len(act("wave", person="neighbour", hand="right", count="3").write().split()) <= (
        MOST_STEP_WORDS
    )


def test_values_are_changed_and_taken_away():
    step = act("wave", hand="left", count="2")
    assert step.changed(hand="right", count=None) == act("wave", hand="right")
    assert step["count"] == "2"
    assert step["person"] is None
