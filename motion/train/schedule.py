"""Optimizer and learning-rate schedule shared by all stages."""

from dataclasses import dataclass
from math import cos, pi
from typing import Any

import torch
from torch import nn

from motion.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """AdamW with linear warm-up and cosine decay."""

    learning_rate: float = 1e-3
    """Peak."""
    weight_decay: float = 0.01
    """On matrices only."""
    warmup_steps: int = 200
    """Steps of linear rise."""
    total_steps: int = 6000
    """Steps until the rate has come down to ``final_share`` of the peak."""
    final_share: float = 0.02
    """Learning rate at the end, as a share of the peak."""
    betas: tuple[float, float] = (0.9, 0.98)
    """Adam's averaging constants."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.learning_rate <= 0 or self.total_steps <= self.warmup_steps:
            raise ConfigError("learning_rate must be positive and total_steps > warmup_steps")

    def share(self, step: int) -> float:
        """Learning rate at ``step`` as a share of the peak."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        done = min(1.0, (step - self.warmup_steps) / (self.total_steps - self.warmup_steps))
        return self.final_share + (1 - self.final_share) * 0.5 * (1 + cos(pi * done))


def build_optimizer(module: nn.Module, config: OptimizerConfig) -> dict[str, Any]:
    """Make what ``LightningModule.configure_optimizers`` returns, for trainable parameters."""
    trainable = [p for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas)
    # A function, not a method: the scheduler's state would take in what belongs to a method.
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: config.share(step))
    return {
        "optimizer": optimizer,
        "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
    }
