"""Batches of captioned motion codes for training the language model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import Dataset
from torchdata.stateful_dataloader import StatefulDataLoader

from motion.conditioners import TextEncoder, TextFeatureTable, cache_text_features
from motion.data import load_corpora
from motion.tokenizer import MotionTokenizer
from motion.train.captioned_batch import CaptionedBatch
from motion.train.code_store import CodeStore, encode_corpora
from motion.train.stitching import Sample, Stitcher, codes_of, single_samples

PHASES = (0, 3)
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
