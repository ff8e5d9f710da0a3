"""Training the motion language model: data module and Lightning module."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from pytorch_lightning import LightningDataModule, LightningModule
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset
from torchdata.stateful_dataloader import StatefulDataLoader

from motion.conditioners import Condition, TextEncoder, TextFeatureTable, cache_text_features
from motion.data import load_corpora
from motion.errors import ConfigError
from motion.generate.checkpoint import save_language_model
from motion.language import (
    UNKNOWN_LENGTH,
    MotionLanguageModel,
    MotionLanguageModelConfig,
    MotionLogits,
)
from motion.tokenizer import MotionTokenizer
from motion.train.code_store import CodeStore, encode_corpora, streams_of
from motion.train.schedule import OptimizerConfig, build_optimizer
from motion.train.stitching import Sample, Stitcher, codes_of, single_samples
from motion.train.text_pieces import train_text_pieces

PHASES = (0, 3)
BUCKET_STEPS = 8
"""Motions of one batch differ in length by fewer steps than this."""


@dataclass
class StepBatch:
    """Motions as codes with one caption each (not frozen: Lightning moves its tensors)."""

    codes: Int[Tensor, "B L S"]
    mask: Bool[Tensor, "B L"]
    states: Float[Tensor, "B P E"]
    states_mask: Bool[Tensor, "B P"]
    pooled: Float[Tensor, "B E"]

    @property
    def condition(self) -> Condition:
        """The captions' features."""
        return Condition(
            embedding=self.states,
            mask=self.states_mask,
            pooled=self.pooled,
            rate=None,
            modality="text",
        )


