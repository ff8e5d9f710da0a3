"""Real captions: cleaned, and cut into steps only where there is no doubt."""

from pathlib import Path

import pytest
from made_captions import clip, write

from motion.errors import DataError
from motion.tasks.planning.captions import (
    FILES,
    Caption,
    caption_examples,
    clauses,
    clean_caption,
    read_captions,
)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a person walks forward, then turns left", ("walk forward", "turn left")),
        ("the man is jumping and afterwards sits down", ("jump", "sit down")),
        ("he crouches, touches his toes and stands up", ("crouch", "touch the toes", "stand up")),
        ("someone waves with the right hand then bows", ("wave with the right hand", "bow")),
        ("a tall woman runs and then, she stops", None),
        ("a person walks", None),
        ("a person walks while turning and then stops", None),
        ("a person raises and lowers the left arm", None),
        ("a person laying on the ground gets up and stands", None),
        ("a person walks then gets pushed from behind", None),
        ("a person zooms and then stops", None),
        ("walking fast and then stopping", None),
        ("a person hops and then hops", None),
    ],
)
def test_captions_are_cut_where_there_is_no_doubt(text: str, steps: tuple[str, ...] | None):
    assert clauses(text) == steps


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("A person  walks forward. ", "a person walks forward"),
        ("he bows", None),
        ("a person bows. then he waves", None),
        (" ".join(["walks"] * 26), None),
        ("a person bows; ünd waves", None),
    ],
)
def test_captions_are_cleaned(text: str, cleaned: str | None):
    assert clean_caption(text) == (cleaned if text != "he bows" else None)


def test_each_sentence_is_kept_once_in_the_most_held_out_split(tmp_path: Path):
    walks = "a person walks and turns"
    write(tmp_path, FILES[0], clip("1", "train", walks, "A person WALKS and turns."))
    write(tmp_path, FILES[1], clip("2", "test", walks), clip("3", "val", "a man bows deeply"))
    captions = read_captions(tmp_path)
    assert captions == [
        Caption(clip="kitml/2", split="test", text=walks),
        Caption(clip="kitml/3", split="val", text="a man bows deeply"),
    ]
    whole, summary = caption_examples(captions, "test")
    assert (whole.task, whole.fields, whole.group) == ("decompose_task", {"task": walks}, "kitml/2")
    assert (whole.answer, whole.thought) == (
        "1. walk 2. turn",
        "2 moves in this order: walk, turn.",
    )
    assert (summary.fields, summary.answer) == ({"steps": "1. walk 2. turn"}, walks)
    assert summary.thought is None
    assert not list(caption_examples(captions, "train"))


def test_steps_that_are_too_long_are_left_out():
    text = "a person walks one two three four five six seven eight nine ten and turns"
    assert not list(caption_examples([Caption(clip="1", split="train", text=text)], "train"))


def test_missing_files_are_all_named(tmp_path: Path):
    with pytest.raises(DataError, match=rf"lacks {FILES[0]} and {FILES[1]}; give the folder"):
        read_captions(tmp_path)


@pytest.mark.parametrize("broken", [{"id": "1"}, clip("1", "nowhere", "a man bows deeply"), [1]])
def test_broken_lines_are_named(tmp_path: Path, broken: object):
    write(tmp_path, FILES[0], clip("1", "train", "a man bows deeply"), broken)
    write(tmp_path, FILES[1])
    with pytest.raises(DataError, match=rf"{FILES[0]}, line 2: not the captions of a clip"):
        read_captions(tmp_path)
