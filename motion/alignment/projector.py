"""Projectors: frozen features of a signal -> the shared space. Axis E: width of the features."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from motion.alignment.pooling import AttentionPool
from motion.conditioners import Condition
from motion.errors import ConfigError

STD_FLOOR = 1e-4


@dataclass(frozen=True, kw_only=True)
class ProjectorConfig:
    """One signal's projector."""

    input_dim: int = 384
    """Width of the signal's frozen features."""
    width: int = 256
    """Channels inside."""
    num_heads: int = 4
    """Of the attention pooling over positions; 0: the pooled vector alone is read."""
    dropout: float = 0.1
    """In training."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.num_heads and self.width % self.num_heads:
            raise ConfigError(f"width {self.width} must be a multiple of {self.num_heads} heads")


class Projector(nn.Module):
    """Reads the pooled vector, and through attention pooling every position."""

    pooled_mean: Tensor
    pooled_std: Tensor
    state_mean: Tensor
    state_std: Tensor

    def __init__(self, config: ProjectorConfig, out_dim: int) -> None:
        super().__init__()
        self.config = config
        for name in ("pooled", "state"):
            self.register_buffer(f"{name}_mean", torch.zeros(config.input_dim))
            self.register_buffer(f"{name}_std", torch.ones(config.input_dim))
        self.read_pooled = nn.Linear(config.input_dim, config.width)
        if config.num_heads:
            self.read_state = nn.Linear(config.input_dim, config.width)
            self.pool = AttentionPool(config.width, config.num_heads)
        self.norm = nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.write = nn.Sequential(
            nn.Linear(config.width, 2 * config.width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(2 * config.width, out_dim),
        )

    def set_statistics(self, condition: Condition) -> None:
        """Take mean and standard deviation of a sample of the signal's features."""
        for name, rows in (
            ("pooled", condition.pooled),
            ("state", condition.embedding[condition.mask]),
        ):
            self.get_buffer(f"{name}_mean").copy_(rows.mean(0))
            self.get_buffer(f"{name}_std").copy_(rows.std(0).clamp(min=STD_FLOOR))

    def forward(self, condition: Condition) -> Float[Tensor, "B D"]:
        """Project signals; not normalised."""
        x = self.read_pooled((condition.pooled - self.pooled_mean) / self.pooled_std)
        if self.config.num_heads:
            states = (condition.embedding - self.state_mean) / self.state_std
            x = x + self.pool(nn.functional.gelu(self.read_state(states)), condition.mask)
        projected: Tensor = self.write(self.dropout(self.norm(x)))
        return projected

    def centred(self, pooled: Float[Tensor, "B E"]) -> Float[Tensor, "B E"]:
        """Pooled features without their mean, of length one.

        Sentence encoders such as e5 put all texts close together (cosines above 0.8); what tells
        them apart shows only once the common direction is taken away.
        """
        return nn.functional.normalize(pooled - self.pooled_mean, dim=-1)
