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
from motion.generate.checkpoint import load_language_model, save_language_model
from motion.language import (
    UNKNOWN_LENGTH,
    MotionLanguageModel,
    MotionLanguageModelConfig,
    MotionLogits,
    SignalConfig,
    StepSignals,
    backbone_text_pieces,
)
from motion.train.code_store import streams_of
from motion.train.schedule import OptimizerConfig, build_optimizer
from motion.train.step_batches import StepBatch
from motion.train.step_data import StepData
from motion.train.text_batches import TextBatch, answer_losses
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
    signal_dropout: float = 0.1
    """Share of motions trained without a signal that they have, for each signal."""
    label_dropout: float = 0.3
    """Share of motions whose speaker, emotion and style are not told."""
    heard_text_dropout: float = 0.5
    """Share of motions with sound that are trained without their text."""
    part_dropout: float = 0.03
    """Share of motions trained without one part of the body."""
    following_weight: float = 0.5
    """Loss weight of hands and face, relative to the body."""
    payload_weight: float = 0.2
    """Loss weight of the texts that are read, beside those that are written."""


class LanguageModule(LightningModule):
    """Trains a ``MotionLanguageModel`` on captioned motion codes."""

    def __init__(
        self,
        language_model: MotionLanguageModelConfig,
        training: LanguageTrainingConfig,
        optimizer: OptimizerConfig,
        start_from: Path | None = None,
        *,
        new_text: bool = False,
    ) -> None:
        """Remember the configuration; the model is built when the tokenizer is known.

        Args:
            language_model: Backbone, part head, sizes; widths of ``signals`` follow the data.
            training: Dropouts and loss weights.
            optimizer: Learning rate and schedule.
            start_from: Folder of a trained language model to go on from; what it lacks is new.
            new_text: Learn text pieces and their embeddings anew: the model never wrote yet.
        """
        super().__init__()
        self.language_config, self.training_config = language_model, training
        self.optimizer_config, self.start_from, self.new_text = optimizer, start_from, new_text
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
        config = replace(self.language_config, signals=self._signal_configs(data))
        model = self.model = MotionLanguageModel(config, streams)
        for stream in streams:
            model.set_codebook(stream, data.tokenizer.code_vectors(stream.part)[stream.level])
        rows = torch.randperm(len(data.features), generator=torch.Generator().manual_seed(0))
        model.set_condition_statistics(data.features.gather(rows[:1000]))
        for name in config.signals:
            adapter = model.signals.adapters[name]
            sample = data.sounds.bank.sample(name, data.sounds.clips["train"])
            adapter.set_statistics(sample)  # type: ignore[operator]
        self.text_pieces = backbone_text_pieces(config.backbone)
        if self.text_pieces is None:
            self.text_pieces = train_text_pieces(data.written_texts, config.num_text_pieces)
        if self.start_from is not None:
            known = continue_from(model, self.start_from, new_text=self.new_text)
            self.text_pieces = self.text_pieces if self.new_text else known
        data.write_with(self.text_pieces, model.vocabulary)

    def _signal_configs(self, data: StepData) -> dict[str, SignalConfig]:
        """The configured readers, as wide as the data's features."""
        given, bank = self.language_config.signals, data.sounds.bank
        unknown = set(given) - set(bank.modalities)
        if unknown:
            raise ConfigError(
                f"language_model.signals names {sorted(unknown)}, the data have "
                f"{list(bank.modalities) or 'no sounds'}"
            )
        default = SignalConfig(input_dim=1)
        return {
            name: replace(given.get(name, default), input_dim=bank.dim(name))
            for name in bank.modalities
        }

    def _losses(self, batch: StepBatch, logits: MotionLogits) -> dict[str, Tensor]:
        assert self.model is not None
        place = torch.arange(batch.mask.shape[1], device=self.device)
        emphasis = 1 + (self.training_config.start_weight - 1) * torch.exp(-place / START_STEPS)
        emphasis = emphasis if self.training else torch.ones_like(emphasis)
        losses: dict[str, Tensor] = {}
        body, following = _Mean(), _Mean()
        for index, stream in enumerate(self.model.vocabulary.streams):
            target = batch.codes[..., index].masked_fill(~batch.mask, -1)
            if stream.follows and not bool((target >= 0).any()):
                continue  # few clips have hands or a face; every batch has bodies
            each = cross_entropy(
                logits.codes[index].float().transpose(1, 2),
                target.clamp(min=-1),
                ignore_index=-1,
                reduction="none",
                label_smoothing=self.training_config.label_smoothing * self.training,
            )
            share = (target >= 0) * (emphasis if batch.learned is None else batch.learned)
            loss = (each * share).sum() / share.sum().clamp(min=1)
            losses[stream.name] = loss
            group = following if stream.follows else body
            group.add(loss, self.training_config.level_weights[stream.level])
        losses["codes"] = body.plain
        losses["objective"] = body.weighted
        if following.count:
            losses["following"] = following.plain
            weight = self.training_config.following_weight
            losses["objective"] = losses["objective"] + weight * following.weighted
        return losses

    def training_step(self, batch: StepBatch | TextBatch, index: int) -> Tensor:
        """One batch of motions or of questions that are answered in words."""
        if isinstance(batch, TextBatch):
            return self._text_step(batch)
        return self._motion_step(batch)

    def _text_step(self, batch: TextBatch) -> Tensor:
        """Answers by teacher forcing; given motions are corrupted, as generated ones err."""
        assert self.model is not None
        batch = replace(batch, motion=self._corrupted(batch.motion))
        losses = answer_losses(self.model, batch, self._told(batch.condition))
        self.log(f"train/{batch.kind}", losses["answer"])
        return losses["answer"] + self.training_config.payload_weight * losses["payload"]

    def _told(self, condition: Condition) -> Condition:
        """Instructions and texts with some noise, but whole."""
        assert self.model is not None
        noise = torch.randn_like(condition.embedding) * self.model.condition_std
        return replace(condition, embedding=condition.embedding + 0.1 * noise)

    def _motion_step(self, batch: StepBatch) -> Tensor:
        """Motions with dropped conditions, hidden lengths and corrupted inputs."""
        assert self.model is not None
        config, B = self.training_config, len(batch.codes)
        batch = replace(batch, codes=self._without_part(batch.codes))
        heard = torch.zeros(B, dtype=torch.bool, device=self.device)
        for present in batch.heard_present.values():
            heard = heard | present.any(1)
        dropout = torch.where(heard, config.heard_text_dropout, config.condition_dropout)
        keep = (self._chance(B) >= dropout) & batch.has_text
        hidden = self._chance(B, 1) < config.hide_length
        length = batch.mask.sum(1, keepdim=True)
        told = torch.where(hidden, torch.full_like(length, UNKNOWN_LENGTH), length)
        logits = self.model(
            batch.codes,
            batch.mask,
            self._blurred(batch.condition),
            signals=self._partly_heard(batch.signals),
            keep=keep,
            told_length=told,
            read=self._corrupted(batch.codes),
            gap=batch.gap,
        )
        losses = self._losses(batch, logits)
        name = "codes" if batch.learned is None else "gaps"
        self.log(f"train/{name}", losses["codes"], prog_bar=True)
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
        wrong = (self._chance(*codes.shape) < chance) & (codes >= 0)
        return torch.where(wrong, random, codes)

    def _without_part(self, codes: Int[Tensor, "B L S"]) -> Int[Tensor, "B L S"]:
        """Leave out one part of the body of some motions, as if the corpus lacked it."""
        assert self.model is not None
        vocabulary = self.model.vocabulary
        parts = [s.part for s in vocabulary.streams[: vocabulary.num_leading]]
        names = list(dict.fromkeys(parts))
        if len(names) < 2:
            return codes
        gone = self._chance(len(codes)) < self.training_config.part_dropout
        which = (self._chance(len(codes)) * len(names)).long()
        numbers = [names.index(part) for part in parts]
        numbers += [-1] * (len(vocabulary.streams) - len(parts))
        lost = gone[:, None] & (torch.tensor(numbers, device=self.device) == which[:, None])
        return codes.masked_fill(lost[:, None], -1)

    def _partly_heard(self, signals: StepSignals) -> StepSignals:
        """Hide some signals and labels, so that each is understood without the others."""
        config, keep = self.training_config, {}
        for name, present in signals.present.items():
            keep[name] = self._chance(len(present)) >= config.signal_dropout
        if signals.labels is not None:
            keep["labels"] = self._chance(len(signals.labels)) >= config.label_dropout
        return signals.dropped(keep)

    def validation_step(self, batch: StepBatch | TextBatch, index: int) -> None:
        """Cross-entropy of held-out motions and answers."""
        assert self.model is not None
        if isinstance(batch, TextBatch):
            losses = answer_losses(self.model, batch, batch.condition)
            self.log(f"val/{batch.kind}", losses["answer"], batch_size=len(batch.answer))
        elif batch.learned is not None:
            told = {"gap": batch.gap, "keep": batch.has_text}
            logits = self.model(batch.codes, batch.mask, batch.condition, **told)
            losses = self._losses(batch, logits)
            self.log("val/gaps", losses["codes"], batch_size=len(batch.codes))
        else:
            self._validate_motions(batch)

    def _validate_motions(self, batch: StepBatch) -> None:
        """With their text and without it."""
        assert self.model is not None
        size = len(batch.codes)
        told = {"signals": batch.signals, "keep": batch.has_text}
        with_text = self._losses(
            batch, self.model(batch.codes, batch.mask, batch.condition, **told)
        )
        for name, value in with_text.items():
            self.log(f"val/{name}", value, prog_bar=name == "codes", batch_size=size)
        keep = torch.zeros(size, dtype=torch.bool, device=self.device)
        without = self._losses(
            batch, self.model(batch.codes, batch.mask, batch.condition, keep=keep)
        )
        self.log("val/codes_without_text", without["codes"], batch_size=size)
        if batch.heard and "following" in with_text:
            silent = self.model(batch.codes, batch.mask, batch.condition, keep=batch.has_text)
            for name in ("codes", "following"):
                heard = {"with": with_text[name], "without": self._losses(batch, silent)[name]}
                for case, value in heard.items():
                    self.log(f"val/{name}_{case}_sound", value, batch_size=size)

    def configure_optimizers(self) -> Any:
        """AdamW with warm-up and cosine decay."""
        assert self.model is not None
        return build_optimizer(self.model, self.optimizer_config)

    def export(self, folder: Path) -> None:
        """Write the language model as users load it."""
        assert self.model is not None
        save_language_model(self.model, self.text_pieces, folder / "language")


