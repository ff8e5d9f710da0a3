"""How the model reads a prompt that it answers in words, and what it would write.

The instruction comes through the text encoder, motions as motion steps between their marks, the
payload as text pieces of the model's own. Axes: P positions of the prompt; M steps of the given
motion; N pieces of the payload; A tokens of the answer; W rows of the text vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from motion.conditioners import Condition
from motion.language.copying import CopySource
from motion.language.model import MotionLanguageModel
from motion.language.part_head import ABSENT


@dataclass(frozen=True, kw_only=True)
class TextPrompt:
    """What some questions say."""

    condition: Condition
    """The instructions."""
    motion: Int[Tensor, "B M S"]
    """Codes of the given motions; M may be 0."""
    motion_mask: Bool[Tensor, "B M"]
    payload: Int[Tensor, "B N"]
    """Text pieces."""
    payload_mask: Bool[Tensor, "B N"]

    def rows(self, indices: Sequence[int]) -> "TextPrompt":
        """Some questions."""
        chosen = torch.tensor(indices)
        return TextPrompt(
            condition=self.condition.rows(chosen),
            motion=self.motion[chosen],
            motion_mask=self.motion_mask[chosen],
            payload=self.payload[chosen],
            payload_mask=self.payload_mask[chosen],
        )


@dataclass(frozen=True)
class TextLogits:
    """Predictions of every token from those before it."""

    payload: Float[Tensor, "B N W"] | None
    """Entry i predicts piece i + 1 of the payload; None where prompts are read in both directions.
    """
    answer: Float[Tensor, "B A W"]
    """Entry i predicts token i of the answer; log-probabilities, for a token may be copied."""


def embed_prompt(
    model: MotionLanguageModel, prompt: TextPrompt
) -> tuple[Float[Tensor, "B P H"], Bool[Tensor, "B P"]]:
    """The whole prompt as inputs of the backbone."""
    pieces = [model.prefix_embeddings(prompt.condition)]
    masks = [prompt.condition.mask]
    if prompt.motion.shape[1]:
        span, span_mask = model.motion_span(prompt.motion, prompt.motion_mask)
        pieces.append(span)
        masks.append(span_mask)
    pieces.append(model.text_embeddings(prompt.payload))
    masks.append(prompt.payload_mask)
    return torch.cat(pieces, dim=1), torch.cat(masks, dim=1)


def answer_inputs(model: MotionLanguageModel, answer: Int[Tensor, "B A"]) -> Float[Tensor, "B A H"]:
    """Inputs that predict an answer: ``<pad>``, as in T5, then each token before the next."""
    begin = torch.full_like(answer[:, :1], model.vocabulary.special_ids["<pad>"])
    return model.text_embeddings(torch.cat([begin, answer[:, :-1]], dim=1))


def read_and_answer(
    model: MotionLanguageModel,
    prompt: TextPrompt,
    answer: Int[Tensor, "B A"],
    mask: Bool[Tensor, "B A"],
) -> TextLogits:
    """Predict every token of an answer from the prompt and the true tokens before it.

    Args:
        model: The language model.
        prompt: What is asked.
        answer: True tokens, ``<end>`` last; padding behind.
        mask: Real tokens of it.
    """
    embedded, prompt_mask = embed_prompt(model, prompt)
    read, hidden = model.respond(embedded, prompt_mask, answer_inputs(model, answer), mask)
    count = prompt.payload.shape[1]
    payload = None if read is None else model.text_logits(read[:, embedded.shape[1] - count :])
    written = model.text_logits(hidden)
    return TextLogits(payload, model.copying(hidden, written, copy_source(model, prompt)))


def copy_source(model: MotionLanguageModel, prompt: TextPrompt) -> CopySource:
    """What an answer may repeat of its prompt."""
    embedded = model.text_embeddings(prompt.payload)
    return model.copying.source(embedded, prompt.payload, prompt.payload_mask)


def pad_rows(rows: Sequence[Int[Tensor, " _"]]) -> tuple[Int[Tensor, "B N"], Bool[Tensor, "B N"]]:
    """Stack rows of different lengths; padding stands behind and holds 0."""
    lengths = torch.tensor([len(row) for row in rows])
    padded = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
    return padded.long(), torch.arange(padded.shape[1])[None] < lengths[:, None]


def pad_motions(
    motions: Sequence[Int[Tensor, "_ S"] | None], num_streams: int
) -> tuple[Int[Tensor, "B M S"], Bool[Tensor, "B M"]]:
    """Stack motions of different lengths; None is a row without a motion."""
    none = torch.full((0, num_streams), ABSENT)
    rows = [none if motion is None else motion for motion in motions]
    lengths = torch.tensor([len(row) for row in rows])
    longest = int(lengths.max())
    padded = torch.full((len(rows), longest, num_streams), ABSENT)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = row
    return padded, torch.arange(longest)[None] < lengths[:, None]
