"""``Evaluator``: the model that judges how well motions fit texts. Axes: E text width; W width.

It is trained for evaluation alone, in the manner of TMR (Petrovich et al., ICCV 2023). The
generator ranks its candidates by ``motion.alignment``; a judge must not share that model's weights
or look at the same features, so this one has its own, trained by ``motion train evaluator``: it
sees joint positions and velocities at 10 fps where the other sees rotations at 30.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import log
from pathlib import Path
from typing import Any, Self

import torch
import yaml
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from motion.alignment.pooling import AttentionPool, EncoderBlock, wave_positions
from motion.conditioners import Condition, TextEncoder
from motion.errors import ConfigError, RequestError, WeightsError
from motion.evaluate.evaluator_input import FEATURE_WIDTH, JointClips, evaluator_features
from motion.evaluate.protocol import file_hash
from motion.formats import atomic_path, yaml_text
from motion.representation import Motion

CONFIG_FILE, WEIGHTS_FILE = "config.yaml", "model.safetensors"
EVALUATOR_VARIABLE = "MOTION_EVALUATOR"
DEFAULT_EVALUATOR = Path(__file__).resolve().parents[2] / "checkpoints" / "evaluator"
CLIP_DEVIATIONS = 8.0
"""Normalised features are cut there: one broken frame must not decide."""
STD_FLOOR = 0.02
FIRST_TEMPERATURE, LARGEST_SCALE = 0.07, 100.0
"""Of the contrastive softmax, as in CLIP (Radford et al., 2021, section 2.5)."""
_BATCH = 32


@dataclass(frozen=True, kw_only=True)
class EvaluatorConfig:
    """Sizes of the evaluator."""

    dim: int = 256
    """Width of an embedding."""
    width: int = 192
    """Channels of both transformers."""
    motion_blocks: int = 4
    """Attention blocks over the steps of a motion."""
    text_blocks: int = 2
    """Attention blocks over the frozen states of a text's tokens."""
    num_heads: int = 4
    """Attention heads; twice their number divides ``width``."""
    dropout: float = 0.1
    """In training."""
    noise: float = 0.05
    """Deviations of the noise that training adds to what is seen of a motion: what a generator
    makes is never quite like what was captured."""
    text_dim: int = 384
    """Width of the text encoder's states."""
    text_encoder: str = ""
    """Fingerprint of the frozen text encoder; empty: it was never trained."""

    def __post_init__(self) -> None:
        """Check ranges."""
        sizes = (self.dim, self.width, self.motion_blocks, self.text_blocks, self.num_heads)
        if min(*sizes, self.text_dim) < 1 or self.width % (2 * self.num_heads):
            raise ConfigError(
                "an evaluator needs positive sizes, and a width that is a multiple of twice its "
                f"heads, got {self}"
            )
        if not 0 <= self.dropout < 1 or self.noise < 0:
            raise ConfigError(f"dropout must be in [0, 1), noise not negative, got {self}")


