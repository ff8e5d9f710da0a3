"""What trains beside motions with captions: gaps, descriptions, plans, sentences.

``JointBatches`` mixes kinds of batches by weights that may change along the way (a curriculum).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch.utils.data import Dataset

from motion.conditioners import TextFeatureTable
from motion.data import PreparedCorpus
from motion.errors import ConfigError
from motion.language import Vocabulary
from motion.tasks.examples import TaskExample, read_examples
from motion.tasks.prompts import make_prompt, paraphrases
from motion.tasks.task_table import TASKS
from motion.tokenizer import MotionTokenizer
from motion.train.code_store import CodeStore
from motion.train.gap_batches import GapBatches
from motion.train.gap_windows import GapConfig, GapStore, cut_gaps
from motion.train.step_batches import StepBatch, StepBatches
from motion.train.text_batches import (
    TextBatch,
    TextBatches,
    TextItem,
    items_of_examples,
    read_whole,
)

KINDS: tuple[str, ...] = ("motions", "gaps", "captions", "plans", "sentences")
"""Kinds of batches."""
SENTENCE_PAYLOAD = "[Input]\n"
"""Payload of a sentence that comes through the text encoder alone and is to be written down."""
LONGEST_DESCRIBED = 72
"""Steps of a motion that training describes."""


@dataclass(frozen=True, kw_only=True)
class TaskStage:
    """Shares of the kinds of batches from some batch on."""

    from_batch: int = 0
    """First batch that is drawn so."""
    weights: dict[str, float] = field(default_factory=lambda: {"motions": 1.0})
    """Share of each of motions, gaps, captions, plans, sentences."""

    def __post_init__(self) -> None:
        """Check names."""
        unknown = set(self.weights) - set(KINDS)
        if unknown or not self.weights or min(self.weights.values()) < 0:
            raise ConfigError(
                f"tasks: weights name kinds of {', '.join(KINDS)}, none below 0; got {self.weights}"
            )


@dataclass(frozen=True, kw_only=True)
class TasksConfig:
    """Which tasks train beside motions with captions, and how often."""

    examples: list[str] = field(default_factory=list)
    """Folders of text tasks below the root (`motion prepare plans`)."""
    gaps: GapConfig = field(default_factory=GapConfig)
    """Windows for prediction and in-betweening."""
    schedule: list[TaskStage] = field(default_factory=list)
    """Shares of the kinds, in the order of their first batches."""
    pieces_per_batch: int = 1100
    """Positions of a batch of questions, padding included."""
    thought_share: float = 0.5
    """Share of answers that are written with their thought, where there is one."""
    states_share: float = 0.1
    """Share of examples that are read through the text encoder alone, in any of its languages."""
    max_sentences: int = 6000
    """Sentences about motions to be written down."""

    def __post_init__(self) -> None:
        """Check the schedule."""
        starts = [stage.from_batch for stage in self.schedule]
        if not starts or starts[0] != 0 or starts != sorted(set(starts)):
            raise ConfigError(f"tasks: the schedule needs stages from batch 0 on, got {starts}")

    def weights_at(self, batch: int) -> dict[str, float]:
        """Shares of the kinds for one batch."""
        found = [stage for stage in self.schedule if stage.from_batch <= batch]
        return found[-1].weights


@runtime_checkable
class Drawing(Protocol):
    """Draws batches of one kind."""

    def draw(self, generator: torch.Generator) -> StepBatch | TextBatch:
        """One batch."""


class JointBatches(Dataset[StepBatch | TextBatch]):
    """Batch number i, of a kind drawn by the schedule; any run resumes exactly."""

    def __init__(
        self,
        motions: StepBatches,
        others: Mapping[str, Drawing],
        config: TasksConfig,
        *,
        seed: int,
    ) -> None:
        self.motions, self.others, self.config, self.seed = motions, others, config, seed
        named = {kind for stage in config.schedule for kind, w in stage.weights.items() if w}
        lacking = named - set(others) - {"motions"}
        if lacking:
            raise ConfigError(f"tasks: there are no data for {', '.join(sorted(lacking))}")

    def __len__(self) -> int:
        return len(self.motions)

    def __getitem__(self, index: int) -> StepBatch | TextBatch:
        """Draw a kind, then a batch of it."""
        generator = torch.Generator().manual_seed(self.seed * 7_368_787 + index)
        weights = self.config.weights_at(index)
        names = [name for name in KINDS if weights.get(name)]
        shares = torch.tensor([weights[name] for name in names])
        kind = names[int(torch.multinomial(shares, 1, generator=generator))]
        if kind == "motions":
            return self.motions[index]
        return self.others[kind].draw(generator)


class FixedBatches(Dataset[StepBatch | TextBatch]):
    """The same few batches of every kind, to validate on."""

    def __init__(self, motions: StepBatches, others: Mapping[str, Drawing], each: int) -> None:
        self.motions, self.others, self.each = motions, list(others.values()), each

    def __len__(self) -> int:
        return len(self.motions) + self.each * len(self.others)

    def __getitem__(self, index: int) -> StepBatch | TextBatch:
        """Motions first, then the other kinds."""
        if index < len(self.motions):
            return self.motions[index]
        kind, number = divmod(index - len(self.motions), self.each)
        return self.others[kind].draw(torch.Generator().manual_seed(number))


@dataclass(frozen=True)
class TaskTexts:
    """Examples and sentences of a split."""

    examples: tuple[TaskExample, ...] = ()
    sentences: tuple[str, ...] = ()

    @classmethod
    def read(cls, config: TasksConfig, root: Path, split: str) -> "TaskTexts":
        """Read all folders of examples.

        Raises:
            DataError: A folder lacks its examples.
        """
        examples: list[TaskExample] = []
        sentences: list[str] = []
        for name in config.examples:
            examples += read_examples(root / name / f"{split}.jsonl")
            captions = root / name / f"{split}_captions.txt"
            if captions.is_file():
                sentences += captions.read_text("utf-8").splitlines()
        return cls(tuple(examples), spread(sentences, config.max_sentences))

    def read_by_encoder(self, states_share: float) -> list[str]:
        """What the text encoder is to read for these."""
        whole = [
            make_prompt(example.task, example.fields, number).text
            for number, example in enumerate(self.examples)
            if read_whole(number, states_share)
        ]
        return [*instruction_wordings(), *whole, *self.sentences]

    def written(self) -> list[str]:
        """What is read and written in text pieces."""
        texts = list(self.sentences)
        for example in self.examples:
            payload = make_prompt(example.task, example.fields).payload
            texts += [payload + "[Response]", example.answer, example.thought or ""]
        return texts


def instruction_wordings() -> list[str]:
    """Wordings of all instructions."""
    return [text for task in TASKS for text in paraphrases(task)]


def spread(texts: Sequence[str], count: int) -> tuple[str, ...]:
    """At most ``count`` texts, evenly spread."""
    step = max(1.0, len(texts) / max(count, 1))
    return tuple(texts[int(place * step)] for place in range(min(count, len(texts))))


def caption_items(
    store: CodeStore, weights: Sequence[float], rows: Mapping[str, int]
) -> list[TextItem]:
    """Motions to be described, in English."""
    wordings = tuple(rows[text] for text in paraphrases("motion_to_text"))
    items = []
    for record, weight in zip(store.sequences, weights, strict=True):
        answers = tuple(c.text for c in record.captions if c.language == "en")
        if answers and record.num_steps <= LONGEST_DESCRIBED:
            items.append(
                TextItem(
                    instructions=wordings,
                    payload="",
                    answers=answers,
                    motion=(record.start, record.start + record.num_steps),
                    weight=weight,
                    size=record.num_steps + 40,
                )
            )
    return items


def text_items(
    texts: TaskTexts, rows: Mapping[str, int], config: TasksConfig
) -> dict[str, list[TextItem]]:
    """Questions without motions, by kind."""
    items = {
        "plans": items_of_examples(texts.examples, rows, states_share=config.states_share),
        "sentences": [
            TextItem(
                instructions=(rows[text],),
                payload=SENTENCE_PAYLOAD,
                answers=(text,),
                size=int(2.6 * len(text.split())) + 8,
            )
            for text in texts.sentences
        ],
    }
    return {kind: found for kind, found in items.items() if found}


def read_tasks(
    config: TasksConfig,
    root: Path,
    corpora: Sequence[PreparedCorpus],
    tokenizer: MotionTokenizer,
    cache: Path,
) -> dict[str, "SplitTasks"]:
    """Read examples and cut windows, for training and validation.

    Args:
        config: Which tasks.
        root: Folder with the folders of examples.
        corpora: Prepared corpora.
        tokenizer: Trained tokenizer.
        cache: Where windows of these corpora and this tokenizer are kept.
    """
    key = f"{config.gaps.per_clip}-{config.gaps.seed}"
    return {
        split: SplitTasks(
            texts=TaskTexts.read(config, root, split),
            gaps=cut_gaps(corpora, split, tokenizer, config.gaps, cache / f"{key}-{split}"),
        )
        for split in ("train", "val")
    }


@dataclass(frozen=True)
class SplitTasks:
    """All of a split but its motions with captions."""

    texts: TaskTexts
    gaps: GapStore

    def read_by_encoder(self, config: TasksConfig) -> list[str]:
        """What the text encoder is to read."""
        captions = [text for captions in self.gaps.texts for text in captions]
        return [*self.texts.read_by_encoder(config.states_share), *captions]


def task_batches(
    tasks: SplitTasks,
    store: CodeStore,
    weights: Sequence[float],
    table: "FeatureRows",
    pieces: "TextPieces",
    config: TasksConfig,
    steps_per_batch: int,
) -> dict[str, Drawing]:
    """What draws batches of each kind beside motions with captions.

    Args:
        tasks: Examples and windows of a split.
        store: Codes of its motions.
        weights: Of its motions.
        table: Features of all texts.
        pieces: How texts are written.
        config: Which tasks.
        steps_per_batch: Motion steps of a batch of windows.
    """
    items = text_items(tasks.texts, table.rows, config)
    items["captions"] = caption_items(store, weights, table.rows)
    found: dict[str, Drawing] = {
        kind: TextBatches(
            kind,
            items[kind],
            store.codes,
            table.features,
            pieces.tokenizer,
            pieces.vocabulary,
            pieces_per_batch=config.pieces_per_batch,
            thought_share=config.thought_share,
        )
        for kind in KINDS
        if items.get(kind)
    }
    if tasks.gaps.windows:
        found["gaps"] = GapBatches(
            tasks.gaps, table.rows, table.features, config.gaps, steps_per_batch=steps_per_batch
        )
    return found


@dataclass(frozen=True)
class FeatureRows:
    """Features of texts and the row of each."""

    rows: Mapping[str, int]
    features: TextFeatureTable


@dataclass(frozen=True)
class TextPieces:
    """How a model writes."""

    tokenizer: Any
    """Of the ``tokenizers`` package."""
    vocabulary: Vocabulary