class _Mean:
    """A mean of losses, plain and weighted."""

    def __init__(self) -> None:
        self.losses: list[Tensor] = []
        self.weights: list[float] = []

    def add(self, loss: Tensor, weight: float) -> None:
        """Count one loss in."""
        self.losses.append(loss)
        self.weights.append(weight)

    @property
    def count(self) -> int:
        """Losses so far."""
        return len(self.losses)

    @property
    def plain(self) -> Tensor:
        """Every loss alike."""
        return torch.stack(self.losses).mean()

    @property
    def weighted(self) -> Tensor:
        """By the weights."""
        pairs = zip(self.losses, self.weights, strict=True)
        return torch.stack([loss * weight for loss, weight in pairs]).sum() / sum(self.weights)


def continue_from(model: MotionLanguageModel, folder: Path, *, new_text: bool = False) -> Any:
    """Take a trained model's weights; codebooks and what it does not have stay as they are.

    Args:
        model: Built for the streams of the new tokenizer.
        folder: Folder of the trained language model.
        new_text: Leave the embeddings of text pieces as they are.

    Returns:
        The tokenizer of its text.

    Raises:
        ConfigError: Backbone or streams of the body are others.
    """
    trained = load_language_model(folder)
    state, own = trained.model.state_dict(), model.state_dict()
    taken = {n: v for n, v in state.items() if n in own and not n.startswith("codebook_")}
    if new_text:
        rows = model.backbone.get_input_embeddings().weight, model.backbone.get_output_embeddings()
        pieces = {id(rows[0]), id(rows[1].weight)}
        kept = {n for n, v in model.named_parameters(remove_duplicate=False) if id(v) in pieces}
        taken = {n: own[n] if n in kept else v for n, v in taken.items()}
    wrong = [n for n, v in taken.items() if own[n].shape != v.shape]
    lost = [n for n in own if n.startswith(("backbone.", "adapters.")) and n not in taken]
    if wrong or lost:
        raise ConfigError(
            f"start_from: the model in {folder} has another shape: {(wrong + lost)[:3]}; take the "
            "same backbone, head and body parts"
        )
    model.load_state_dict(taken, strict=False)
    return trained.text_pieces
