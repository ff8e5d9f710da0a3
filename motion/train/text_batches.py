"""Batches of questions that are answered in words, drawn so that any run resumes exactly.

Axes: P tokens of the instruction; M steps of the given motion; N pieces of the payload; A tokens of
the answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from motion.conditioners import Condition, TextFeatureTable
from motion.language import MotionLanguageModel, TextPrompt, Vocabulary, read_and_answer
from motion.language.reading import pad_motions, pad_rows
from motion.tasks.answering import payload_pieces
from motion.tasks.examples import TaskExample
from motion.tasks.prompts import make_prompt, paraphrases
from motion.tasks.task_table import TASKS
from motion.train.captioned_batch import CaptionedBatch

BUCKET_PIECES = 24
"""Questions of one batch differ in length by fewer positions than this."""


@dataclass
class TextBatch(CaptionedBatch):
    """Questions with their answers (not frozen: Lightning moves its tensors)."""

    kind: str
    states: Float[Tensor, "B P E"]
    states_mask: Bool[Tensor, "B P"]
    pooled: Float[Tensor, "B E"]
    motion: Int[Tensor, "B M S"]
    motion_mask: Bool[Tensor, "B M"]
    payload: Int[Tensor, "B N"]
    payload_mask: Bool[Tensor, "B N"]
    answer: Int[Tensor, "B A"]
    answer_mask: Bool[Tensor, "B A"]
    given: Int[Tensor, " B"]
    """Tokens at the start of each answer that are given, not learned."""

    @property
    def prompt(self) -> TextPrompt:
        """What is asked."""
        return TextPrompt(
            condition=self.condition,
            motion=self.motion,
            motion_mask=self.motion_mask,
            payload=self.payload,
            payload_mask=self.payload_mask,
        )


@dataclass(frozen=True, kw_only=True)
class TextItem:
    """One thing that can be asked, with its answers."""

    instructions: tuple[int, ...]
    """Rows of the instruction's wordings in the table of features."""
    payload: str
    answers: tuple[str, ...]
    """One is drawn."""
    thinks: bool = False
    thought: str | None = None
    motion: tuple[int, int] | None = None
    """Start and stop of its steps in the store of codes."""
    weight: float = 1.0
    size: int = 0
    """Positions, roughly: questions of like size share a batch."""


def items_of_examples(
    examples: Sequence[TaskExample], rows: Mapping[str, int], *, states_share: float
) -> list[TextItem]:
    """Questions of planning and the like.

    Args:
        examples: What is asked and answered.
        rows: Row of each text in the table of features.
        states_share: Share of examples that are read as a whole through the text encoder, so that
            languages without text pieces of their own are understood.
    """
    items = []
    for number, example in enumerate(examples):
        prompt = make_prompt(example.task, example.fields)
        instructions = tuple(rows[text] for text in paraphrases(example.task))
        payload = prompt.payload
        if read_whole(number, states_share):
            whole = make_prompt(example.task, example.fields, number).text
            instructions, payload = (rows[whole],), ""
        words = len(payload.split()) + len(example.answer.split())
        items.append(
            TextItem(
                instructions=instructions,
                payload=payload,
                answers=(example.answer,),
                thinks=TASKS[example.task].thinks,
                thought=example.thought,
                size=int(1.3 * words) + 20,
            )
        )
    return items


def read_whole(number: int, share: float) -> bool:
    """Whether example ``number`` is read through the text encoder alone; evenly spread."""
    return int((number + 1) * share) > int(number * share)


