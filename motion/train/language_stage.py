"""Training the motion language model; its batches come from ``step_data``."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from pytorch_lightning import LightningModule
from torch import Tensor
from torch.nn.functional import cross_entropy

from motion.conditioners import Condition
from motion.errors import ConfigError
from motion.generate.checkpoint import save_language_model
from motion.language import (
    UNKNOWN_LENGTH,
    MotionLanguageModel,
    MotionLanguageModelConfig,
    MotionLogits,
    backbone_text_pieces,
)
from motion.train.code_store import streams_of
from motion.train.schedule import OptimizerConfig, build_optimizer
from motion.train.step_data import StepBatch, StepData
from motion.train.text_pieces import train_text_pieces

START_STEPS = 2.0
"""Steps in which the emphasis on a motion's start falls to a third."""

__all__ = ["LanguageModule", "LanguageTrainingConfig", "StepData"]


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
    start_weight: float = 3.0
    """Loss weight of a motion's first step, where only the text can tell what comes; it falls to
    1 within about a second."""
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
        if self.language_config.condition_dim != data.features.dim:
            raise ConfigError(
                f"language_model.condition_dim is {self.language_config.condition_dim}, the text "
                f"encoder's states have width {data.features.dim}"
            )
        self.model = MotionLanguageModel(self.language_config, streams)
        for stream in streams:
            self.model.set_codebook(stream, data.tokenizer.code_vectors(stream.part)[stream.level])
        rows = torch.randperm(len(data.features), generator=torch.Generator().manual_seed(0))
        self.model.set_condition_statistics(data.features.gather(rows[:1000]))
        self.text_pieces = backbone_text_pieces(self.language_config.backbone)
        if self.text_pieces is None:
            num_pieces = self.language_config.num_text_pieces
            self.text_pieces = train_text_pieces(list(data.texts), num_pieces)

    def _losses(self, batch: StepBatch, logits: MotionLogits) -> dict[str, Tensor]:
        assert self.model is not None
        place = torch.arange(batch.mask.shape[1], device=self.device)
        emphasis = 1 + (self.training_config.start_weight - 1) * torch.exp(-place / START_STEPS)
        emphasis = emphasis if self.training else torch.ones_like(emphasis)
        losses, total, weight_sum = {}, torch.zeros((), device=self.device), 0.0
        for index, stream in enumerate(self.model.vocabulary.streams):
            target = batch.codes[..., index].masked_fill(~batch.mask, -1)
            each = cross_entropy(
                logits.codes[index].float().transpose(1, 2),
                target,
                ignore_index=-1,
                reduction="none",
                label_smoothing=self.training_config.label_smoothing * self.training,
            )
            share = (target >= 0) * emphasis
            loss = (each * share).sum() / share.sum().clamp(min=1)
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
        keep = self._chance(B) >= config.condition_dropout
        hidden = self._chance(B, 1) < config.hide_length
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
        last = torch.arange(batch.mask.shape[1], device=self.device)[None] == length - 1
        ends = torch.nn.functional.binary_cross_entropy_with_logits(
            logits.end.float(), last.float(), reduction="none"
        )
        end = (ends * batch.mask * hidden).sum() / (batch.mask * hidden).sum().clamp(min=1)
        return losses["objective"] + config.end_weight * end

    def _chance(self, *shape: int) -> Float[Tensor, "..."]:
        """Uniform numbers on the model's device."""
        return torch.rand(shape, device=self.device)

    def _blurred(self, condition: Condition) -> Condition:
        """Hide tokens and shake the pooled vector, so that no wording is learned by heart."""
        assert self.model is not None
        config, B = self.training_config, len(condition.pooled)
        chance = self._chance(B, 1) * (self._chance(B, 1) < config.token_dropout)
        kept = condition.mask & (self._chance(*condition.mask.shape) >= chance)
        noise = torch.randn_like(condition.pooled) * self.model.pooled_std * config.pooled_noise
        return replace(condition, mask=kept, pooled=condition.pooled + noise)

    def _corrupted(self, codes: Int[Tensor, "B L S"]) -> Int[Tensor, "B L S"]:
        """Replace some input codes, so that the model learns to go on from its own mistakes."""
        assert self.model is not None
        chance = self._chance(len(codes), 1, 1) * self.training_config.corrupt
        streams = self.model.vocabulary.streams
        sizes = torch.tensor([s.codebook_size for s in streams], device=self.device)
        random = (self._chance(*codes.shape) * sizes).long()
        replace = (self._chance(*codes.shape) < chance) & (codes >= 0)
        return torch.where(replace, random, codes)

    def validation_step(self, batch: StepBatch, index: int) -> None:
        """Cross-entropy of held-out motions, with their text and without it."""
        assert self.model is not None
        size = len(batch.codes)
        with_text = self._losses(batch, self.model(batch.codes, batch.mask, batch.condition))
        for name, value in with_text.items():
            self.log(f"val/{name}", value, prog_bar=name == "codes", batch_size=size)
        keep = torch.zeros(size, dtype=torch.bool, device=self.device)
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
