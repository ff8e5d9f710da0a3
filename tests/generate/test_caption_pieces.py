"""Cuts at calm moments, and one text out of many."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from made_motions import make_walk

from motion.generate.caption_pieces import Told, join_texts, quiet_cuts
from motion.representation import Motion, join_motions


def told(*texts: str) -> list[Told]:
    return [Told(text=text, seconds=2.0) for text in texts]


def rest(motion: Motion, frames: int) -> Motion:
    """The last pose of a motion, held."""
    last = motion.frames(motion.num_frames - 1, motion.num_frames)
    return join_motions([last] * frames)


def test_a_short_motion_stays_whole():
    walk = make_walk(90)
    assert quiet_cuts(walk, 90) == [(0, 90)]
    assert len(quiet_cuts(walk, 89)) == 2


@pytest.mark.parametrize("still_at", [170, 200, 240, 290])
def test_the_cut_lies_in_the_pause(still_at: int):
    before = make_walk(still_at)
    after = make_walk(420 - still_at)
    shift = before.transl[-1] - after.transl[0]
    after = replace(after, transl=after.transl + shift)
    (start, cut), (again, stop) = quiet_cuts(join_motions([before, rest(before, 20), after]), 300)
    assert (start, again, stop) == (0, cut, 440)
    assert still_at <= cut < still_at + 20


@pytest.mark.parametrize("count", [31, 100, 301, 599, 601, 1234])
@pytest.mark.parametrize("longest", [30, 300])
def test_pieces_follow_each_other_and_have_a_sensible_length(count: int, longest: int):
    cuts = quiet_cuts(make_walk(count), longest)
    assert cuts[0][0] == 0
    assert cuts[-1][1] == count
    assert all(a[1] == b[0] for a, b in pairwise(cuts))
    lengths = [stop - start for start, stop in cuts]
    assert max(lengths) <= longest
    assert min(lengths) >= min(count, longest // 4)


def test_a_still_motion_is_cut_as_well():
    still = rest(make_walk(2), 1000)
    assert torch.equal(still.transl[0], still.transl[-1])
    assert max(stop - start for start, stop in quiet_cuts(still, 300)) <= 300


@pytest.mark.parametrize(
    ("texts", "joined"),
    [
        (["A person walks."], "A person walks."),
        (["a person walks.", "someone waves"], "a person walks, then waves"),
        (
            ["she runs", "The person is jumping.", "Bowing."],
            "she runs, then is jumping, then bowing",
        ),
        (["a man sits", "they walk"], "a man sits, then they walk"),
        (["a person walks", "a personal note"], "a person walks, then a personal note"),
    ],
)
def test_texts_are_told_one_after_the_other(texts: list[str], joined: str):
    assert join_texts(told(*texts)) == joined


def test_many_texts_are_named_by_the_time_they_take():
    names = ["A walks", "B runs", "C sits", "D bows", "E waves", "F jumps", "G kicks"]
    rows = told(*names, "B runs")
    rows[3] = replace(rows[3], seconds=3.0)
    assert join_texts(rows) == "mostly b runs; also: d bows; a walks; c sits; e waves; f jumps"


def test_two_texts_in_turn_are_named_once():
    assert join_texts(told(*["a walks", "b turns"] * 5)) == "mostly a walks; also: b turns"
