"""Convolutional encoder and decoder of one part.

Both walk three time rates: frames, thirds of a code, codes. Convolutions see zeros beyond the ends
of a clip, and a mask writes the same zeros into padding, so a clip has the same codes alone, in a
padded batch, and in chunks with enough context. Normalisation acts on channels only, never over
time, for the same reason. Axis D: features; C: channels.
"""

from dataclasses import dataclass
from math import ceil

from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from motion.errors import ConfigError

KERNEL = 3


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Sizes of an encoder or decoder."""

    widths: tuple[int, int, int] = (128, 256, 384)
    """Channels at the rates frame, middle, code."""
    blocks: tuple[int, int, int] = (1, 2, 4)
    """Residual blocks at each rate."""
    strides: tuple[int, int] = (3, 2)
    """Frames per middle step and middle steps per code."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if min(self.widths) < 1 or min(self.blocks) < 0 or min(self.strides) < 1:
            raise ConfigError("widths and strides must be at least 1 and blocks at least 0")

    @property
    def frames_per_code(self) -> int:
        """Temporal downsampling."""
        return self.strides[0] * self.strides[1]

    @property
    def halo_codes(self) -> int:
        """Codes on either side that a code (or its frames) can depend on."""
        frames = (self.blocks[0] + 1) + self.strides[0] * self.blocks[1]
        return self.blocks[2] + ceil(frames / self.frames_per_code)


def stride_mask(mask: Bool[Tensor, "B T"], stride: int) -> Bool[Tensor, "B M"]:
    """Mask at a lower rate: a step is real when any of its frames is."""
    return rearrange(mask, "B (M s) -> B M s", s=stride).any(-1)


class ResidualBlock(nn.Module):
    """Two convolutions, a wide and a pointwise one, around a skip."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.wide = nn.Conv1d(width, width, KERNEL, padding=KERNEL // 2)
        self.point = nn.Conv1d(width, width, 1)
        self.scale = nn.Parameter(nn.init.constant_(self.wide.weight.new_zeros(width, 1), 0.5))

    def forward(
        self, x: Float[Tensor, "B C T"], mask: Float[Tensor, "B 1 T"] | None
    ) -> Float[Tensor, "B C T"]:
        """Add what the convolutions find; padding stays zero."""
        y = self.point(nn.functional.gelu(self.wide(nn.functional.gelu(x))))
        x = x + self.scale * y
        return x if mask is None else x * mask


def _masked(x: Tensor, mask: Tensor | None) -> Tensor:
    return x if mask is None else x * mask


class Encoder(nn.Module):
    """Features -> latents, one for ``frames_per_code`` frames."""

    def __init__(self, feature_dim: int, code_dim: int, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        frame, middle, code = config.widths
        first, second = config.strides
        self.read = nn.Conv1d(feature_dim, frame, KERNEL, padding=1)
        self.frame_blocks = nn.ModuleList(ResidualBlock(frame) for _ in range(config.blocks[0]))
        self.to_middle = nn.Conv1d(frame, middle, first, stride=first)
        self.middle_blocks = nn.ModuleList(ResidualBlock(middle) for _ in range(config.blocks[1]))
        self.to_code = nn.Conv1d(middle, code, second, stride=second)
        self.code_blocks = nn.ModuleList(ResidualBlock(code) for _ in range(config.blocks[2]))
        self.write = nn.Conv1d(code, code_dim, 1)

    def forward(
        self, features: Float[Tensor, "B T D"], mask: Bool[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B L E"]:
        """Encode; T must be a multiple of ``frames_per_code``."""
        masks = _rate_masks(mask, self.config.strides, features)
        x = _masked(rearrange(features, "B T D -> B D T"), masks[0])
        x = _masked(self.read(x), masks[0])
        for block in self.frame_blocks:
            x = block(x, masks[0])
        x = _masked(self.to_middle(x), masks[1])
        for block in self.middle_blocks:
            x = block(x, masks[1])
        x = _masked(self.to_code(x), masks[2])
        for block in self.code_blocks:
            x = block(x, masks[2])
        latent: Tensor = self.write(x)
        return rearrange(latent, "B E L -> B L E")


class Decoder(nn.Module):
    """Code vectors -> features; upsampling by pixel shuffle in time."""

    def __init__(self, code_dim: int, feature_dim: int, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        frame, middle, code = config.widths
        first, second = config.strides
        self.read = nn.Conv1d(code_dim, code, 1)
        self.code_blocks = nn.ModuleList(ResidualBlock(code) for _ in range(config.blocks[2]))
        self.to_middle = nn.Conv1d(code, middle * second, 1)
        self.middle_blocks = nn.ModuleList(ResidualBlock(middle) for _ in range(config.blocks[1]))
        self.to_frame = nn.Conv1d(middle, frame * first, 1)
        self.frame_blocks = nn.ModuleList(ResidualBlock(frame) for _ in range(config.blocks[0]))
        self.write = nn.Conv1d(frame, feature_dim, KERNEL, padding=1)

    def forward(
        self, latent: Float[Tensor, "B L E"], mask: Bool[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B T D"]:
        """Decode; the mask is that of the frames."""
        masks = _rate_masks(mask, self.config.strides, latent)
        first, second = self.config.strides
        x = _masked(rearrange(latent, "B L E -> B E L"), masks[2])
        x = _masked(self.read(x), masks[2])
        for block in self.code_blocks:
            x = block(x, masks[2])
        x = _masked(rearrange(self.to_middle(x), "B (C s) L -> B C (L s)", s=second), masks[1])
        for block in self.middle_blocks:
            x = block(x, masks[1])
        x = _masked(rearrange(self.to_frame(x), "B (C s) M -> B C (M s)", s=first), masks[0])
        for block in self.frame_blocks:
            x = block(x, masks[0])
        features: Tensor = self.write(x)
        return rearrange(features, "B D T -> B T D")


def _rate_masks(
    mask: Bool[Tensor, "B T"] | None, strides: tuple[int, int], like: Tensor
) -> list[Float[Tensor, "B 1 _"] | None]:
    """The frame mask at the rates frame, middle, code.

    A code with at least one real frame is real, and so are all its frames: the network may use
    what it puts there, exactly as it may in a whole clip whose last code is not full.
    """
    if mask is None:
        return [None, None, None]
    first, second = strides
    code = stride_mask(mask, first * second)
    middle = code.repeat_interleave(second, dim=1)
    frame = middle.repeat_interleave(first, dim=1)
    return [m[:, None].to(like) for m in (frame, middle, code)]