class StepBatches(Dataset[StepBatch]):
    """Batch number i, drawn from a generator seeded by (seed, i): any run resumes exactly."""

    def __init__(
        self,
        store: CodeStore,
        samples: Sequence[Sample],
        texts: Mapping[str, int],
        features: TextFeatureTable,
        *,
        num_batches: int,
        steps_per_batch: int,
        seed: int,
    ) -> None:
        self.store, self.samples, self.texts, self.features = store, samples, texts, features
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
        """Draw motions of similar length and one caption for each."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        bucket = int(torch.multinomial(self.bucket_weights, 1, generator=generator))
        drawn = torch.multinomial(
            self.weights[bucket], self.sizes[bucket], replacement=True, generator=generator
        )
        chosen = [self.samples[self.buckets[bucket][int(i)]] for i in drawn]
        captions = [
            sample.texts[int(torch.randint(len(sample.texts), (), generator=generator))]
            for sample in chosen
        ]
        rows = [codes_of(self.store, sample) for sample in chosen]
        lengths = torch.tensor([len(row) for row in rows])
        codes = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        mask = torch.arange(codes.shape[1])[None] < lengths[:, None]
        condition = self.features.gather([self.texts[caption] for caption in captions])
        return StepBatch(codes, mask, condition.embedding, condition.mask, condition.pooled)


@dataclass(frozen=True, kw_only=True)
class StitchingConfig:
    """Longer motions made of real ones."""

    num_samples: int = 8000
    """How many joined motions to make."""
    succession_share: float = 0.6
    """Share that joins different actions; the rest repeats one."""
    max_steps: int = 72
    """Longest training motion, in steps."""
    weight: float = 0.35
    """How often a joined motion is drawn, relative to a single one of average weight."""


class StepData(LightningDataModule):
    """Motion codes and caption features of prepared corpora."""

    def __init__(
        self,
        root: Path,
        corpora: list[str],
        tokenizer: Path,
        stitching: StitchingConfig,
        steps_per_batch: int = 900,
        num_batches: int = 10000,
        cache: Path = Path("runs/cache"),
        seed: int = 0,
    ) -> None:
        """Say what to read.

        Args:
            root: Folder with prepared corpora, one sub-folder each (`motion prepare`).
            corpora: Names of sub-folders.
            tokenizer: Folder of the trained tokenizer.
            stitching: Longer motions made of real ones.
            steps_per_batch: Motion steps a batch, padding included.
            num_batches: Batches in all.
            cache: Where encoded motions and caption features are kept.
            seed: Of the drawing.
        """
        super().__init__()
        self.root, self.corpora, self.tokenizer_folder = root, corpora, tokenizer
        self.stitching, self.steps_per_batch = stitching, steps_per_batch
        self.num_batches, self.cache, self.seed = num_batches, cache, seed
        self.stores: dict[str, CodeStore] = {}

    def setup(self, stage: str) -> None:
        """Encode motions and captions once; both are cached."""
        if self.stores:
            return
        self.tokenizer = MotionTokenizer.load(self.tokenizer_folder)
        key = self._cache_key()
        for split, mirror, phases in (("train", True, PHASES), ("val", False, (0,))):
            folder = self.cache / "codes" / f"{key}-{split}"
            if not (folder / "sequences.jsonl").is_file():
                corpora = load_corpora([self.root / name for name in self.corpora])
                store = encode_corpora(corpora, split, self.tokenizer, mirror=mirror, phases=phases)
                store.save(folder)
            self.stores[split] = CodeStore.load(folder)
        self.samples = {
            "train": self._train_samples(),
            "val": single_samples(self.stores["val"], [1.0] * len(self.stores["val"].sequences)),
        }
        texts = dict.fromkeys(t for s in self.samples.values() for x in s for t in x.texts)
        self.texts = {text: index for index, text in enumerate(texts)}
        encoder = TextEncoder.load()
        self.features = cache_text_features(list(texts), encoder, self.cache / "text")

    def _cache_key(self) -> str:
        """Names the codes of this tokenizer and these corpora."""
        digest = sha256()
        for part in self.tokenizer.part_names:
            digest.update((self.tokenizer_folder / part / "model.safetensors").read_bytes())
        for name in self.corpora:
            digest.update((self.root / name / "corpus.json").read_bytes())
            digest.update((self.root / name / "clips.jsonl").read_bytes())
        return digest.hexdigest()[:16]

    def _train_samples(self) -> list[Sample]:
        store, config = self.stores["train"], self.stitching
        weights = balanced_weights(store)
        stitcher = Stitcher(store, weights, self.seed)
        samples = single_samples(store, weights)
        samples = [s for s in samples if s.num_steps <= config.max_steps] + [
            window
            for s in samples
            if s.num_steps > config.max_steps
            for window in _windows(s, config.max_steps)
        ]
        mean = sum(s.weight for s in samples) / len(samples)
        weight = mean * config.weight * len(samples) / max(config.num_samples, 1)
        joined = [
            stitcher.draw(config.max_steps, config.succession_share)
            for _ in range(config.num_samples)
        ]
        return samples + [Sample(s.pieces, s.texts, weight) for s in joined if s is not None]

    def _batches(self, split: str, num_batches: int) -> Any:
        data = StepBatches(
            self.stores[split],
            self.samples[split],
            self.texts,
            self.features,
            num_batches=num_batches,
            steps_per_batch=self.steps_per_batch,
            seed=self.seed + (split == "val"),
        )
        return StatefulDataLoader(data, batch_size=None)

    def train_dataloader(self) -> Any:
        """Batches that resume exactly."""
        return self._batches("train", self.num_batches)

    def val_dataloader(self) -> Any:
        """A fixed set of validation batches."""
        return self._batches("val", 12)


def balanced_weights(store: CodeStore) -> list[float]:
    """Weight of each sequence: frequent labels count less (one over the root of their number)."""
    counts: dict[str, int] = {}
    for record in store.sequences:
        counts[record.label] = counts.get(record.label, 0) + 1
    return [counts[record.label] ** -0.5 for record in store.sequences]


def _windows(sample: Sample, max_steps: int) -> list[Sample]:
    """Overlapping windows of a motion that is too long."""
    piece = sample.pieces[0]
    starts = range(0, max(1, piece.stop - max_steps // 2), max_steps // 2)
    cut = [
        type(piece)(piece.sequence, start, min(start + max_steps, piece.stop)) for start in starts
    ]
    return [Sample((window,), sample.texts, sample.weight / len(cut)) for window in cut]


@dataclass(frozen=True, kw_only=True)
class LanguageTrainingConfig:
    """What keeps the model honest in training."""

    condition_dropout: float = 0.1
    """Share of motions trained without their text (for classifier-free guidance)."""
    token_dropout: float = 0.5
    """Share of motions whose text loses tokens, each with one chance drawn from 0 to 1 a text."""
    pooled_noise: float = 0.3
    """Noise on the pooled text vector, in standard deviations: close wordings mean the same."""
    hide_length: float = 0.2
    """Share of motions whose length the clock does not tell."""
    corrupt: float = 0.1
    """A motion's input codes are replaced at random, each with a chance up to this."""
    level_weights: tuple[float, ...] = (1.0, 0.7, 0.5)
    """Loss weight of each quantizer level."""
    label_smoothing: float = 0.0
    """Of the cross-entropy."""
    end_weight: float = 0.1
    """Loss weight of the end of motions of unknown length."""