class TextBatches:
    """Questions of one kind."""

    def __init__(
        self,
        kind: str,
        items: Sequence[TextItem],
        codes: Int[Tensor, "N S"],
        features: TextFeatureTable,
        text_pieces: Any,
        vocabulary: Vocabulary,
        *,
        pieces_per_batch: int,
        thought_share: float,
    ) -> None:
        self.kind, self.items, self.codes, self.features = kind, items, codes, features
        self.text_pieces, self.vocabulary = text_pieces, vocabulary
        self.thought_share = thought_share
        buckets: dict[int, list[int]] = {}
        for index, item in enumerate(items):
            buckets.setdefault(item.size // BUCKET_PIECES, []).append(index)
        self.buckets = list(buckets.values())
        self.weights = [
            torch.tensor([items[i].weight for i in bucket], dtype=torch.float64)
            for bucket in self.buckets
        ]
        longest = [max(items[i].size for i in bucket) for bucket in self.buckets]
        self.sizes = [max(2, pieces_per_batch // max(size, 1)) for size in longest]
        pairs = zip(self.weights, self.sizes, strict=True)
        self.bucket_weights = torch.tensor([float(w.sum()) / n for w, n in pairs])

    def draw(self, generator: torch.Generator) -> TextBatch:
        """One batch of questions of similar size."""
        bucket = int(torch.multinomial(self.bucket_weights, 1, generator=generator))
        drawn = torch.multinomial(
            self.weights[bucket], self.sizes[bucket], replacement=True, generator=generator
        )
        return self.batch([self.buckets[bucket][int(i)] for i in drawn], generator)

    def batch(self, indices: Sequence[int], generator: torch.Generator) -> TextBatch:
        """Some questions, each with one wording, one answer and perhaps a thought."""
        items = [self.items[i] for i in indices]
        told = [item.instructions[_pick(len(item.instructions), generator)] for item in items]
        condition = self.features.gather(told)
        payload, payload_mask = pad_rows(
            [torch.tensor(payload_pieces(self.text_pieces, item.payload)) for item in items]
        )
        answers = [self._answer(item, generator) for item in items]
        answer, answer_mask = pad_rows([torch.tensor(row) for row, _ in answers])
        motions = [None if i.motion is None else self.codes[slice(*i.motion)] for i in items]
        motion, motion_mask = pad_motions(motions, self.codes.shape[1])
        return TextBatch(
            kind=self.kind,
            states=condition.embedding,
            states_mask=condition.mask,
            pooled=condition.pooled,
            motion=motion,
            motion_mask=motion_mask,
            payload=payload,
            payload_mask=payload_mask,
            answer=answer,
            answer_mask=answer_mask,
            given=torch.tensor([given for _, given in answers]),
        )

    def _answer(self, item: TextItem, generator: torch.Generator) -> tuple[list[int], int]:
        """Tokens of an answer, and how many at its start are given."""
        ids = self.vocabulary.special_ids
        text = item.answers[_pick(len(item.answers), generator)]
        tokens = [*self._pieces(text), ids["<end>"]]
        if not item.thinks:
            return tokens, 0
        thinks = float(torch.rand((), generator=generator)) < self.thought_share
        if item.thought is None or not thinks:
            return [ids["<think>"], ids["</think>"], *tokens], 2
        thought = self._pieces(item.thought)
        return [ids["<think>"], *thought, ids["</think>"], *tokens], 1

    def _pieces(self, text: str) -> list[int]:
        ids: list[int] = self.text_pieces.encode(text, add_special_tokens=False).ids
        return ids


def _pick(count: int, generator: torch.Generator) -> int:
    return int(torch.randint(count, (), generator=generator))


def answer_losses(
    model: MotionLanguageModel, batch: TextBatch, condition: Condition
) -> dict[str, Tensor]:
    """Cross-entropy a token: of what is to be written, and of the payload that is read.

    Args:
        model: The language model.
        batch: Questions and answers.
        condition: Instructions as the model is to read them.
    """
    prompt = replace(batch.prompt, condition=condition)
    logits = read_and_answer(model, prompt, batch.answer, batch.answer_mask)
    place = torch.arange(batch.answer.shape[1], device=batch.answer.device)
    learned = batch.answer_mask & (place >= batch.given[:, None])
    losses = {"answer": _mean_loss(logits.answer, batch.answer, learned)}
    losses["payload"] = torch.zeros_like(losses["answer"])
    if logits.payload is not None:
        following = batch.payload[:, 1:]
        losses["payload"] = _mean_loss(logits.payload[:, :-1], following, batch.payload_mask[:, 1:])
    return losses


def _mean_loss(
    logits: Float[Tensor, "B A W"], target: Int[Tensor, "B A"], mask: Bool[Tensor, "B A"]
) -> Float[Tensor, ""]:
    each = cross_entropy(logits.float().transpose(1, 2), target, reduction="none")
    return (each * mask).sum() / mask.sum().clamp(min=1)
