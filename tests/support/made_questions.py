"""Questions of random pieces, for tiny language models."""

import torch
from made_models import make_condition

from motion.language import MotionLanguageModel, TextPrompt
from motion.language.reading import pad_motions, pad_rows

PIECES = 300


def make_prompt(
    model: MotionLanguageModel, payload: tuple[int, ...] = (7, 4), motion: tuple[int, ...] = (0, 5)
) -> TextPrompt:
    """One question a payload length, with a motion of so many steps."""
    streams = model.vocabulary.streams
    codes = [torch.randint(0, 12, (steps, len(streams))) for steps in motion]
    motions, motion_mask = pad_motions([c if len(c) else None for c in codes], len(streams))
    most = model.vocabulary.num_text_pieces
    pieces, pieces_mask = pad_rows([torch.randint(0, most, (count,)) for count in payload])
    return TextPrompt(
        condition=make_condition(len(payload)),
        motion=motions,
        motion_mask=motion_mask,
        payload=pieces,
        payload_mask=pieces_mask,
    )
