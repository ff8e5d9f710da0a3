"""Sentences with several actions are taken apart, others are not."""

import pytest

from motion.generate.clauses import share_steps, split_clauses


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("a person bows, then waves", ("a person bows", "waves")),
        ("First he walks and then sits down.", ("he walks", "sits down")),
        ("the host bows, and afterwards waves", ("the host bows", "waves")),
        ("she kicks; he runs, after that jumps", ("she kicks", "he runs", "jumps")),
        ("una persona camina y luego salta", ("una persona camina", "salta")),
        ("une personne marche, puis saute", ("une personne marche", "saute")),
        ("一个人鞠躬，然后挥手", ("一个人鞠躬", "挥手")),
        ("人がお辞儀をする、それから手を振る", ("人がお辞儀をする", "手を振る")),
        ("شخص ينحني ثم يلوح", ("شخص ينحني", "يلوح")),
        ("एक व्यक्ति झुकता है, फिर हाथ हिलाता है", ("एक व्यक्ति झुकता है", "हाथ हिलाता है")),
    ],
)
def test_then_divides(text, clauses):
    assert split_clauses(text) == clauses


@pytest.mark.parametrize(
    "text",
    ["a person walks and waves", "a man strengthens his arms", "then", "one, two, three", "他走路"],
)
def test_other_sentences_stay_whole(text):
    assert split_clauses(text) == (text,)


def test_shares_add_up():
    assert share_steps(50, 3) == (17, 17, 16)
    assert sum(share_steps(7, 5)) == 7
