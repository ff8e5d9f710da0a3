"""What a generator does with given motions and texts: the methods of ``MotionGenerator`` by task.

The work itself is done in modules of its own, one a skill; here stand thin methods only.
Axes: S streams.
"""

from math import ceil

import torch
from jaxtyping import Int
from torch import Tensor

from motion.conditioners import TextEncoder
from motion.generate.checkpoint import LoadedLanguageModel
from motion.generate.finishing import DECODE_CHUNK, Finisher
from motion.language import ABSENT, DecodingEngine, SamplingConfig
from motion.representation import Motion
from motion.tasks.answering import Answerer
from motion.tokenizer import MotionTokenizer


class Skills:
    """Methods of a generator beside ``generate``; the generator brings the attributes."""

    tokenizer: MotionTokenizer
    language: LoadedLanguageModel
    text_encoder: TextEncoder
    engine: DecodingEngine
    sampling: SamplingConfig
    finisher: Finisher
    answerer: Answerer

    def codes_of(self, motion: Motion) -> Int[Tensor, "L S"]:
        """Codes of all streams of a motion at 30 fps; ``ABSENT`` where it lacks the part."""
        codes = self.tokenizer.encode(motion, DECODE_CHUNK).parts
        count = ceil(motion.num_frames / self.tokenizer.frames_per_code)
        absent = torch.full((count,), ABSENT)
        columns = [
            codes[s.part][:, s.level] if s.part in codes else absent
            for s in self.language.model.vocabulary.streams
        ]
        return torch.stack(columns, dim=-1)
