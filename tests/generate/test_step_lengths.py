"""How long steps last: what they say, what their verb says, and shares of a given length."""

import pytest

from motion.errors import RequestError
from motion.generate.step_lengths import (
    LONGEST_STEP,
    SHORTEST_STEP,
    shared_frames,
    step_length,
    verb_of,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("walk forward for five seconds", 5.0),
        ("stand still for 2.5 s", 2.5),
        ("a person dances for half an hour", LONGEST_STEP),
        ("walk for a minute", 60.0),
        ("run for 90 minutes", 120.0),
        ("wait for 0.1 seconds", SHORTEST_STEP),
        ("jog for about twenty seconds", 20.0),
    ],
)
def test_a_length_that_is_said_counts(text: str, seconds: float):
    assert step_length(text).seconds == seconds


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("a person is running quickly", "run"),
        ("someone steps back", "step"),
        ("the man waved", "wave"),
        ("she sat on a chair", "sit"),
        ("stirring the soup", "stir"),
        ("jumping jacks", "jump"),
        ("eine Person verbeugt sich", None),
        ("", None),
    ],
)
def test_verbs_are_found_in_their_forms(text: str, verb: str | None):
    assert verb_of(text) == verb


def test_repetitions_take_longer_but_not_for_ever():
    once, twice, often = (
        step_length(f"a person jumps {times}").seconds for times in ("up", "twice", "50 times")
    )
    assert once is not None
    assert once < twice < often == LONGEST_STEP


def test_unknown_actions_are_left_to_the_model():
    assert step_length("qwertz").seconds is None


@pytest.mark.parametrize("num_frames", [45, 46, 100, 301, 18000])
def test_shares_add_up_and_none_is_too_short(num_frames: int):
    shares = shared_frames(["walk forward", "jump", "dance"], num_frames)
    assert sum(shares) == num_frames
    assert min(shares) >= 15
    if num_frames > 60:
        assert shares[1] < shares[0] < shares[2]


def test_too_many_steps_for_the_length():
    with pytest.raises(RequestError, match=r"3 steps need at least 1\.5 seconds, got 1"):
        shared_frames(["a", "b", "c"], 30)
