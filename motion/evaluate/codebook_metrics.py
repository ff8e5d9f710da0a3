"""How codebooks are used: share of rows and perplexity of each stream of codes."""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from motion.errors import DataError
from motion.tokenizer import Codes


@dataclass(frozen=True, kw_only=True)
class CodebookUse:
    """How one codebook is used over all codes of the clips."""

    part: str
    level: int
    size: int
    """Rows of the codebook."""
    used_share: float
    """Share of the rows that were used at least once."""
    perplexity: float
    """Of the histogram of codes: as many rows as this, used evenly, would tell as much."""


class CodebookCounts:
    """Histograms of codes, one for each stream (part and quantizer level)."""

    def __init__(self) -> None:
        self._histograms: dict[tuple[str, int], Int[Tensor, " N"]] = {}

    def add(self, codes: Codes, sizes: dict[str, int]) -> None:
        """Count the codes of one clip.

        Args:
            codes: Of one clip.
            sizes: Rows of the codebooks of each part.

        Raises:
            DataError: A code lies outside its codebook.
        """
        for part, rows in codes.parts.items():
            if rows.numel() and not 0 <= int(rows.min()) <= int(rows.max()) < sizes[part]:
                raise DataError(
                    f"codes of '{part}' must lie in 0 to {sizes[part] - 1}, got {int(rows.min())} "
                    f"to {int(rows.max())}"
                )
            for level, column in enumerate(rows.T):
                counts = torch.bincount(column, minlength=sizes[part])
                before = self._histograms.get((part, level))
                self._histograms[part, level] = counts if before is None else before + counts

    def histograms(self) -> dict[tuple[str, int], Int[Tensor, " N"]]:
        """How often each row was used, by part and level."""
        return dict(self._histograms)

    def uses(self) -> tuple[CodebookUse, ...]:
        """Usage of every stream, in the order in which they were seen."""
        return tuple(codebook_use(*key, counts) for key, counts in self._histograms.items())


def codebook_use(part: str, level: int, counts: Int[Tensor, " N"]) -> CodebookUse:
    """Usage and perplexity ``exp(-sum p log p)`` of a histogram; nothing counted gives 0 and 1."""
    share = counts.double() / max(int(counts.sum()), 1)
    entropy = -torch.special.xlogy(share, share).sum()
    return CodebookUse(
        part=part,
        level=level,
        size=len(counts),
        used_share=float((counts > 0).double().mean()),
        perplexity=float(torch.exp(entropy)),
    )