class LanguageModule(LightningModule):
    """Trains a ``MotionLanguageModel`` on captioned motion codes."""

    def __init__(
        self,
        language_model: MotionLanguageModelConfig,
        training: LanguageTrainingConfig,
        optimizer: OptimizerConfig,
    ) -> None:
        """Remember the configuration; the model is built when the tokenizer is known.

        Args:
            language_model: Backbone, part head, sizes.
            training: Dropouts and loss weights.
            optimizer: Learning rate and schedule.
        """
        super().__init__()
        self.language_config, self.training_config = language_model, training
        self.optimizer_config = optimizer
        self.model: MotionLanguageModel | None = None

    def setup(self, stage: str) -> None:
        """Build the model for the tokenizer's streams and the captions' statistics."""
        if self.model is not None:
            return
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        streams = streams_of(data.tokenizer)
        if len(self.training_config.level_weights) <= max(s.level for s in streams):
            raise ConfigError("training.level_weights needs one weight per quantizer level")
        self.model = MotionLanguageModel(self.language_config, streams)
        for stream in streams:
            self.model.set_codebook(stream, data.tokenizer.code_vectors(stream.part)[stream.level])
        rows = torch.randperm(len(data.features), generator=torch.Generator().manual_seed(0))
        self.model.set_condition_statistics(data.features.gather(rows[:1000]))
        self.text_pieces = train_text_pieces(list(data.texts), self.language_config.num_text_pieces)

    def _losses(self, batch: StepBatch, logits: MotionLogits) -> dict[str, Tensor]:
        assert self.model is not None
        losses, total, weight_sum = {}, torch.zeros(()), 0.0
        for index, stream in enumerate(self.model.vocabulary.streams):
            target = batch.codes[..., index].masked_fill(~batch.mask, -1)
            loss = cross_entropy(
                logits.codes[index].float().flatten(0, 1),
                target.flatten(),
                ignore_index=-1,
                label_smoothing=self.training_config.label_smoothing * self.training,
            )
            losses[stream.name] = loss
            weight = self.training_config.level_weights[stream.level]
            total, weight_sum = total + weight * loss, weight_sum + weight
        losses["codes"] = torch.stack(list(losses.values())).mean()
        losses["objective"] = total / weight_sum
        return losses

    def training_step(self, batch: StepBatch, index: int) -> Tensor:
        """One batch of motions with dropped conditions, hidden lengths and corrupted inputs."""
        assert self.model is not None
        config, B = self.training_config, len(batch.codes)
        keep = torch.rand(B) >= config.condition_dropout
        hidden = torch.rand(B, 1) < config.hide_length
        length = batch.mask.sum(1, keepdim=True)
        told = torch.where(hidden, torch.full_like(length, UNKNOWN_LENGTH), length)
        logits = self.model(
            batch.codes,
            batch.mask,
            self._blurred(batch.condition),
            keep=keep,
            told_length=told,
            read=self._corrupted(batch.codes),
        )
        losses = self._losses(batch, logits)
        self.log("train/codes", losses["codes"], prog_bar=True)
        last = torch.arange(batch.mask.shape[1])[None] == length - 1
        ends = torch.nn.functional.binary_cross_entropy_with_logits(
            logits.end.float(), last.float(), reduction="none"
        )
        end = (ends * batch.mask * hidden).sum() / (batch.mask * hidden).sum().clamp(min=1)
        return losses["objective"] + config.end_weight * end

    def _blurred(self, condition: Condition) -> Condition:
        """Hide tokens and shake the pooled vector, so that no wording is learned by heart."""
        assert self.model is not None
        config, B = self.training_config, len(condition.pooled)
        chance = torch.rand(B, 1) * (torch.rand(B, 1) < config.token_dropout)
        kept = condition.mask & (torch.rand(condition.mask.shape) >= chance)
        noise = torch.randn_like(condition.pooled) * self.model.pooled_std * config.pooled_noise
        return replace(condition, mask=kept, pooled=condition.pooled + noise)

    def _corrupted(self, codes: Int[Tensor, "B L S"]) -> Int[Tensor, "B L S"]:
        """Replace some input codes, so that the model learns to go on from its own mistakes."""
        assert self.model is not None
        chance = torch.rand(len(codes), 1, 1) * self.training_config.corrupt
        sizes = torch.tensor([s.codebook_size for s in self.model.vocabulary.streams])
        random = (torch.rand(codes.shape) * sizes).long()
        replace = (torch.rand(codes.shape) < chance) & (codes >= 0)
        return torch.where(replace, random, codes)

    def validation_step(self, batch: StepBatch, index: int) -> None:
        """Cross-entropy of held-out motions, with their text and without it."""
        assert self.model is not None
        size = len(batch.codes)
        with_text = self._losses(batch, self.model(batch.codes, batch.mask, batch.condition))
        for name, value in with_text.items():
            self.log(f"val/{name}", value, prog_bar=name == "codes", batch_size=size)
        keep = torch.zeros(size, dtype=torch.bool)
        without = self._losses(
            batch, self.model(batch.codes, batch.mask, batch.condition, keep=keep)
        )
        self.log("val/codes_without_text", without["codes"], batch_size=size)

    def configure_optimizers(self) -> Any:
        """AdamW with warm-up and cosine decay."""
        assert self.model is not None
        return build_optimizer(self.model, self.optimizer_config)

    def export(self, folder: Path) -> None:
        """Write the language model as users load it."""
        assert self.model is not None
        save_language_model(self.model, self.text_pieces, folder / "language")
