"""Captioned clips as batches of motion and text: what alignment training reads.

Axes: B pairs of a batch; F frames of all clips together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.utils.data import Dataset

from motion.alignment import MotionFeatures
from motion.conditioners import TextFeatureTable
from motion.data import Caption, PreparedCorpus
from motion.errors import ConfigError, DataError
from motion.train.captioned_batch import CaptionedBatch
from motion.train.feature_store import FeatureStore, build_store

EVALUATION_BATCH = 32


@dataclass
class PairBatch(CaptionedBatch):
    """Motions with one caption each (not frozen: Lightning moves its tensors)."""

    motions: MotionFeatures
    states: Float[Tensor, "B L E"]
    states_mask: Bool[Tensor, "B L"]
    pooled: Float[Tensor, "B E"]
    described: Bool[Tensor, "B B"]
    """The row's caption is one of those of the column's motion or of clips like it."""
    opposed: Bool[Tensor, "B B"]
    """The row's caption is one of those of its mirror image, and not of the motion."""


@dataclass(frozen=True)
class PairStore:
    """Clips of a split, each at an even row and mirrored at the next, with their captions."""

    features: FeatureStore
    captions: tuple[tuple[str, ...], ...]
    corpora: tuple[str, ...]
    """Corpus of each row."""

    @classmethod
    def build(
        cls, corpora: Sequence[PreparedCorpus], split: str, parts: Sequence[str]
    ) -> "PairStore":
        """Read all clips of a split that have the wanted parts.

        Raises:
            DataError: There is none, or none with a caption.
        """
        return cls.of(build_store(corpora, split, parts, mirror=True), corpora, split)

    @classmethod
    def of(
        cls, features: FeatureStore, corpora: Sequence[PreparedCorpus], split: str
    ) -> "PairStore":
        """Add the captions to what is known of the motions of clips, plain and mirrored in turn.

        Raises:
            DataError: No clip has a caption.
        """
        records = {record.clip_id: record for corpus in corpora for record in corpus.clips}
        captions, names = [], []
        for row, clip_id in enumerate(features.clip_ids):
            record = records[clip_id]
            captions.append(_texts(record.mirrored_captions if row % 2 else record.captions))
            names.append(record.corpus)
        if not any(captions):
            raise DataError(f"no '{split}' clip of the given corpora has a caption")
        return cls(features, tuple(captions), tuple(names))

    @cached_property
    def shared_captions(self) -> dict[str, frozenset[str]]:
        """All captions of the clips that share a first caption, by that caption."""
        found: dict[str, set[str]] = {}
        for row, texts in enumerate(self.captions):
            found.setdefault(self._kind(row), set()).update(texts)
        return {kind: frozenset(texts) for kind, texts in found.items()}

    def _kind(self, row: int) -> str:
        texts = self.captions[row]
        return texts[0] if texts else ""

    @property
    def weights(self) -> Float[Tensor, " clips"]:
        """How often each clip is drawn: the more clips share a first caption, the less each."""
        counts: dict[str, int] = {}
        for texts in self.captions:
            for text in texts[:1]:
                counts[text] = counts.get(text, 0) + 1
        rows = [counts[texts[0]] ** -0.5 if texts else 0.0 for texts in self.captions[::2]]
        return torch.tensor(rows, dtype=torch.float64)

    def describes(self, texts: Sequence[str], rows: Sequence[int]) -> Bool[Tensor, "B M"]:
        """Whether texts (rows of the answer) are captions of clips like those (its columns).

        Clips with one first caption show the same, so what is said about one holds for all: only
        so are general captions ("they go on foot") known to fit every clip of a walk.
        """
        sets = [self.shared_captions[self._kind(row)] for row in rows]
        return torch.tensor([[text in captions for captions in sets] for text in texts])

    def opposes(self, texts: Sequence[str], rows: Sequence[int]) -> Bool[Tensor, "B M"]:
        """Whether texts are captions of the mirror images of clips, and not of the clips."""
        mirrored = self.describes(texts, [row ^ 1 for row in rows])
        return mirrored & ~self.describes(texts, rows)


def _texts(captions: Sequence[Caption]) -> tuple[str, ...]:
    return tuple(caption.text for caption in captions)


@dataclass(frozen=True, kw_only=True)
class DrawnPairs:
    """What makes up a batch: rows of the store, a caption of each, and which frames are seen."""

    rows: Sequence[int]
    captions: Sequence[str]
    spans: Sequence[tuple[int, int]]
    """First frame and the one after the last."""


