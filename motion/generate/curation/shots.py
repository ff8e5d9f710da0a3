"""Where a film cuts from one shot to the next: colours change all over the picture at once.

Axis letters: ``H``/``W`` picture rows and columns, ``G`` cells of a grid over the picture, ``C``
colour channels, ``N`` bins of a histogram.
"""

from collections import deque
from dataclasses import dataclass
from statistics import median

import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

_GRID = 3
"""Cells across and down: somebody who moves changes few of them."""
_BINS = 8
_SAMPLES = 16
"""Pixels looked at across and down each cell."""


@dataclass(frozen=True, kw_only=True)
class ShotConfig:
    """When a change of colours is a cut."""

    least_change: float = 0.3
    """Share of the pixels, on average over the picture, that must change their colour."""
    times_usual: float = 4.0
    """A cut changes so much more than the pictures before it usually did: fast pans do not."""
    memory_pictures: int = 15
    """Pictures that say what is usual."""


class ShotCuts:
    """Tells the first picture of each shot; pictures are shown to it in their order."""

    def __init__(self, config: ShotConfig | None = None) -> None:
        self._config = config or ShotConfig()
        self._before: Float[Tensor, "G C N"] | None = None
        self._changes: deque[float] = deque(maxlen=self._config.memory_pictures)

    def is_cut(self, pixels: UInt8[Tensor, "H W 3"]) -> bool:
        """Whether a shot begins with this picture; the first one of a film begins none."""
        now = histogram(pixels)
        before, self._before = self._before, now
        if before is None:
            return False
        change = float((now - before).abs().sum(-1).mean()) / 2
        usual = median(self._changes) if self._changes else 0.0
        limit = max(self._config.least_change, self._config.times_usual * usual)
        if change >= limit:
            self._changes.clear()
            return True
        self._changes.append(change)
        return False


def histogram(pixels: UInt8[Tensor, "H W 3"]) -> Float[Tensor, "G C N"]:
    """Share of each cell's pixels in each bin of each colour; a bin's neighbours share its edges.

    Soft edges keep noise at an edge from looking like a change.
    """
    rows, columns = (
        ((torch.arange(_GRID * _SAMPLES) + 0.5) * size / (_GRID * _SAMPLES)).long()
        for size in pixels.shape[:2]
    )
    small = pixels[rows][:, columns].float()
    pattern = "(down h) (across w) c -> (down across) c (h w)"
    cells = rearrange(small, pattern, down=_GRID, across=_GRID)
    centres = (torch.arange(_BINS) + 0.5) * (256 / _BINS)
    near = 1 - (cells[..., None] - centres).abs() / (256 / _BINS)
    counts = near.clamp(min=0).sum(-2)
    return counts / counts.sum(-1, keepdim=True)
