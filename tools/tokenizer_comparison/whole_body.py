"""The tokenizer that ours is compared with: one residual VQ-VAE for the whole body.

Sizes of MoMask (Guo et al., CVPR 2024): 6 residual levels of 512 codes, code and network width 512,
depth 3 with dilations 9, 3, 1, two halvings in time (EricGuo5513/momask-codes, options/vq_option.py
and models/vq/encdec.py at 108003b, checkpoint rvq_nq6_dc512_nc512_noshare_qdp0.2). Written anew on
our quantizer. Departures: our features instead of the 263 numbers, 30 frames per second instead of
20 (so 7.5 codes a second, not 5), no dropout in the blocks (training is short).
Axis W: frames of a window; C: channels.
"""

from collections.abc import Mapping

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from motion.representation import FPS, PARTS, Motion, extract_features, motion_from_features
from motion.tokenizer import Codes, Quantized, QuantizerConfig, ResidualQuantizer

WIDTH, DEPTH, HALVINGS, DILATION_GROWTH = 512, 3, 2, 3
LEVELS, CODEBOOK_SIZE, DECAY, DROPOUT = 6, 512, 0.99, 0.2
FRAMES_PER_CODE = 2**HALVINGS
BODY = ("lower", "upper")
CODES_NAME = "body"


class DilatedBlock(nn.Module):
    """A dilated and a pointwise convolution around a skip."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.wide = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.point = nn.Conv1d(width, width, 1)

    def forward(self, x: Float[Tensor, "B C T"]) -> Float[Tensor, "B C T"]:
        """Add what the convolutions find."""
        found: Tensor = self.point(torch.relu(self.wide(torch.relu(x))))
        return x + found


def _blocks(width: int) -> list[nn.Module]:
    """Blocks of one rate, the widest view first."""
    return [DilatedBlock(width, DILATION_GROWTH**power) for power in reversed(range(DEPTH))]


def _encoder(feature_dim: int, width: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv1d(feature_dim, width, 3, padding=1), nn.ReLU()]
    for _ in range(HALVINGS):
        layers += [nn.Conv1d(width, width, 4, stride=2, padding=1), *_blocks(width)]
    return nn.Sequential(*layers, nn.Conv1d(width, width, 3, padding=1))


def _decoder(feature_dim: int, width: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv1d(width, width, 3, padding=1), nn.ReLU()]
    for _ in range(HALVINGS):
        layers += [*_blocks(width), nn.Upsample(scale_factor=2, mode="nearest")]
        layers += [nn.Conv1d(width, width, 3, padding=1)]
    layers += [nn.Conv1d(width, width, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv1d(width, feature_dim, 3, padding=1))


class WholeBodyTokenizer(nn.Module):
    """Lower and upper body through one set of codebooks."""

    mean: Tensor
    std: Tensor

    def __init__(self, width: int = WIDTH, codebook_size: int = CODEBOOK_SIZE) -> None:
        super().__init__()
        self.widths = [PARTS[name].feature_dim for name in BODY]
        total = sum(self.widths)
        self.encoder, self.decoder = _encoder(total, width), _decoder(total, width)
        self.quantizer = ResidualQuantizer(
            QuantizerConfig(
                codebook_size=codebook_size,
                code_dim=width,
                num_quantizers=LEVELS,
                decay=DECAY,
                dropout=DROPOUT,
            )
        )
        self.register_buffer("mean", torch.zeros(total))
        self.register_buffer("std", torch.ones(total))

    def forward(
        self, features: Mapping[str, Float[Tensor, "B W _"]], mask: Bool[Tensor, "B W"]
    ) -> tuple[dict[str, Float[Tensor, "B W _"]], Quantized]:
        """Encode, quantize, decode; W must be a multiple of ``FRAMES_PER_CODE``."""
        latent = self._latent(features)
        real = rearrange(mask, "B (L s) -> B L s", s=FRAMES_PER_CODE).any(-1)
        with torch.autocast(latent.device.type, enabled=False):
            quantized = self.quantizer(latent.float(), real)
        return self._features(quantized.latent), quantized

    def stds(self) -> dict[str, Float[Tensor, " D"]]:
        """Standard deviations by part."""
        return dict(zip(BODY, self.std.split(self.widths), strict=True))

    @torch.no_grad()
    def encode(self, motion: Motion) -> Codes:
        """Codes of a motion; the last frame is held to fill the last code."""
        features = extract_features(motion)
        missing = -motion.num_frames % FRAMES_PER_CODE
        padded = {
            name: torch.cat([values, values[-1:].expand(missing, -1)])[None]
            for name, values in features.items()
            if name in BODY
        }
        codes = self.quantizer.encode(self._latent(padded).float())[0]
        return Codes(
            parts={CODES_NAME: codes},
            num_frames=motion.num_frames,
            frames_per_code=FRAMES_PER_CODE,
            fps=float(FPS),
        )

    @torch.no_grad()
    def decode(self, codes: Codes) -> Motion:
        """Motion of codes."""
        found = self._features(self.quantizer.decode(codes.parts[CODES_NAME][None]))
        return motion_from_features({n: v[0, : codes.num_frames] for n, v in found.items()})[0]

    def code_vectors(self, name: str) -> Float[Tensor, "K N D"]:
        """Codebooks; ``name`` is that of the only ones."""
        if name != CODES_NAME:
            raise KeyError(name)
        return self.quantizer.codebooks

    def _latent(self, features: Mapping[str, Float[Tensor, "B W _"]]) -> Float[Tensor, "B L C"]:
        joined = torch.cat([features[name] for name in BODY], dim=-1)
        found = self.encoder(rearrange((joined - self.mean) / self.std, "B W D -> B D W"))
        return rearrange(found, "B C L -> B L C")

    def _features(self, latent: Float[Tensor, "B L C"]) -> dict[str, Float[Tensor, "B W _"]]:
        found = rearrange(self.decoder(rearrange(latent, "B L C -> B C L")), "B D W -> B W D")
        joined = found.float() * self.std + self.mean
        return dict(zip(BODY, joined.split(self.widths, dim=-1), strict=True))
