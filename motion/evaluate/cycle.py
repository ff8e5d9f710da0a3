"""Cycle consistency of the closed loop: does what was made say what was planned?

Every segment is looked for among ten steps: its own and nine others, drawn without it and without
steps that say the same. Two rulers, which share nothing but the text encoder below them:

- by words: the caption that the model wrote of the segment against the steps, as mean-centred
  cosines of the text encoder's pooled vectors. It judges the generator and the captioner together.
- by motion: the segment itself against the steps in the shared space of text and motion. No caption
  takes part; but candidates of a generated motion are ranked in the same space, so this ruler
  flatters the generator.

Chance is one in ten. Axes: N segments, M steps.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from motion.alignment import AlignmentModel
from motion.conditioners import TextEncoder
from motion.errors import RequestError
from motion.representation import Motion

CHOICES = 10
"""Steps among which a segment's own is looked for."""
CYCLE_BAR = 3.0
"""Hits should be at least this many times chance."""
SAME_STEP = 0.9
"""Mean-centred cosine from which two steps say the same: neither is a wrong answer to the other."""


@dataclass(frozen=True, kw_only=True)
class CycleScore:
    """How often a segment's own step is the nearest of ten."""

    num_segments: int
    hits: float
    """Share of the segments whose own step is first, averaged over the draws."""
    mean_rank: float
    """Of the own step, 1 to 10."""
    chance: float
    """Share of hits of a guess."""

    @property
    def times_chance(self) -> float:
        """The bar is ``CYCLE_BAR``."""
        return self.hits / self.chance


def caption_cycle(
    encoder: TextEncoder, captions: Sequence[str], steps: Sequence[str], seed: int = 0
) -> CycleScore:
    """Look for each segment's step by the words of its caption.

    Args:
        encoder: Embeds captions and steps.
        captions: Of the segments.
        steps: What each was to show.
        seed: Of the steps drawn beside it.

    Raises:
        RequestError: There are fewer than ten different steps, or not a caption for each.
    """
    _check(captions, steps)
    told = encoder.encode(list(captions)).pooled
    return _score(_centred(told, _pooled(encoder, steps)), encoder, steps, seed)


def motion_cycle(
    space: AlignmentModel,
    encoder: TextEncoder,
    motions: Sequence[Motion],
    steps: Sequence[str],
    seed: int = 0,
) -> CycleScore:
    """Look for each segment's step by the segment itself, in the shared space.

    Args:
        space: Embeds motions and texts.
        encoder: Reads the steps for it.
        motions: Of the segments.
        steps: What each was to show.
        seed: Of the steps drawn beside it.

    Raises:
        RequestError: There are fewer than ten different steps, or not a motion for each.
    """
    _check(motions, steps)
    places = torch.cat([space.embed_motion(motion, parts=("lower", "upper")) for motion in motions])
    return _score(places @ space.embed_text(encoder.encode(list(steps))).T, encoder, steps, seed)


def _score(
    similarity: Float[Tensor, "N N"], encoder: TextEncoder, steps: Sequence[str], seed: int
) -> CycleScore:
    """Ranks of the own steps among ten, over as many draws as there are choices."""
    alike = _centred(_pooled(encoder, steps), _pooled(encoder, steps)) >= SAME_STEP
    generator, ranks = random.Random(seed), []
    for row in range(len(steps)):
        others = _different(row, alike)
        if len(others) < CHOICES - 1:
            raise RequestError(
                f"the cycle is measured among {CHOICES} different steps, '{steps[row]}' has "
                f"{len(others)} beside it; measure more segments"
            )
        for _ in range(CHOICES):
            rivals = similarity[row, generator.sample(others, CHOICES - 1)]
            ranks.append(1 + int((rivals >= similarity[row, row]).sum()))
    return CycleScore(
        num_segments=len(steps),
        hits=sum(rank == 1 for rank in ranks) / len(ranks),
        mean_rank=sum(ranks) / len(ranks),
        chance=1 / CHOICES,
    )


def _different(row: int, alike: Tensor) -> list[int]:
    """Steps that say neither the same as this one nor as each other."""
    kept: list[int] = []
    for other in range(len(alike)):
        if not bool(alike[row, other]) and not any(bool(alike[other, one]) for one in kept):
            kept.append(other)
    return kept


def _pooled(encoder: TextEncoder, texts: Sequence[str]) -> Float[Tensor, "M D"]:
    return encoder.encode(list(texts)).pooled


def _centred(found: Float[Tensor, "N D"], steps: Float[Tensor, "M D"]) -> Float[Tensor, "N M"]:
    """Cosines after taking off the steps' mean: all vectors of e5 lie within a narrow cone."""
    mean = steps.mean(0)
    return F.normalize(found - mean, dim=-1) @ F.normalize(steps - mean, dim=-1).T


def _check(found: Sequence[object], steps: Sequence[str]) -> None:
    if len(found) != len(steps):
        raise RequestError(f"expected one of each for {len(steps)} steps, got {len(found)}")
