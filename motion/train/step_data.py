"""What language training reads: motion codes of prepared corpora, captions, sounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningDataModule
from torchdata.stateful_dataloader import StatefulDataLoader

from motion.conditioners import TextEncoder, cache_text_features
from motion.data import load_corpora
from motion.language import Vocabulary
from motion.tokenizer import MotionTokenizer
from motion.train.code_store import CodeStore, encode_corpora
from motion.train.sound_data import SoundsConfig, load_sounds
from motion.train.step_batches import NO_TEXT, StepBatches
from motion.train.stitching import Sample, Stitcher, single_samples
from motion.train.task_data import (
    Drawing,
    FeatureRows,
    FixedBatches,
    JointBatches,
    SplitTasks,
    TasksConfig,
    TextPieces,
    read_tasks,
    task_batches,
)

PHASES = (0, 3)
"""Frames left out at the start of a clip, one sequence each."""
VAL_BATCHES = 12
"""Motion batches to validate on; of every other kind a third as many."""


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


@dataclass(frozen=True, kw_only=True)
class StepDrawingConfig:
    """How batches are drawn."""

    steps_per_batch: int = 900
    """Motion steps a batch, padding included."""
    num_batches: int = 10000
    """Batches in all."""
    corpus_weights: dict[str, float] = field(default_factory=dict)
    """How often a corpus's clips are drawn, relative to others; 1 where it is not named."""
    seed: int = 0
    """Of the drawing."""