class _Pairs(Dataset[PairBatch]):
    """Makes batches of rows, captions and spans of frames."""

    def __init__(self, store: PairStore, texts: dict[str, int], features: TextFeatureTable) -> None:
        self.store, self.texts, self.features = store, texts, features

    def batch(self, drawn: DrawnPairs) -> PairBatch:
        """Collate clips."""
        rows, captions, spans = drawn.rows, drawn.captions, drawn.spans
        clips = [
            {name: values[start:stop] for name, values in self.store.features.clip(row).items()}
            for row, (start, stop) in zip(rows, spans, strict=True)
        ]
        condition = self.features.gather([self.texts[caption] for caption in captions])
        return PairBatch(
            motions=MotionFeatures.collate(clips),
            states=condition.embedding,
            states_mask=condition.mask,
            pooled=condition.pooled,
            described=self.store.describes(captions, rows),
            opposed=self.store.opposes(captions, rows),
        )

    def caption(self, row: int, generator: torch.Generator) -> str:
        """Draw one caption of a clip."""
        captions = self.store.captions[row]
        return captions[int(torch.randint(len(captions), (), generator=generator))]


@dataclass(frozen=True, kw_only=True)
class DrawingConfig:
    """How training pairs are drawn."""

    batch_size: int = 96
    """Pairs a batch."""
    num_batches: int = 600
    """Batches in all."""
    twins: float = 0.25
    """Share of a batch that is the mirror image of another motion in it, with its own caption:
    only beside its opposite does a motion teach what is left and what is right."""
    max_frames: int = 180
    """Longer motions are cut to a window of so many frames."""
    trim: float = 0.1
    """Motions lose up to this share of their frames at either end."""
    seed: int = 0
    """Of the drawing."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.batch_size < 2 or self.max_frames < 1:
            raise ConfigError(
                f"expected batch_size >= 2 and max_frames >= 1, got {self.batch_size} and "
                f"{self.max_frames}"
            )
        if not (0 <= self.twins <= 0.5 and 0 <= self.trim < 0.5):
            raise ConfigError(
                f"twins must be in [0, 0.5] and trim in [0, 0.5), got {self.twins}, {self.trim}"
            )


class TrainingPairs(_Pairs):
    """Batch number i, drawn from a generator seeded by (seed, i): any run resumes exactly."""

    def __init__(
        self,
        store: PairStore,
        texts: dict[str, int],
        features: TextFeatureTable,
        drawing: DrawingConfig,
    ) -> None:
        super().__init__(store, texts, features)
        self.drawing, self.weights = drawing, store.weights

    def __len__(self) -> int:
        return self.drawing.num_batches

    def __getitem__(self, index: int) -> PairBatch:
        """Draw a batch."""
        return self.batch(self.draw(index))

    def draw(self, index: int) -> DrawnPairs:
        """Draw clips, plain or mirrored, some with their twin; for each a caption and a span."""
        drawing = self.drawing
        generator = torch.Generator().manual_seed(drawing.seed * 1_000_003 + index)
        num_twins = int(drawing.batch_size * drawing.twins)
        chosen = torch.multinomial(
            self.weights, drawing.batch_size - num_twins, replacement=True, generator=generator
        )
        coins = torch.randint(2, chosen.shape, generator=generator)
        rows = (2 * chosen + coins).tolist()
        rows += [row ^ 1 for row in rows[:num_twins]]
        captions = [self.caption(row, generator) for row in rows]
        spans = [self._span(row, generator) for row in rows]
        return DrawnPairs(rows=rows, captions=captions, spans=spans)

    def _span(self, row: int, generator: torch.Generator) -> tuple[int, int]:
        length = int(self.store.features.lengths[row])
        before, after, place = torch.rand(3, generator=generator).tolist()
        start = int(length * self.drawing.trim * before)
        stop = length - int(length * self.drawing.trim * after)
        room = max(0, stop - start - self.drawing.max_frames)
        start += round(room * place)
        return start, min(stop, start + self.drawing.max_frames)


class EvaluationPairs(_Pairs):
    """Every clip of a split whole, and its mirror image, twice: with the given and a drawn caption.

    The given caption is the first, the one that came with the corpus; the other is drawn once from
    all captions, whatever their wording and language.
    """

    def __init__(
        self, store: PairStore, texts: dict[str, int], features: TextFeatureTable, seed: int
    ) -> None:
        super().__init__(store, texts, features)
        generator = torch.Generator().manual_seed(seed)
        self.rows = [row for row, captions in enumerate(store.captions) if captions]
        self.spoken = {
            "given": [store.captions[row][0] for row in self.rows],
            "drawn": [self.caption(row, generator) for row in self.rows],
        }
        """Captions of all clips, by how they were chosen."""

    def __len__(self) -> int:
        return len(self.spoken) * self._per_pass

    @property
    def _per_pass(self) -> int:
        return -(-len(self.rows) // EVALUATION_BATCH)

    def __getitem__(self, index: int) -> PairBatch:
        """Give the next clips."""
        return self.batch(self.draw(index))

    def draw(self, index: int) -> DrawnPairs:
        """Tell the next clips."""
        which, place = divmod(index, self._per_pass)
        taken = slice(place * EVALUATION_BATCH, (place + 1) * EVALUATION_BATCH)
        rows = self.rows[taken]
        spans = [(0, int(self.store.features.lengths[row])) for row in rows]
        captions = list(self.spoken.values())[which][taken]
        return DrawnPairs(rows=rows, captions=captions, spans=spans)
