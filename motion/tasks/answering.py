"""``Answerer``: questions in, texts out, through the language model's own pieces.

Axes: L steps of a motion; S streams.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn.functional import log_softmax

from motion.conditioners import TextEncoder
from motion.language import DecodingEngine
from motion.language.reading import TextPrompt, pad_motions, pad_rows, read_and_answer
from motion.language.writing import TextWriter, Writing, WritingRequest
from motion.tasks.grammars import TextGrammar, piece_texts, token_rule
from motion.tasks.prompts import Prompt
from motion.tasks.task_table import TASKS

RESPONSE = "[Response]"
"""Closes the payload."""
BATCH = 16
"""Questions answered together."""
LONGEST_PAYLOAD = 400
"""Pieces of a payload that are read, its last ones; trained payloads are shorter."""
LONGEST_MOTION = 300
"""Steps of a motion that are read, its first minute."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One thing asked of the model in words."""

    prompt: Prompt
    motion: Int[Tensor, "L S"] | None = None
    """Codes of all streams of a motion that the prompt speaks of; -1 absent."""
    seed: int = 0
    temperature: float = 0.0
    """0: always the likeliest token."""
    top_k: int | None = None
    """Choose among this many likeliest tokens; None: all."""
    max_tokens: int = 160
    """Of the answer."""
    thinking_budget: int = 0
    """Most tokens of the thought; 0: none."""
    grammar: TextGrammar | None = None
    """What the answer must look like; None: any text."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the model wrote."""

    text: str
    thought: str = ""
    num_tokens: int = 0
    """Of the text."""
    num_thought_tokens: int = 0
    finished: bool = False
    """It ended by itself, not at its limit."""
    log_likelihood: float = 0.0
    """Mean over the tokens of the text."""


class Answerer:
    """A language model that answers questions in words."""

    def __init__(self, engine: DecodingEngine, text_pieces: Any, text_encoder: TextEncoder) -> None:
        """Remember the model.

        Args:
            engine: Holds the language model.
            text_pieces: Its tokenizer of the ``tokenizers`` package.
            text_encoder: Reads instructions.
        """
        self.engine, self.text_pieces, self.text_encoder = engine, text_pieces, text_encoder
        self.writer = TextWriter(engine)

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer each question as if it were the only one."""
        answers: list[Answer] = []
        for first in range(0, len(questions), BATCH):
            batch = questions[first : first + BATCH]
            requests = [self._request(question) for question in batch]
            written = self.writer.write(self._prompt(batch), requests)
            answers += [self._answer(writing) for writing in written]
        return answers

    @torch.no_grad()
    def log_likelihoods(self, questions: Sequence[Question], answers: Sequence[str]) -> list[float]:
        """How likely each given answer is, as the mean per token, ``<end>`` included."""
        found: list[float] = []
        model, ids = self.engine.model, self.engine.model.vocabulary.special_ids
        no_thought = [ids["<think>"], ids["</think>"]]
        for first in range(0, len(questions), BATCH):
            batch = questions[first : first + BATCH]
            rows, given = [], []
            for question, answer in zip(batch, answers[first : first + BATCH], strict=True):
                front = no_thought if TASKS[question.prompt.task].thinks else []
                rows.append(torch.tensor([*front, *self.pieces_of(answer), ids["<end>"]]))
                given.append(len(front))
            tokens, mask = pad_rows(rows)
            logits = read_and_answer(model, self._prompt(batch), tokens, mask).answer
            each = log_softmax(logits.float(), -1).gather(-1, tokens[..., None])[..., 0]
            for row, start, count in zip(each, given, mask.sum(1).tolist(), strict=True):
                found.append(float(row[start:count].mean()))
        return found

    def pieces_of(self, text: str) -> list[int]:
        """Ids of a text's pieces."""
        ids: list[int] = self.text_pieces.encode(text, add_special_tokens=False).ids
        return ids

    def text_of(self, pieces: Sequence[int]) -> str:
        """The text of some pieces; special tokens have none."""
        text: str = self.text_pieces.decode(
            [i for i in pieces if i < self.engine.model.vocabulary.num_text_pieces]
        )
        return text.strip()

    @cached_property
    def _piece_texts(self) -> tuple[str | None, ...]:
        return piece_texts(self.text_pieces, self.engine.model.vocabulary.num_text_pieces)

    def _request(self, question: Question) -> WritingRequest:
        rule = None
        if question.grammar is not None:
            end = self.engine.model.vocabulary.special_ids["<end>"]
            rule = token_rule(question.grammar, self._piece_texts, end)
        return WritingRequest(
            seed=question.seed,
            temperature=question.temperature,
            top_k=question.top_k or 0,
            max_tokens=question.max_tokens,
            thinks=TASKS[question.prompt.task].thinks,
            thinking_budget=question.thinking_budget,
            allowed=rule,
        )

    def _prompt(self, questions: Sequence[Question]) -> TextPrompt:
        prompts = [as_read(question.prompt) for question in questions]
        condition = self.text_encoder.encode([prompt.instruction for prompt in prompts])
        payloads = [payload_pieces(self.text_pieces, prompt.payload) for prompt in prompts]
        payload, payload_mask = pad_rows([torch.tensor(row) for row in payloads])
        motions = [None if q.motion is None else q.motion[:LONGEST_MOTION] for q in questions]
        streams = self.engine.model.vocabulary.streams
        motion, motion_mask = pad_motions(motions, len(streams))
        return TextPrompt(
            condition=condition,
            motion=motion,
            motion_mask=motion_mask,
            payload=payload,
            payload_mask=payload_mask,
        )

    def _answer(self, writing: Writing) -> Answer:
        return Answer(
            text=self.text_of(writing.answer),
            thought=self.text_of(writing.thought),
            num_tokens=len(writing.answer),
            num_thought_tokens=len(writing.thought),
            finished=writing.finished,
            log_likelihood=writing.mean_log_likelihood,
        )


def as_read(prompt: Prompt) -> Prompt:
    """A prompt as the model reads it best.

    Text pieces were learned from English; a payload with other letters comes through the text
    encoder, as a share of the training examples did.
    """
    if prompt.payload.isascii():
        return prompt
    return replace(prompt, instruction=prompt.text, payload="")


def payload_pieces(text_pieces: Any, payload: str) -> list[int]:
    """Pieces of a payload and of the mark that closes it; of a long one the last."""
    ids: list[int] = text_pieces.encode(payload + RESPONSE, add_special_tokens=False).ids
    return ids[-LONGEST_PAYLOAD:]