class Evaluator(nn.Module):
    """Texts and motions of any length in one space; embeddings have length one."""

    feature_mean: Tensor
    feature_std: Tensor
    state_mean: Tensor
    state_std: Tensor
    pooled_mean: Tensor

    def __init__(self, config: EvaluatorConfig) -> None:
        super().__init__()
        self.config = config
        self.hash = ""
        """Hash of the files it was loaded from, for ``Protocol.evaluator``; empty before."""
        for name, width in (("feature", FEATURE_WIDTH), ("state", config.text_dim)):
            self.register_buffer(f"{name}_mean", torch.zeros(width))
            self.register_buffer(f"{name}_std", torch.ones(width))
        self.register_buffer("pooled_mean", torch.zeros(config.text_dim))
        self.read_motion = nn.Linear(FEATURE_WIDTH, config.width)
        self.read_text = nn.Linear(config.text_dim, config.width)
        self.motion_blocks = self._blocks(config.motion_blocks)
        self.text_blocks = self._blocks(config.text_blocks)
        self.pools = nn.ModuleDict(
            {name: AttentionPool(config.width, config.num_heads) for name in ("motion", "text")}
        )
        self.norms = nn.ModuleDict(
            {name: nn.LayerNorm(config.width) for name in ("motion", "text")}
        )
        self.write = nn.ModuleDict(
            {name: nn.Linear(config.width, config.dim) for name in ("motion", "text")}
        )
        self.log_scale = nn.Parameter(torch.tensor(-log(FIRST_TEMPERATURE)))

    def _blocks(self, number: int) -> nn.ModuleList:
        config = self.config
        return nn.ModuleList(
            EncoderBlock(config.width, config.num_heads, config.dropout) for _ in range(number)
        )

    @property
    def scale(self) -> Float[Tensor, ""]:
        """Inverse temperature of the contrastive softmax."""
        return self.log_scale.exp().clamp(max=LARGEST_SCALE)

    @torch.no_grad()
    def set_statistics(self, clips: JointClips, texts: Condition) -> None:
        """Take the means and deviations of a sample of training motions and texts."""
        rows = evaluator_features(clips)[clips.mask]
        for name, values in (("feature", rows), ("state", texts.embedding[texts.mask])):
            self.get_buffer(f"{name}_mean").copy_(values.mean(0))
            self.get_buffer(f"{name}_std").copy_(values.std(0).clamp(min=STD_FLOOR))
        self.pooled_mean.copy_(texts.pooled.mean(0))

    def centred(self, pooled: Float[Tensor, "B E"]) -> Float[Tensor, "B E"]:
        """Pooled text features without their mean, of length one: only so do they differ."""
        return F.normalize(pooled - self.pooled_mean, dim=-1)

    def encode_motion(self, clips: JointClips) -> Float[Tensor, "B D"]:
        """Embed clips as one batch, with gradient."""
        x = (evaluator_features(clips) - self.feature_mean) / self.feature_std
        x = x.clamp(-CLIP_DEVIATIONS, CLIP_DEVIATIONS)
        if self.training:
            x = x + self.config.noise * torch.randn_like(x)
        x = self.read_motion(x * clips.mask[..., None])
        x = x + wave_positions(x.shape[1], x.shape[2], x)
        for block in self.motion_blocks:
            x = block(x, clips.mask)
        return self._written("motion", self.pools["motion"](self.norms["motion"](x), clips.mask))

    def encode_text(self, texts: Condition) -> Float[Tensor, "B D"]:
        """Embed the frozen states of texts as one batch, with gradient.

        Raises:
            RequestError: They are no text, or of another width.
        """
        if texts.modality != "text" or texts.dim != self.config.text_dim:
            raise RequestError(
                f"the evaluator reads text states of width {self.config.text_dim}, got "
                f"{texts.modality} of width {texts.dim}"
            )
        x = self.read_text((texts.embedding - self.state_mean) / self.state_std)
        for block in self.text_blocks:
            x = block(x, texts.mask)
        return self._written("text", self.pools["text"](self.norms["text"](x), texts.mask))

    def _written(self, name: str, pooled: Float[Tensor, "B W"]) -> Float[Tensor, "B D"]:
        return F.normalize(self.write[name](pooled).float(), dim=-1)

    @torch.no_grad()
    def embed_motions(self, motions: Sequence[Motion]) -> Float[Tensor, "B D"]:
        """Embed any number of motions, of any frame rate and length.

        Raises:
            RequestError: There is no motion, one without a frame, or one that is not finite.
        """
        starts = range(0, max(1, len(motions)), _BATCH)
        return torch.cat(
            [self.encode_motion(JointClips.of(motions[i : i + _BATCH])) for i in starts]
        )

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str], encoder: TextEncoder) -> Float[Tensor, "B D"]:
        """Embed any number of texts.

        Raises:
            RequestError: There is none, one is empty, or the encoder is not the one of training.
        """
        self.check_encoder(encoder)
        starts = range(0, max(1, len(texts)), _BATCH)
        return torch.cat([self.encode_text(encoder.encode(texts[i : i + _BATCH])) for i in starts])

    def check_encoder(self, encoder: TextEncoder) -> None:
        """See that texts come from the encoder of training.

        Raises:
            RequestError: They come from another.
        """
        known = self.config.text_encoder
        if known and encoder.fingerprint != known:
            raise RequestError(
                f"the evaluator was trained on the text encoder {known}, got one with the "
                f"fingerprint {encoder.fingerprint}; take the packaged one"
            )

    def save(self, folder: Path) -> None:
        """Write ``config.yaml`` and ``model.safetensors``, in half precision."""
        half = {name: value.half().contiguous() for name, value in self.state_dict().items()}
        with atomic_path(folder / WEIGHTS_FILE) as path:
            save_file(half, path)
        with atomic_path(folder / CONFIG_FILE) as path:
            path.write_text(yaml_text(asdict(self.config)), "utf-8")

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what ``save`` wrote, ready for inference.

        Raises:
            WeightsError: A file is missing, broken or does not fit the configuration.
        """
        folder = Path(folder)
        files = [folder / CONFIG_FILE, folder / WEIGHTS_FILE]
        missing = [path.name for path in files if not path.is_file()]
        if missing:
            raise WeightsError(
                f"expected an evaluator in {folder}, {missing} not found; give a folder written by "
                f"'motion train evaluator' or set {EVALUATOR_VARIABLE}"
            )
        try:
            values: Mapping[str, Any] = yaml.safe_load(files[0].read_text("utf-8"))
            model = cls(EvaluatorConfig(**values))
            model.load_state_dict(load_file(files[1]))
        except (
            SafetensorError,
            OSError,
            TypeError,
            ValueError,
            RuntimeError,
            yaml.YAMLError,
        ) as error:
            raise WeightsError(f"no usable evaluator in {folder}: {error}") from error
        model.hash = file_hash(*files)
        return model.eval().requires_grad_(False)

    @classmethod
    def load_default(cls) -> Self:
        """The evaluator that ``MOTION_EVALUATOR`` names, else the one that comes along.

        Raises:
            WeightsError: There is none, or it is not usable.
        """
        named = os.environ.get(EVALUATOR_VARIABLE)
        return cls.load(Path(named) if named else DEFAULT_EVALUATOR)
