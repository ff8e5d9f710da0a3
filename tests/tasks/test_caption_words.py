"""Words of captions."""

from motion.tasks.caption_words import caption_tokens


def test_words():
    assert caption_tokens("The man's  LEFT-hand, up!") == ["the", "man's", "left", "hand", "up"]
    assert caption_tokens("人が3回 jump") == ["人", "が", "3", "回", "jump"]
    assert caption_tokens("…!") == []
