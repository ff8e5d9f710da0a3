"""A byte-level BPE of our own for what the ``small`` preset writes."""

from collections.abc import Sequence
from typing import Any

from motion.optional import require


def train_text_pieces(texts: Sequence[str], num_pieces: int) -> Any:
    """Learn pieces from texts; every string can be written, whatever its script.

    Args:
        texts: Training texts.
        num_pieces: Pieces in all, bytes included; fewer when the texts give no more.
    """
    tokenizers = require("tokenizers")
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=num_pieces,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sorted(texts), trainer)
    return tokenizer
