"""Grammars of answers: what may begin, what is whole, and that no beginning is a dead end."""

import random

import pytest

from motion.tasks.grammars import PhraseGrammar, StepsGrammar, piece_texts, token_rule
from motion.train.text_pieces import train_text_pieces

TEN = "a b c d e f g h i j"


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("", True, False),
        ("1", True, False),
        ("1. ", True, False),
        ("1. walk", True, True),
        ("1. walk 2", True, True),
        ("1. walk 2.", True, False),
        ("1. walk 2. sit down", True, True),
        ("1. take the person's cup, then turn 2. sit", True, True),
        (f"1. {TEN}", True, True),
        (f"1. {TEN} k", False, False),
        (f"1. {TEN} 2. k", True, True),
        ("1. a 2. b 3. c 4. d 5. e", True, True),
        ("1. a 2. b 3. c 4. d 5. e 6.", False, False),
        (f"1. a 2. b 3. c 4. d 5. {TEN} ", False, False),
        ("2. walk", False, False),
        ("walk", False, False),
        ("1. walk 3. sit", False, False),
        ("1. 2. sit", False, False),
        ("1. walk  fast", False, False),
        ("1. walk\n2. sit", False, False),
        ("1. <motion>", False, False),
        ("1. [Response]", False, False),
        ("1. take theResponse", False, False),
        (f"1. {'w' * 25}", False, False),
    ],
)
def test_steps(text: str, begins: bool, ends: bool):
    assert (StepsGrammar().begins(text), StepsGrammar().ends(text)) == (begins, ends)


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("", True, False),
        ("make te", True, True),
        ("make tea ", True, False),
        ("make tea now", True, True),
        ("make tea now ", False, False),
        ("make tea right now", False, False),
        ("1. make", False, False),
        (" make", False, False),
    ],
)
def test_phrases(text: str, begins: bool, ends: bool):
    grammar = PhraseGrammar(most_words=3)
    assert (grammar.begins(text), grammar.ends(text)) == (begins, ends)


@pytest.mark.parametrize("grammar", [StepsGrammar(), PhraseGrammar(most_words=4)])
def test_no_beginning_is_a_dead_end(grammar: StepsGrammar | PhraseGrammar):
    letters = "abz123456 .,'-é\n<["
    for seed in range(4):
        draw, text = random.Random(seed), ""
        for _ in range(60):
            open_ = [letter for letter in letters if grammar.begins(text + letter)]
            assert open_ or grammar.ends(text)
            if not open_:
                break
            text += draw.choice(open_)


def test_each_begin_of_a_whole_text_may_begin():
    text = "1. walk to the table, slowly 2. pick up the cup 3. don't turn 12 times"
    assert StepsGrammar().ends(text)
    assert all(StepsGrammar().begins(text[:i]) for i in range(len(text)))


def test_rule_on_pieces():
    pieces = train_text_pieces(["1. walk to the table 2. sit down"], 300)
    texts = piece_texts(pieces, 300)
    assert any(text is None for text in texts)  # bytes that begin a longer letter
    rule = token_rule(StepsGrammar(), texts, end=305)
    ids = pieces.encode("1. walk 2. sit").ids
    assert all(rule(ids[:i], ids[i]) for i in range(len(ids)))
    assert rule(ids, 305)
    assert not rule([], 305)
    assert not rule([], next(i for i, text in enumerate(texts) if text is None))
    assert not rule([], 299 + 3)  # special tokens have no text
