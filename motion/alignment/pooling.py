"""Sequences of any length -> one vector: attention pooling, and the blocks before it.

Every step looks only at real steps, and normalisation acts on channels, never over time, so a
sequence has the same vector alone and in a padded batch. Axes: H heads; W width.
"""

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

SLOWEST_PERIOD = 1000.0
"""Steps of the slowest wave of the positions."""


class AttentionPool(nn.Module):
    """Weighted means over a sequence, one per head, the weights read from the sequence itself."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, num_heads)
        self.value = nn.Linear(width, width)
        self.write = nn.Linear(width, width)
        self.num_heads = num_heads

    def forward(
        self, sequence: Float[Tensor, "B L W"], mask: Bool[Tensor, "B L"]
    ) -> Float[Tensor, "B W"]:
        """Pool real steps; a row needs at least one."""
        score = self.score(sequence).masked_fill(~mask[..., None], float("-inf"))
        weight = score.float().softmax(dim=1).to(sequence)  # (B, L, H)
        value = rearrange(self.value(sequence), "B L (H W) -> B L H W", H=self.num_heads)
        pooled = torch.einsum("blh,blhw->bhw", weight, value)
        mixed: Tensor = self.write(rearrange(pooled, "B H W -> B (H W)"))
        return mixed


class EncoderBlock(nn.Module):
    """Attention over real steps and a feed-forward layer, each normalised before."""

    def __init__(self, width: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads, self.dropout = num_heads, dropout
        self.norm_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(
        self, x: Float[Tensor, "B L W"], mask: Bool[Tensor, "B L"]
    ) -> Float[Tensor, "B L W"]:
        """Mix the steps of each row."""
        query, key, value = rearrange(
            self.query_key_value(self.norm_attention(x)),
            "B L (three H W) -> three B H L W",
            three=3,
            H=self.num_heads,
        )
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None])
        mixed = self.attention_out(rearrange(mixed, "B H L W -> B L (H W)"))
        x = x + F.dropout(mixed, self.dropout, self.training)
        return x + F.dropout(self.feed_forward(x), self.dropout, self.training)


def wave_positions(num_steps: int, width: int, like: Tensor) -> Float[Tensor, "L W"]:
    """Sine and cosine waves of many periods, so that any length has positions.

    Source: Vaswani et al., "Attention Is All You Need" (2017), section 3.5.

    Args:
        num_steps: Length of the sequence.
        width: Even.
        like: Tells type and device.
    """
    place = torch.arange(num_steps, device=like.device, dtype=torch.float32)
    share = torch.arange(width // 2, device=like.device, dtype=torch.float32) / (width // 2)
    angle = place[:, None] * SLOWEST_PERIOD**-share
    return torch.cat([angle.sin(), angle.cos()], dim=-1).to(like)
