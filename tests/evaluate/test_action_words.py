"""Which actions texts name, what references agree on, and when a caption is right."""

import pytest

from motion.errors import RequestError
from motion.evaluate.action_words import check_rule, content_of, is_right, named_actions


def names(text: str) -> set[str]:
    return {action.name for action in named_actions(text)}


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("a person walks forward", {"walk"}),
        ("Advancing step by step.", {"walk"}),
        ("she goes forward on foot", {"walk"}),
        ("a man takes several steps back", {"walk_back"}),
        ("somebody is walking backwards", {"walk_back"}),
        ("the figure jogged along slowly", {"run"}),
        ("climb rung by rung on a ladder", {"climb"}),
        ("he ran and then leapt into the air", {"run", "jump"}),
        ("Say good-bye with a gesture", {"wave"}),
        ("the person lifts up the right arm", {"raise_arm"}),
        ("someone bends at the waist and comes back up", {"bow"}),
        ("a person throws jabs and crosses", {"punch"}),
        ("Dancing popping", {"dance"}),
        ("she was sitting down on a chair", {"sit"}),
        ("a table and a sink", set()),
        ("", set()),
        ("人が歩く", set()),
    ],
)
def test_actions_by_their_words(text: str, actions: set[str]):
    assert names(text) == actions


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("a person waves the left hand", {"left"}),
        ("a person waves their left and right hands", {"both"}),
        ("waving both arms", {"both"}),
        ("a woman waves her arms at the same time", {"both"}),
        ("wave with no strength left", set()),
        ("wave right away", set()),
        ("a person waves", set()),
    ],
)
def test_sides(text: str, sides: set[str]):
    (action,) = named_actions(text)
    assert action.sides == sides


def test_a_side_belongs_to_its_step():
    found = {
        a.name: a.sides for a in named_actions("she walks, then waves the left hand, then runs")
    }
    assert found["wave"] == {"left"}
    assert found["walk"] == {"left"}  # a step without a side takes those of the whole text
    two = {a.name: a.sides for a in named_actions("turn left. Then kick with the right foot.")}
    assert (two["turn"], two["kick"]) == ({"left"}, {"right"})


LEFT_WAVE = [
    "a person waves the left hand",
    "waving the left arm",
    "someone raises an arm and waves",
]


def test_references_agree_on_an_action_and_a_side():
    content = content_of(LEFT_WAVE)
    assert content is not None
    assert (content.actions, content.side) == ({"wave"}, "left")
    assert is_right("she says goodbye with the left hand", content)
    assert not is_right("she says goodbye with the right hand", content)
    assert not is_right("she says goodbye", content)
    assert not is_right("she raises the left hand", content)


def test_one_reference_or_two_minds_make_no_side():
    assert content_of(["waving the left arm", "someone waves", "waving"]).side == ""
    assert content_of(["waving the left arm", "waving the right arm"]).side == ""
    assert content_of(["washing both hands", "wash both hands"]).side == ""
    assert content_of(["waving both hands", "wave both hands"]).side == "both"


def test_actions_that_equally_many_name_are_all_main():
    content = content_of(["walks and turns left", "she walks and turns left"])
    assert (content.actions, content.side) == ({"walk", "turn"}, "left")
    assert not is_right("turning to the right", content)
    assert is_right("turning to the left", content)
    assert content_of(["a table", "a chair leg"]) is not None  # a chair is sat on
    assert content_of(["a table"]) is None


def test_the_rule_is_checked_on_references():
    clips = [LEFT_WAVE, ["a man runs", "he is running fast", "jogging ahead"]] * 2
    found = check_rule([*clips[:1], *clips[1:2], ["alone"], ["bow", "she bows", "a deep bow"]])
    assert found.num_captions == 9
    assert found.own == pytest.approx(8 / 9)  # "someone raises an arm and waves" names no side
    assert found.other == 0
    assert found.unnamed == 0


def test_too_few_references():
    with pytest.raises(RequestError, match="two clips with two references, got 1"):
        check_rule([["a person walks", "walking"], ["a person runs"]])
