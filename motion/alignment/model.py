"""``AlignmentModel``: signals and motions in one space, where alike things lie close together."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
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

from motion.alignment.motion_encoder import MotionEncoder, MotionEncoderConfig, MotionFeatures
from motion.alignment.projector import Projector, ProjectorConfig
from motion.conditioners import Condition
from motion.errors import ConfigError, RequestError, WeightsError
from motion.formats import atomic_path
from motion.representation import Motion

CONFIG_FILE, WEIGHTS_FILE = "config.yaml", "model.safetensors"
FIRST_TEMPERATURE, LARGEST_SCALE = 0.07, 100.0
"""Of the contrastive softmax, as in CLIP (Radford et al., 2021, section 2.5)."""


@dataclass(frozen=True, kw_only=True)
class AlignmentModelConfig:
    """Sizes of the shared space and of what leads there."""

    dim: int = 256
    """Width of an embedding."""
    motion: MotionEncoderConfig = field(default_factory=MotionEncoderConfig)
    """The motion encoder."""
    projectors: dict[str, ProjectorConfig] = field(
        default_factory=lambda: {"text": ProjectorConfig()}
    )
    """A projector for each modality."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.dim < 1 or not self.projectors:
            raise ConfigError("an alignment model needs a positive dim and at least one projector")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what ``save`` wrote."""
        motion = dict(values["motion"])
        for name in ("parts", "strides"):
            motion[name] = tuple(motion[name])
        projectors = {k: ProjectorConfig(**v) for k, v in values["projectors"].items()}
        rest = {k: v for k, v in values.items() if k not in ("motion", "projectors")}
        return cls(motion=MotionEncoderConfig(**motion), projectors=projectors, **rest)


class AlignmentModel(nn.Module):
    """A motion encoder and one projector per modality; embeddings have length one."""

    def __init__(self, config: AlignmentModelConfig) -> None:
        super().__init__()
        self.config = config
        self.motion_encoder = MotionEncoder(config.motion, config.dim)
        self.projectors = nn.ModuleDict(
            {name: Projector(sizes, config.dim) for name, sizes in config.projectors.items()}
        )
        self.log_scale = nn.Parameter(torch.tensor(-log(FIRST_TEMPERATURE)))

    @property
    def scale(self) -> Float[Tensor, ""]:
        """Inverse temperature of the contrastive softmax."""
        return self.log_scale.exp().clamp(max=LARGEST_SCALE)

    @property
    def fingerprint(self) -> str:
        """Hash over the weights as they are saved: tells whether embeddings are of this model."""
        digest = sha256()
        for name, values in sorted(self._saved().items()):
            digest.update(name.encode() + values.cpu().numpy().tobytes())
        return digest.hexdigest()[:16]

    def embed_motion(
        self, motions: Motion | Sequence[Motion] | MotionFeatures
    ) -> Float[Tensor, "B D"]:
        """Embed motions of any length at 30 fps; one motion is a batch of one.

        Raises:
            RequestError: A motion has no frames, or there is no motion.
        """
        if isinstance(motions, Motion):
            motions = [motions]
        features = motions if isinstance(motions, MotionFeatures) else MotionFeatures.of(motions)
        return F.normalize(self.motion_encoder(features).float(), dim=-1)

    def embed(self, condition: Condition) -> Float[Tensor, "B D"]:
        """Embed a signal by the projector of its modality.

        Raises:
            RequestError: There is no such projector, or the features have another width.
        """
        if condition.modality not in self.projectors:
            raise RequestError(
                f"this alignment model knows {list(self.projectors)}, not '{condition.modality}'"
            )
        projector = self.projectors[condition.modality]
        expected = self.config.projectors[condition.modality].input_dim
        if condition.dim != expected:
            raise RequestError(
                f"the {condition.modality} features have width {condition.dim}, but the alignment "
                f"model was trained on width {expected}; use the same encoder"
            )
        return F.normalize(projector(condition).float(), dim=-1)

    def embed_text(self, condition: Condition) -> Float[Tensor, "B D"]:
        """Embed texts.

        Raises:
            RequestError: The condition is no text, or of another encoder.
        """
        if condition.modality != "text":
            raise RequestError(f"expected features of text, got those of {condition.modality}")
        return self.embed(condition)

    def _saved(self) -> dict[str, Tensor]:
        return {name: value.half().contiguous() for name, value in self.state_dict().items()}

    def save(self, folder: Path) -> None:
        """Write ``config.yaml`` and ``model.safetensors``, in half precision."""
        with atomic_path(folder / WEIGHTS_FILE) as path:
            save_file(self._saved(), path)
        with atomic_path(folder / CONFIG_FILE) as path:
            path.write_text(yaml.safe_dump(_plain(asdict(self.config)), sort_keys=False), "utf-8")

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what ``save`` wrote, ready for inference.

        Raises:
            WeightsError: A file is missing, broken or does not fit the configuration.
        """
        folder = Path(folder)
        missing = [name for name in (CONFIG_FILE, WEIGHTS_FILE) if not (folder / name).is_file()]
        if missing:
            raise WeightsError(
                f"expected an alignment model in {folder}, {missing} not found; give a folder "
                "written by 'motion train alignment'"
            )
        try:
            config = yaml.safe_load((folder / CONFIG_FILE).read_text("utf-8"))
            model = cls(AlignmentModelConfig.from_dict(config))
            model.load_state_dict(load_file(folder / WEIGHTS_FILE))
        except (
            SafetensorError,
            OSError,
            AttributeError,
            KeyError,
            TypeError,
            ValueError,
            RuntimeError,
            yaml.YAMLError,
        ) as error:
            raise WeightsError(f"no usable alignment model in {folder}: {error}") from error
        return model.eval().requires_grad_(False)


def _plain(value: object) -> object:
    """Tuples as lists, so that YAML stays plain."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, tuple | list) else value
