"""Minimum Bayes risk: gains, and what is chosen."""

import pytest

from motion.generate.consensus import agreements, text_gain


def test_the_same_words_gain_all_and_others_nothing():
    assert text_gain("a person walks", "A person walks.") == 1
    assert text_gain("a person walks", "he jumps") == 0
    assert text_gain("", "he jumps") == 0


def test_a_gain_is_symmetric_and_grows_with_what_is_shared():
    texts = ("a person walks forward", "a person walks backward", "a man walks backward")
    for first in texts:
        for second in texts:
            assert text_gain(first, second) == text_gain(second, first)
    assert text_gain(texts[0], texts[1]) > text_gain(texts[0], texts[2])


def test_one_gain_by_hand():
    # words 2 of 3 and 3; pairs 1 of 2 and 2; threes 0 of 1 and 1; no fours
    assert text_gain("he walks on", "he walks back") == pytest.approx((4 / 6 + 2 / 4 + 0) / 3)


def test_what_most_say_is_worth_most():
    evidence = {"a person waves": 0.5, "a person waves twice": 0.3, "someone sits": 0.2}
    texts = ["someone sits", "a person waves", "he dances"]
    sits, waves, dances = agreements(texts, evidence)
    assert waves > sits > dances == 0
    assert sits == pytest.approx(0.2)


def test_without_evidence_nothing_agrees():
    assert agreements(["a person waves"], {}) == [0]
