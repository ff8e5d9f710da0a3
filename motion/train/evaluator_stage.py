"""Training the evaluator: the Lightning module."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from pytorch_lightning import LightningModule
from torch import Tensor

from motion.alignment import AlignmentLossConfig, contrastive_loss, negatives
from motion.errors import ConfigError
from motion.evaluate.evaluator import Evaluator, EvaluatorConfig
from motion.train.alignment_stage import rank
from motion.train.evaluator_data import EvaluatorData, JointPairBatch
from motion.train.schedule import OptimizerConfig, build_optimizer

__all__ = ["EvaluatorData", "EvaluatorModule"]

STATISTICS_PAIRS = 1000


class EvaluatorModule(LightningModule):
    """Trains an ``Evaluator`` on captioned motions."""

    def __init__(
        self, evaluator: EvaluatorConfig, losses: AlignmentLossConfig, optimizer: OptimizerConfig
    ) -> None:
        """Build the model.

        Args:
            evaluator: Sizes.
            losses: Which texts are no negatives of each other; the semantic term is not used.
            optimizer: Learning rate and schedule.
        """
        super().__init__()
        self.model = Evaluator(evaluator)
        self.loss_config, self.optimizer_config = losses, optimizer
        self.seen: list[tuple[Tensor, Tensor]] = []

    def setup(self, stage: str) -> None:
        """Take the statistics of training pairs."""
        data: EvaluatorData = self.trainer.datamodule  # type: ignore[attr-defined]
        expected = self.model.config.text_dim
        if data.features.dim != expected:
            raise ConfigError(
                f"model.evaluator.text_dim is {expected}, but the text encoder gives "
                f"{data.features.dim}"
            )
        self.model.config = replace(self.model.config, text_encoder=data.fingerprint)
        if stage == "fit":
            sample = data.sample(STATISTICS_PAIRS)
            self.model.set_statistics(sample.clips, sample.condition)

    def _embed(self, batch: JointPairBatch) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B D"]]:
        return self.model.encode_text(batch.condition), self.model.encode_motion(batch.clips)

    def training_step(self, batch: JointPairBatch, index: int) -> Float[Tensor, ""]:
        """InfoNCE in both directions; texts that are alike are no negatives of each other."""
        texts, motions = self._embed(batch)
        centred = self.model.centred(batch.pooled)
        wrong = negatives(
            centred @ centred.T, batch.described, batch.opposed, self.loss_config.similar
        )
        loss = contrastive_loss(texts, motions, self.model.scale, wrong)
        self.log("train/contrast", loss, prog_bar=True)
        self.log("train/scale", self.model.scale)
        return loss

    def validation_step(self, batch: JointPairBatch, index: int) -> None:
        """Embed held-out pairs."""
        texts, motions = self._embed(batch)
        self.seen.append((texts.float().cpu(), motions.float().cpu()))

    def test_step(self, batch: JointPairBatch, index: int) -> None:
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
        data: EvaluatorData = self.trainer.datamodule  # type: ignore[attr-defined]
        pairs = data.evaluation(split)
        texts, motions = (torch.cat(rows) for rows in zip(*self.seen, strict=True))
        self.seen.clear()
        for place, name in enumerate(pairs.spoken):
            run = slice(place * len(pairs.rows), (place + 1) * len(pairs.rows))
            for key, value in rank(pairs, name, texts[run], motions[run]).items():
                self.log(f"{split}/{name}_{key}", value, prog_bar=key in ("r1", "sides"))

    def configure_optimizers(self) -> Any:
        """AdamW with warm-up and cosine decay."""
        return build_optimizer(self.model, self.optimizer_config)

    def export(self, folder: Path) -> None:
        """Write the model as the text suite loads it."""
        self.model.save(folder)
