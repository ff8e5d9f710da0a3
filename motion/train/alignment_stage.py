"""Training the shared space: data module and Lightning module."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from pytorch_lightning import LightningDataModule, LightningModule
from torch import Tensor
from torchdata.stateful_dataloader import StatefulDataLoader

from motion.alignment import (
    AlignmentLossConfig,
    AlignmentModel,
    AlignmentModelConfig,
    contrastive_loss,
    negatives,
    r_precision,
    semantic_loss,
)
from motion.alignment.precision import POOL_SIZE
from motion.conditioners import TextEncoder, cache_text_features
from motion.data import load_corpora
from motion.errors import ConfigError
from motion.train.pair_store import (
    DrawingConfig,
    EvaluationPairs,
    PairBatch,
    PairStore,
    TrainingPairs,
)
from motion.train.schedule import OptimizerConfig, build_optimizer

STATISTICS_TEXTS = 1000
STAGE_SPLITS = {"fit": ("train", "val"), "validate": ("val",), "test": ("test",)}


class PairData(LightningDataModule):
    """Captioned clips of prepared corpora."""

    def __init__(
        self,
        root: Path,
        corpora: list[str],
        drawing: DrawingConfig,
        parts: list[str],
        text_encoder: str | None = None,
        cache: Path = Path("runs/cache"),
    ) -> None:
        """Say what to read.

        Args:
            root: Folder with prepared corpora, one sub-folder each (`motion prepare`).
            corpora: Names of sub-folders.
            drawing: How training pairs are drawn.
            parts: Parts that every clip must have.
            text_encoder: A local folder or hub id; None: the packaged multilingual encoder.
            cache: Where caption features are kept.
        """
        super().__init__()
        self.root, self.corpora, self.drawing, self.parts = root, corpora, drawing, parts
        self.text_encoder, self.cache = text_encoder, cache
        self.stores: dict[str, PairStore] = {}

    def setup(self, stage: str) -> None:
        """Extract motion features, and encode captions once; these are cached."""
        wanted = [split for split in STAGE_SPLITS[stage] if split not in self.stores]
        if not wanted:
            return
        corpora = load_corpora([self.root / name for name in self.corpora])
        for split in wanted:
            self.stores[split] = PairStore.build(corpora, split, self.parts)
        texts = dict.fromkeys(
            text for store in self.stores.values() for row in store.captions for text in row
        )
        self.texts = {text: index for index, text in enumerate(texts)}
        encoder = TextEncoder.load(self.text_encoder)
        self.features = cache_text_features(list(texts), encoder, self.cache / "text")

    def train_dataloader(self) -> Any:
        """Batches that resume exactly."""
        data = TrainingPairs(self.stores["train"], self.texts, self.features, self.drawing)
        return StatefulDataLoader(data, batch_size=None)

    def evaluation(self, split: str) -> EvaluationPairs:
        """Every clip of a split with two captions."""
        seed = self.drawing.seed + 1
        return EvaluationPairs(self.stores[split], self.texts, self.features, seed)

    def val_dataloader(self) -> Any:
        """Every validation clip, and mirrored."""
        return StatefulDataLoader(self.evaluation("val"), batch_size=None)

    def test_dataloader(self) -> Any:
        """Every test clip, and mirrored."""
        return StatefulDataLoader(self.evaluation("test"), batch_size=None)


class AlignmentModule(LightningModule):
    """Trains an ``AlignmentModel`` on captioned motions."""

    def __init__(
        self,
        alignment: AlignmentModelConfig,
        losses: AlignmentLossConfig,
        optimizer: OptimizerConfig,
    ) -> None:
        """Build the model.

        Args:
            alignment: Sizes of the shared space, motion encoder and projectors.
            losses: Weights and thresholds.
            optimizer: Learning rate and schedule.
        """
        super().__init__()
        self.model = AlignmentModel(alignment)
        self.loss_config, self.optimizer_config = losses, optimizer
        self.seen: list[tuple[Tensor, Tensor]] = []

    def setup(self, stage: str) -> None:
        """Take the statistics of the training motions and captions."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        config = self.model.config
        expected = config.projectors["text"].input_dim
        if data.features.dim != expected:
            raise ConfigError(
                f"model.alignment.projectors.text.input_dim is {expected}, but the text encoder "
                f"gives {data.features.dim}"
            )
        lost = set(config.motion.parts) - set(data.parts)
        if lost:
            raise ConfigError(f"the motion encoder reads {sorted(lost)}, data.parts lacks them")
        if stage != "fit":
            return
        for part in config.motion.parts:
            statistics = data.stores["train"].features.statistics(part)
            self.model.motion_encoder.set_statistics(part, *statistics)
        rows = torch.randperm(len(data.features), generator=torch.Generator().manual_seed(0))
        condition = data.features.gather(rows[:STATISTICS_TEXTS])
        self.model.projectors["text"].set_statistics(condition)  # type: ignore[operator]

    def training_step(self, batch: PairBatch, index: int) -> Tensor:
        """One batch of pairs."""
        text, motion = (
            self.model.embed_text(batch.condition),
            self.model.embed_motion(batch.motions),
        )
        centred = self.model.projectors["text"].centred(batch.pooled)  # type: ignore[operator]
        negative = negatives(
            centred @ centred.T, batch.described, batch.opposed, self.loss_config.similar
        )
        contrast = contrastive_loss(text, motion, self.model.scale, negative)
        semantic = semantic_loss(text, motion)
        self.log("train/contrast", contrast, prog_bar=True)
        self.log("train/semantic", semantic)
        self.log("train/scale", self.model.scale)
        return contrast + self.loss_config.semantic_weight * semantic

    def validation_step(self, batch: PairBatch, index: int) -> None:
        """Embed held-out pairs."""
        text, motion = (
            self.model.embed_text(batch.condition),
            self.model.embed_motion(batch.motions),
        )
        self.seen.append((text.float().cpu(), motion.float().cpu()))

    def test_step(self, batch: PairBatch, index: int) -> None:
        """Embed test pairs."""
        self.validation_step(batch, index)

    def on_validation_epoch_end(self) -> None:
        """Rank them."""
        self._report("val")

    def on_test_epoch_end(self) -> None:
        """Rank them."""
        self._report("test")

    def _report(self, split: str) -> None:
        """Log R-precision of all clips and of each corpus that fills a pool; left against right."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        pairs: EvaluationPairs = data.evaluation(split)
        all_texts = torch.cat([text for text, _ in self.seen])
        all_motions = torch.cat([motion for _, motion in self.seen])
        self.seen.clear()
        for place, name in enumerate(pairs.spoken):
            run = slice(place * len(pairs.rows), (place + 1) * len(pairs.rows))
            for key, value in rank(pairs, name, all_texts[run], all_motions[run]).items():
                self.log(f"{split}/{name}_{key}", value, prog_bar=key in ("r1", "sides"))

    def configure_optimizers(self) -> Any:
        """AdamW with warm-up and cosine decay."""
        return build_optimizer(self.model, self.optimizer_config)

    def export(self, folder: Path) -> None:
        """Write the model as users load it."""
        self.model.save(folder / "alignment")


def rank(
    pairs: EvaluationPairs,
    spoken: str,
    texts: Float[Tensor, "B D"],
    motions: Float[Tensor, "B D"],
) -> dict[str, float]:
    """R-precision (``r1``, ``r3``) of the plain clips, all and by corpus, and ``sides``.

    Corpora that do not fill a pool are left out; ``pool`` and ``clips`` say how many there were.
    """
    captions, rows = pairs.spoken[spoken], torch.tensor(pairs.rows)
    plain = (rows % 2 == 0).nonzero()[:, 0]
    names = [pairs.store.corpora[int(row)] for row in rows[plain]]
    groups = {"": plain} | {
        f"_{name}": plain[torch.tensor([other == name for other in names])]
        for name in sorted(set(names))
    }
    report = {"sides": side_accuracy(pairs, captions, texts, motions)}
    for suffix, chosen in groups.items():
        same = pairs.store.describes([captions[i] for i in chosen], rows[chosen].tolist())
        found = r_precision(texts[chosen], motions[chosen], same)
        if not suffix or found.pool_size == POOL_SIZE:
            report |= {f"r1{suffix}": found.top_1, f"r3{suffix}": found.top_3}
            report |= {f"pool{suffix}": found.pool_size, f"clips{suffix}": found.num_clips}
    return report


def side_accuracy(
    pairs: EvaluationPairs,
    captions: Sequence[str],
    texts: Float[Tensor, "B D"],
    motions: Float[Tensor, "B D"],
) -> float:
    """How often a text that tells sides is closer to its motion than to the mirror image.

    Guessing reaches one half. Clips whose caption holds for the mirror image too are left out;
    with none left, the answer is one half.
    """
    place = {row: index for index, row in enumerate(pairs.rows)}
    twins = [row ^ 1 for row in pairs.rows]
    holds = pairs.store.describes(captions, twins).diagonal()
    wins = [
        float(texts[i] @ motions[i] > texts[i] @ motions[place[twin]])
        for i, twin in enumerate(twins)
        if twin in place and not holds[i]
    ]
    return sum(wins) / len(wins) if wins else 0.5
