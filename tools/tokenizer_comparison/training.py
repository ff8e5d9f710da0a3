"""Training a tokenizer for a fixed number of CPU seconds, the same way whatever it is.

Windows, losses, number format and the shape of the learning rate are those of
``motion train tokenizer``; only the end is told by the clock instead of a step count.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count

import torch
from jaxtyping import Float
from torch import Tensor, nn

from motion.tokenizer import (
    LossWeights,
    PartTokenizer,
    PartTokenizerConfig,
    ResidualQuantizer,
    body_losses,
    feature_losses,
    weighted_sum,
)
from motion.train.feature_store import FeatureStore, WindowBatch, WindowBatches
from motion.train.schedule import OptimizerConfig, build_optimizer
from motion.train.tokenizer_stage import part_losses
from tokenizer_comparison.whole_body import BODY, WholeBodyTokenizer

WINDOW, BATCH_SIZE, CLIP_NORM = 96, 32, 1.0
PART_RATE = 1.2e-3
"""Learning rate of our parts, as in configs/tokenizer."""
TICKS, WARMUP_TICKS = 1000, 40
"""The budget is cut into ticks for the schedule; codebooks are filled when its warm-up ends."""

Losses = Mapping[str, Float[Tensor, ""]]


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a tokenizer came about."""

    cpu_seconds: float
    steps: int
    learning_rate: float


def train_part(
    config: PartTokenizerConfig, store: FeatureStore, cpu_seconds: float, seed: int
) -> tuple[PartTokenizer, Training]:
    """Train one of our part tokenizers."""
    torch.manual_seed(seed)
    tokenizer = PartTokenizer(config)
    tokenizer.set_statistics(*store.statistics(config.part))

    def losses(batch: WindowBatch) -> Losses:
        found = tokenizer(batch.features[config.part], batch.mask)
        return part_losses(found, batch, config.part, tokenizer.std)

    made = _train(tokenizer, tokenizer.quantizer, losses, store, (cpu_seconds, PART_RATE, seed))
    return tokenizer.eval(), made


def train_whole_body(
    tokenizer: WholeBodyTokenizer,
    store: FeatureStore,
    cpu_seconds: float,
    learning_rate: float,
    seed: int,
) -> Training:
    """Train the tokenizer of the whole body; its weights are drawn by the caller."""
    statistics = [store.statistics(name) for name in BODY]
    tokenizer.mean.copy_(torch.cat([mean for mean, _ in statistics]))
    tokenizer.std.copy_(torch.cat([std for _, std in statistics]))

    def losses(batch: WindowBatch) -> Losses:
        found, quantized = tokenizer(batch.features, batch.mask)
        truth = {name: batch.features[name] for name in BODY}
        std = tokenizer.stds()
        by_part = [feature_losses(found[n], truth[n], std[n], batch.mask) for n in BODY]
        means = {n: torch.stack([losses[n] for losses in by_part]).mean() for n in by_part[0]}
        body = body_losses(found, truth, batch.mask)
        return means | body | {"commitment": quantized.commitment_loss}

    budget = (cpu_seconds, learning_rate, seed)
    made = _train(tokenizer, tokenizer.quantizer, losses, store, budget)
    tokenizer.eval()
    return made


def _train(
    module: nn.Module,
    quantizer: ResidualQuantizer,
    losses: Callable[[WindowBatch], Losses],
    store: FeatureStore,
    budget: tuple[float, float, int],
) -> Training:
    """Train until the budget (CPU seconds, learning rate, seed) is spent."""
    cpu_seconds, rate, seed = budget
    schedule = OptimizerConfig(learning_rate=rate, warmup_steps=WARMUP_TICKS, total_steps=TICKS)
    optimizer = build_optimizer(module, schedule)["optimizer"]
    windows = WindowBatches(store, num_batches=1, batch_size=BATCH_SIZE, window=WINDOW, seed=seed)
    module.train()
    start = time.process_time()
    for step in count():
        tick = int((time.process_time() - start) / cpu_seconds * TICKS)
        if tick >= TICKS:
            return Training(cpu_seconds=time.process_time() - start, steps=step, learning_rate=rate)
        for group in optimizer.param_groups:
            group["lr"] = rate * schedule.share(tick)
        warm = quantizer.config.warmup_batches
        quantizer.batches_seen.fill_(warm if tick >= WARMUP_TICKS else 0)
        with torch.autocast("cpu", torch.bfloat16):
            loss = weighted_sum(losses(windows[step]), LossWeights())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), CLIP_NORM)
        optimizer.step()
    raise AssertionError
