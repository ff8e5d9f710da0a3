"""Rules for texts of annotations, and steps out of captions."""

import pytest

from motion.generate.curation.texts import (
    different,
    same,
    steps_of,
    steps_problem,
    text_problem,
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a person walks forward", None),
        ("una persona camina", None),
        ("一个人挥手", None),
        ("", "no words"),
        ("... 12", "no words"),
        ("what does the person do?", "question"),
        ("\N{INVERTED QUESTION MARK}camina\N{FULLWIDTH QUESTION MARK}", "question"),
        ("I'm sorry, nobody is here", "'sorry'"),
        ("As an AI I walk", "'As an AI'"),
        ("the video shows a man", "'the video'"),
        ("I cannot tell what happens", "'I cannot'"),
        ("1. walk 2. run", "a list"),
        ("a person walks\nand waves", "one line"),
        ("a person \x07 walks", "one line"),
        ("a b c d e f g h i j k", "11 words, at most 10"),
        (f"a {'es' * 20}", "word of 40 letters"),
    ],
)
def test_what_may_stand_in_an_annotation(text: str, said: str | None) -> None:
    found = text_problem(text, 10)
    assert found is None if said is None else said in str(found)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (("walk forward", "wave"), None),
        (("walk", "wave", "walk"), None),
        ((), "0 steps"),
        (("a",) * 6, "6 steps"),
        (("walk", "Walk."), "twice in a row"),
        (("walk", "a b c d e f g h i j k"), "step 2: it has 11 words"),
        (("walk where?",), "step 1: it asks"),
    ],
)
def test_what_steps_may_be(steps: tuple[str, ...], said: str | None) -> None:
    found = steps_problem(steps)
    assert found is None if said is None else said in str(found)


@pytest.mark.parametrize(
    ("captions", "steps"),
    [
        (["A person walks forward, then waves."], ("walk forward", "wave")),
        (["the person is walking and waving both hands"], ("walk and wave both hands",)),
        (["someone sits down on a chair.", "Someone sits down on a chair"],
         ("sit down on a chair",)),
        (["he tries to climb", "she hurries away; catches a ball"],
         ("try to climb", "hurry away", "catch a ball")),
        (["a person is struck, falls backwards"], ("be struck, fall backwards",)),
        (["a person walks very slowly along a long narrow line and turns round at the end"],
         ("walk very slowly along a long narrow line",)),
        ([f"a person turns {side}" for side in "abcdefg"],
         tuple(f"turn {side}" for side in "abcde")),
        (["..."], ()),
    ],
)  # fmt: skip
def test_captions_become_steps(captions: list[str], steps: tuple[str, ...]) -> None:
    assert steps_of(captions) == steps


def test_every_step_of_a_caption_can_stand() -> None:
    long = "a person " + " ".join(f"word{chr(97 + k)}" for k in range(30))
    assert steps_problem(steps_of([long])) is None


def test_texts_that_differ_in_dress_only_are_one() -> None:
    assert same("A person  walks.", "a person walks")
    assert different(["Walk.", "run", "walk", "Run!"]) == ("Walk.", "run")
