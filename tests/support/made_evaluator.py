"""A tiny real evaluator for the tiny text encoder of ``made_weights``."""

import torch
from made_weights import WIDTH

from motion.evaluate.evaluator import Evaluator, EvaluatorConfig

ENCODER_DIM = WIDTH


def make_evaluator(seed: int = 0) -> Evaluator:
    torch.manual_seed(seed)
    config = EvaluatorConfig(
        dim=16, width=16, motion_blocks=1, text_blocks=1, num_heads=2, text_dim=ENCODER_DIM
    )
    return Evaluator(config).eval().requires_grad_(False)
