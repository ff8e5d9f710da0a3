"""Batches of motion codes with what was said and heard, drawn so that any run resumes exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.utils.data import Dataset

from motion.conditioners import TextFeatureTable
from motion.language import Gap, StepSignals
from motion.train.captioned_batch import CaptionedBatch
from motion.train.code_store import CodeStore
from motion.train.pseudo_pairs import SoundedClip
from motion.train.sounded import Heard, SoundBank
from motion.train.stitching import Sample, codes_of

NO_TEXT = "-"
"""Stands for the caption of motions without one; training drops it."""
BUCKET_STEPS = 8
"""Motions of one batch differ in length by fewer steps than this."""


@dataclass
class StepBatch(CaptionedBatch):
    """Motions as codes with one caption each (not frozen: Lightning moves its tensors)."""

    codes: Int[Tensor, "B L S"]
    mask: Bool[Tensor, "B L"]
    states: Float[Tensor, "B P E"]
    states_mask: Bool[Tensor, "B P"]
    pooled: Float[Tensor, "B E"]
    has_text: Bool[Tensor, " B"]
    heard: dict[str, Float[Tensor, "B L _"]]
    heard_present: dict[str, Bool[Tensor, "B L"]]
    labels: Int[Tensor, "B K"]
    learned: Bool[Tensor, "B L"] | None = None
    """Steps that are to be predicted; None: all."""
    ending: Int[Tensor, "B G S"] | None = None
    ending_mask: Bool[Tensor, "B G"] | None = None
    goal: Float[Tensor, "B 6"] | None = None

    @property
    def gap(self) -> Gap | None:
        """What comes after the motion, if that is told."""
        if self.ending is None or self.ending_mask is None or self.goal is None:
            return None
        return Gap(ending=self.ending, mask=self.ending_mask, goal=self.goal)

    @property
    def signals(self) -> StepSignals:
        """What is heard, and who moves."""
        return StepSignals(features=self.heard, present=self.heard_present, labels=self.labels)


class StepBatches(Dataset[StepBatch]):
    """Batch number i, drawn from a generator seeded by (seed, i): any run resumes exactly."""

    def __init__(
        self,
        store: CodeStore,
        samples: Sequence[Sample],
        texts: Mapping[str, int],
        features: TextFeatureTable,
        bank: SoundBank,
        *,
        num_batches: int,
        steps_per_batch: int,
        seed: int,
    ) -> None:
        self.store, self.samples, self.texts, self.features = store, samples, texts, features
        self.bank = bank
        self.num_batches, self.steps_per_batch, self.seed = num_batches, steps_per_batch, seed
        buckets: dict[int, list[int]] = {}
        for index, sample in enumerate(samples):
            buckets.setdefault(sample.num_steps // BUCKET_STEPS, []).append(index)
        self.buckets = list(buckets.values())
        self.weights = [
            torch.tensor([samples[i].weight for i in bucket], dtype=torch.float64)
            for bucket in self.buckets
        ]
        longest = [max(samples[i].num_steps for i in bucket) for bucket in self.buckets]
        self.sizes = [max(2, steps_per_batch // steps) for steps in longest]
        totals = [float(w.sum()) / size for w, size in zip(self.weights, self.sizes, strict=True)]
        self.bucket_weights = torch.tensor(totals, dtype=torch.float64)

    def __len__(self) -> int:
        return self.num_batches

    def __getitem__(self, index: int) -> StepBatch:
        """Draw motions of similar length, one caption for each, and what is heard beside them."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        bucket = int(torch.multinomial(self.bucket_weights, 1, generator=generator))
        drawn = torch.multinomial(
            self.weights[bucket], self.sizes[bucket], replacement=True, generator=generator
        )
        chosen = [self.samples[self.buckets[bucket][int(i)]] for i in drawn]
        rows = [codes_of(self.store, sample) for sample in chosen]
        lengths = torch.tensor([len(row) for row in rows])
        codes = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        mask = torch.arange(codes.shape[1])[None] < lengths[:, None]
        captions = [self._caption(sample, generator) for sample in chosen]
        condition = self.features.gather(
            [self.texts[NO_TEXT if caption is None else caption] for caption in captions]
        )
        signals = self._signals(chosen, codes.shape[1], generator)
        labels = [self.store.sequences[sample.pieces[0].sequence].labels for sample in chosen]
        return StepBatch(
            codes=codes,
            mask=mask,
            states=condition.embedding,
            states_mask=condition.mask,
            pooled=condition.pooled,
            has_text=torch.tensor([caption is not None for caption in captions]),
            heard=dict(signals.features),
            heard_present=dict(signals.present),
            labels=torch.tensor(labels),
        )

    def _caption(self, sample: Sample, generator: torch.Generator) -> str | None:
        if not sample.texts:
            return None
        return sample.texts[int(torch.randint(len(sample.texts), (), generator=generator))]

    def _signals(
        self, chosen: Sequence[Sample], num_steps: int, generator: torch.Generator
    ) -> StepSignals:
        """Of each item one sound a modality: it may have been paired with several."""
        rows: list[Heard] = []
        for sample in chosen:
            heard: dict[str, SoundedClip] = {}
            for place in torch.randperm(len(sample.sounds), generator=generator).tolist():
                heard.setdefault(sample.sounds[place].modality, sample.sounds[place])
            piece = sample.pieces[0]
            record = self.store.sequences[piece.sequence]
            rows.append((tuple(heard.values()), record.phase, piece.start, piece.stop))
        return self.bank.gather(rows, num_steps)