class StepData(LightningDataModule):
    """Motion codes and caption features of prepared corpora."""

    def __init__(
        self,
        root: Path,
        corpora: list[str],
        tokenizer: Path,
        stitching: StitchingConfig,
        drawing: StepDrawingConfig,
        sounds: SoundsConfig | None = None,
        tasks: TasksConfig | None = None,
        cache: Path = Path("runs/cache"),
    ) -> None:
        """Say what to read.

        Args:
            root: Folder with prepared corpora, one sub-folder each (`motion prepare`).
            corpora: Names of sub-folders.
            tokenizer: Folder of the trained tokenizer.
            stitching: Longer motions made of real ones.
            drawing: How batches are drawn.
            sounds: Music and speech; None: text only.
            tasks: What trains beside motions with captions; None: nothing.
            cache: Where encoded motions and features are kept.
        """
        super().__init__()
        self.root, self.corpora, self.tokenizer_folder = root, corpora, tokenizer
        self.stitching, self.drawing, self.sounds_config = stitching, drawing, sounds
        self.tasks_config, self.tasks = tasks, dict[str, SplitTasks]()
        self.pieces: TextPieces | None = None
        self.cache = cache
        self.stores: dict[str, CodeStore] = {}

    def setup(self, stage: str) -> None:
        """Encode motions and captions once; both are cached."""
        if self.stores:
            return
        self.tokenizer = MotionTokenizer.load(self.tokenizer_folder)
        key = self._cache_key()
        corpora = load_corpora([self.root / name for name in self.corpora])
        for split, mirror, phases in (("train", True, PHASES), ("val", False, (0,))):
            folder = self.cache / "codes" / f"{key}-{split}"
            if not (folder / "sequences.jsonl").is_file():
                store = encode_corpora(corpora, split, self.tokenizer, mirror=mirror, phases=phases)
                store.save(folder)
            self.stores[split] = CodeStore.load(folder)
        self.sounds = load_sounds(
            self.sounds_config, self.root, corpora, self.cache, self.tokenizer.frames_per_code
        )
        self.samples = {"train": self._train_samples(), "val": self._val_samples()}
        texts = dict.fromkeys(t for s in self.samples.values() for x in s for t in x.texts)
        texts[NO_TEXT] = None
        if self.tasks_config is not None:
            self.tasks = read_tasks(
                self.tasks_config, self.root, corpora, self.tokenizer, self.cache / "gaps" / key
            )
            for found in self.tasks.values():
                texts.update(dict.fromkeys(found.read_by_encoder(self.tasks_config)))
        self.texts = {text: index for index, text in enumerate(texts)}
        encoder = TextEncoder.load()
        self.features = cache_text_features(list(texts), encoder, self.cache / "text")

    @property
    def written_texts(self) -> list[str]:
        """Training texts, for learning text pieces."""
        if not self.tasks:
            return list(self.texts)
        store = self.stores["train"]
        captions = [c.text for s in store.sequences for c in s.captions if c.language == "en"]
        return [*dict.fromkeys(captions), *self.tasks["train"].texts.written()]

    def write_with(self, tokenizer: Any, vocabulary: Vocabulary) -> None:
        """Say how the model that is trained writes."""
        self.pieces = TextPieces(tokenizer, vocabulary)

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
        weights = balanced_weights(store, self.drawing.corpus_weights)
        captioned = [bool(record.captions) for record in store.sequences]
        spoken = [w * seen for w, seen in zip(weights, captioned, strict=True)]
        stitcher = Stitcher(store, spoken, self.drawing.seed)
        windows = self._windowed(single_samples(store, weights))
        samples = [sample for sample in windows if sample.texts]
        mean = sum(s.weight for s in samples) / len(samples)
        weight = mean * config.weight * len(samples) / max(config.num_samples, 1)
        joined = [
            stitcher.draw(config.max_steps, config.succession_share)
            for _ in range(config.num_samples)
        ]
        samples += [Sample(s.pieces, s.texts, weight) for s in joined if s is not None]
        return samples + self._sounded(windows, samples)

    def _val_samples(self) -> list[Sample]:
        store = self.stores["val"]
        samples = single_samples(store, [1.0] * len(store.sequences))
        heard = self.sounds.of(store, "val")
        return [replace(s, sounds=heard.get(s.pieces[0].sequence, ())) for s in samples]

    def _windowed(self, samples: Sequence[Sample]) -> list[Sample]:
        most = self.stitching.max_steps
        short = [sample for sample in samples if sample.num_steps <= most]
        long = [sample for sample in samples if sample.num_steps > most]
        return short + [window for sample in long for window in _windows(sample, most)]

    def _sounded(self, windows: Sequence[Sample], others: Sequence[Sample]) -> list[Sample]:
        """Motions with sound, weighted so that each modality fills its share of the steps."""
        heard = self.sounds.of(self.stores["train"], "train")
        total = sum(sample.weight * sample.num_steps for sample in others)
        result = []
        for modality, share in self.sounds.shares.items():
            found = []
            for window in windows:
                clips = heard.get(window.pieces[0].sequence, ())
                if any(clip.modality == modality for clip in clips):
                    found.append(replace(window, sounds=clips))
            mass = sum(sample.weight * sample.num_steps for sample in found)
            scale = share * total / max(mass, 1e-9)
            result += [replace(sample, weight=sample.weight * scale) for sample in found]
        return result

    def _motion_batches(self, split: str, num_batches: int) -> StepBatches:
        return StepBatches(
            self.stores[split],
            self.samples[split],
            self.texts,
            self.features,
            self.sounds.bank,
            num_batches=num_batches,
            steps_per_batch=self.drawing.steps_per_batch,
            seed=self.drawing.seed + (split == "val"),
        )

    def _other_batches(self, split: str, config: TasksConfig) -> dict[str, Drawing]:
        assert self.pieces is not None
        store = self.stores[split]
        return task_batches(
            self.tasks[split],
            store,
            balanced_weights(store, self.drawing.corpus_weights),
            FeatureRows(self.texts, self.features),
            self.pieces,
            config,
            self.drawing.steps_per_batch,
        )

    def train_dataloader(self) -> Any:
        """Batches that resume exactly."""
        motions = self._motion_batches("train", self.drawing.num_batches)
        if self.tasks_config is None:
            return StatefulDataLoader(motions, batch_size=None)
        others = self._other_batches("train", self.tasks_config)
        joint = JointBatches(motions, others, self.tasks_config, seed=self.drawing.seed)
        return StatefulDataLoader(joint, batch_size=None)

    def val_dataloader(self) -> Any:
        """A fixed set of validation batches."""
        motions = self._motion_batches("val", VAL_BATCHES)
        if self.tasks_config is None:
            return StatefulDataLoader(motions, batch_size=None)
        others = self._other_batches("val", self.tasks_config)
        return StatefulDataLoader(FixedBatches(motions, others, VAL_BATCHES // 3), batch_size=None)


def balanced_weights(
    store: CodeStore, corpus_weights: Mapping[str, float] | None = None
) -> list[float]:
    """Weight of each sequence: frequent labels count less (one over the root of their number).

    Args:
        store: Sequences.
        corpus_weights: Factors of corpora.
    """
    factors = corpus_weights or {}
    counts: dict[str, int] = {}
    for record in store.sequences:
        counts[record.label] = counts.get(record.label, 0) + 1
    return [
        counts[record.label] ** -0.5 * factors.get(record.corpus, 1.0) for record in store.sequences
    ]


def _windows(sample: Sample, max_steps: int) -> list[Sample]:
    """Overlapping windows of a motion that is too long."""
    piece = sample.pieces[0]
    starts = range(0, max(1, piece.stop - max_steps // 2), max_steps // 2)
    cut = [
        type(piece)(piece.sequence, start, min(start + max_steps, piece.stop)) for start in starts
    ]
    return [Sample((window,), sample.texts, sample.weight / len(cut)) for window in cut]
