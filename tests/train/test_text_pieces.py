import pytest

from motion.train.text_pieces import train_text_pieces

TEXTS = ["a person walks forward", "une personne marche", "a person walks and waves"] * 3


@pytest.mark.parametrize("text", ["a person walks", "naïve 👋 挥手", " two  spaces\n", "يلوّح", ""])
def test_every_text_can_be_written(text: str):
    pieces = train_text_pieces(TEXTS, 300)
    assert pieces.decode(pieces.encode(text).ids) == text


def test_frequent_words_are_few_pieces_and_the_number_is_kept():
    pieces = train_text_pieces(TEXTS, 300)
    assert 256 < pieces.get_vocab_size() <= 300
    assert len(pieces.encode("a person walks").ids) <= 4 < len(pieces.encode("quartz vex").ids)


def test_order_of_texts_does_not_matter():
    first, second = (train_text_pieces(texts, 300) for texts in (TEXTS, TEXTS[::-1]))
    assert first.to_str() == second.to_str()
