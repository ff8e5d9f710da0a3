"""``Codes``: what the tokenizer writes and the language model reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from jaxtyping import Int
from torch import Tensor

from motion.errors import FormatError


@dataclass(frozen=True, kw_only=True)
class Codes:
    """Codebook indices of one clip, part by part."""

    parts: Mapping[str, Int[Tensor, "L K"]]
    """Part name to indices; level 0 is the coarsest."""
    num_frames: int
    """Frames of the clip; the last code may stand for frames beyond it."""
    frames_per_code: int
    fps: float

    def __post_init__(self) -> None:
        """Check that all parts have the same number of steps and enough of them."""
        lengths = {name: len(codes) for name, codes in self.parts.items()}
        if len(set(lengths.values())) != 1:
            raise FormatError(f"all parts need the same number of codes, got {lengths}")
        if self.num_frames > self.num_steps * self.frames_per_code:
            raise FormatError(
                f"{self.num_steps} codes of {self.frames_per_code} frames cannot hold "
                f"{self.num_frames} frames"
            )

    @property
    def num_steps(self) -> int:
        """Steps in time; axis L."""
        return len(next(iter(self.parts.values())))

    @property
    def rate(self) -> Fraction:
        """Codes a second and part and level."""
        return Fraction(str(self.fps)) / self.frames_per_code
