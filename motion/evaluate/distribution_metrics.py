"""How a set of embeddings lies to another: FID, retrieval, diversity, and their replication.

Embeddings come from an evaluator; numbers of two evaluators can never be compared. Formulas and
habits are those of Guo et al., "Generating Diverse and Natural 3D Human Motions from Text" (CVPR
2022, section 5.1) and their code (EricGuo5513/text-to-motion utils/metrics.py), which the field's
tables use. Where we depart, the function says so. Everything is computed in float64.

Axis letters added here: ``N M`` samples of two sets, ``R`` generations of one text.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from motion.errors import RequestError

POOL_SIZE = 32
"""Candidates of a retrieval: one true and 31 others."""
TOP = (1, 2, 3)
REPLICATIONS = 20
DIVERSITY_PAIRS = 300
MULTIMODALITY_PAIRS = 10
NORMAL_95 = 1.96
SAMPLES_A_DIMENSION = 2
"""A Gaussian fitted to no more than this many samples a dimension makes FID visibly too high: its
covariance has as many free numbers as D (D + 1) / 2. Then the number is flagged."""


@dataclass(frozen=True, kw_only=True)
class FrechetDistance:
    """A Frechet distance and whether its sample is large enough."""

    value: float
    """Squared distance, in squared units of the embedding; 0 is best."""
    num_found: int
    num_truth: int
    dim: int

    @property
    def biased(self) -> bool:
        """Whether either set has no more than two samples a dimension: the value is too high."""
        return min(self.num_found, self.num_truth) <= SAMPLES_A_DIMENSION * self.dim

    @property
    def flags(self) -> tuple[str, ...]:
        """Reasons not to trust the value."""
        if not self.biased:
            return ()
        fewest = min(self.num_found, self.num_truth)
        return (f"biased: {fewest} samples for {self.dim} dimensions",)


@dataclass(frozen=True, kw_only=True)
class RPrecision:
    """Retrieval in pools of one true and 31 other candidates."""

    top: tuple[float, ...]
    """Share of queries whose true partner is among the first 1, 2, 3."""
    num_queries: int
    dropped: int
    """Pairs of the last, incomplete pool, which are left out."""
    pool_size: int = POOL_SIZE

    @property
    def chance(self) -> tuple[float, ...]:
        """What a model without any knowledge scores."""
        return tuple(k / self.pool_size for k in TOP)


@dataclass(frozen=True, kw_only=True)
class Replicated:
    """Mean and 95 % interval over replications."""

    mean: float
    interval: tuple[float, float]
    """Mean -+ 1.96 s / sqrt(n) with s the standard deviation (divided by n, as the field does)."""
    num_replications: int
    values: tuple[float, ...]


def frechet_distance(found: Float[Tensor, "N D"], truth: Float[Tensor, "M D"]) -> FrechetDistance:
    """Frechet distance of Gaussians fitted to two sets (FID; with a gesture evaluator FGD).

    ``|m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1 S2)^1/2)``, with covariances divided by N - 1.
    Source: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule" (NeurIPS 2017), equation
    6. Departure: the usual code takes the root of the unsymmetric S1 S2, which can come out complex
    or not at all. Here the trace is the sum of singular values of ``S1^1/2 S2^1/2``, both roots by
    eigenvalues of symmetric matrices: always real, never below zero.

    Raises:
        RequestError: Fewer than two samples, other widths, or embeddings that are not finite.
    """
    _check_embeddings(found=found, truth=truth)
    first, second = found.double(), truth.double()
    gap = first.mean(0) - second.mean(0)
    covariances = (_covariance(first), _covariance(second))
    roots = [_symmetric_root(covariance) for covariance in covariances]
    overlap = torch.linalg.svdvals(roots[0] @ roots[1]).sum()
    spread = sum(float(covariance.trace()) for covariance in covariances)
    value = float(gap @ gap) + spread - 2 * float(overlap)
    return FrechetDistance(
        value=max(value, 0.0),
        num_found=len(found),
        num_truth=len(truth),
        dim=found.shape[1],
    )


def r_precision(
    texts: Float[Tensor, "N D"],
    motions: Float[Tensor, "N D"],
    generator: torch.Generator,
    *,
    query: Literal["text", "motion"] = "text",
    pool_size: int = POOL_SIZE,
) -> RPrecision:
    """Share of queries that find their partner among 32 by Euclidean distance.

    Pairs are shuffled, cut into pools and ranked inside each; the rest is dropped. As in the
    published code, texts look for motions (the paper's words are the other way round:
    ``query="motion"``). Departure: partners at equal distance share their places, so that a model
    that maps everything to one point scores chance and not 1. Pools may hold two equal captions;
    nobody corrects for it, which is why real motion does not reach 1.

    Args:
        texts: Row i belongs to row i of ``motions``.
        motions: Embeddings of the motions.
        generator: Deals the pools.
        query: Which side looks for the other.
        pool_size: Candidates of each query.

    Raises:
        RequestError: Fewer pairs than a pool, other shapes, or embeddings that are not finite.
    """
    _check_pairs(texts, motions)
    count = len(texts) // pool_size * pool_size
    if count == 0:
        raise RequestError(
            f"R-precision needs at least one pool of {pool_size} pairs, got {len(texts)}"
        )
    order = torch.randperm(len(texts), generator=generator)[:count].reshape(-1, pool_size)
    asked, others = (texts, motions) if query == "text" else (motions, texts)
    distance = torch.cdist(
        asked.double()[order], others.double()[order], compute_mode="donot_use_mm_for_euclid_dist"
    )  # (pools, queries, candidates)
    own = distance.diagonal(dim1=1, dim2=2)[..., None]
    nearer, equal = (distance < own).sum(-1), (distance == own).sum(-1)
    top = [((k - nearer) / equal).clamp(0, 1).mean() for k in TOP]
    return RPrecision(
        top=tuple(float(share) for share in top),
        num_queries=count,
        dropped=len(texts) - count,
        pool_size=pool_size,
    )


def mm_distance(texts: Float[Tensor, "N D"], motions: Float[Tensor, "N D"]) -> float:
    """Mean distance between matched embeddings (multimodal distance, matching score).

    Raises:
        RequestError: No pairs, other shapes, or embeddings that are not finite.
    """
    _check_pairs(texts, motions)
    return float(torch.linalg.vector_norm(texts.double() - motions.double(), dim=-1).mean())


def matched_cosines(
    texts: Float[Tensor, "N D"], motions: Float[Tensor, "N D"]
) -> Float[Tensor, " N"]:
    """Cosine of each text with its motion: what the evaluator says of a single clip.

    Raises:
        RequestError: No pairs, other shapes, or embeddings that are not finite.
    """
    _check_pairs(texts, motions)
    return torch.nn.functional.cosine_similarity(texts.double(), motions.double(), dim=-1)


def diversity(
    embeddings: Float[Tensor, "N D"],
    generator: torch.Generator,
    *,
    pairs: int = DIVERSITY_PAIRS,
) -> float:
    """Mean distance of random pairs; good when near that of real motion.

    As published, both partners are drawn without replacement each, so that now and then a sample
    meets itself (one pair in N). Without chance: ``mean_pairwise_distance``.

    Raises:
        RequestError: Fewer samples than pairs, or embeddings that are not finite.
    """
    _check_embeddings(embeddings=embeddings)
    if len(embeddings) < pairs:
        raise RequestError(
            f"diversity of {pairs} pairs needs as many samples, got {len(embeddings)}; ask for "
            "fewer pairs, or take mean_pairwise_distance"
        )
    first, second = _drawn(len(embeddings), pairs, generator)
    gap = embeddings.double()[first] - embeddings.double()[second]
    return float(torch.linalg.vector_norm(gap, dim=-1).mean())


def multimodality(
    embeddings: Float[Tensor, "N R D"],
    generator: torch.Generator,
    *,
    pairs: int = MULTIMODALITY_PAIRS,
) -> float:
    """Mean distance of random pairs among the generations of one text, averaged over texts.

    The field takes 30 generations of 100 texts, and the same pairs for every text; a generation
    meets itself in one pair of R, as published.

    Raises:
        RequestError: Fewer generations than pairs, or embeddings that are not finite.
    """
    _check_embeddings(embeddings=embeddings.flatten(0, 1))
    if embeddings.shape[1] < pairs:
        raise RequestError(
            f"multimodality of {pairs} pairs needs as many generations a text, got "
            f"{embeddings.shape[1]}"
        )
    first, second = _drawn(embeddings.shape[1], pairs, generator)
    gap = embeddings.double()[:, first] - embeddings.double()[:, second]
    return float(torch.linalg.vector_norm(gap, dim=-1).mean())


def mean_pairwise_distance(embeddings: Float[Tensor, "N D"]) -> float:
    """Mean distance over all pairs of different samples (Div_k and Div_g of the dance tables).

    Raises:
        RequestError: Fewer than two samples, or embeddings that are not finite.
    """
    _check_embeddings(embeddings=embeddings)
    return float(torch.nn.functional.pdist(embeddings.double()).mean())


def replicate(
    measure: Callable[[torch.Generator], Mapping[str, float]],
    *,
    n: int = REPLICATIONS,
    seed: int = 0,
) -> dict[str, Replicated]:
    """Measure again and again with other random numbers: mean and 95 % interval, as the field does.

    The interval tells how far the mean of n such runs would move, and nothing about other prompts
    or other training runs; for the difference of two systems see ``motion.evaluate.paired``.

    Args:
        measure: Gives numbers by name; all its chance comes from the generator.
        n: Replications.
        seed: Replication i gets a generator of its own, so that n may grow without new numbers
            for the first ones.

    Raises:
        RequestError: Fewer than two replications, or a number that is not finite.
    """
    if n < 2:
        raise RequestError(f"an interval needs at least two replications, got {n}")
    rows = []
    for child in np.random.SeedSequence(seed).spawn(n):
        start = int(child.generate_state(1, np.uint64)[0]) >> 1
        rows.append(dict(measure(torch.Generator().manual_seed(start))))
    return {name: replicated([row[name] for row in rows]) for name in rows[0]}


def replicated(values: list[float]) -> Replicated:
    """Mean and interval of given replications.

    Raises:
        RequestError: There are none, or one is not finite.
    """
    if not values or not all(math.isfinite(value) for value in values):
        raise RequestError(f"replications must be finite numbers, got {values}")
    mean, count = sum(values) / len(values), len(values)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / count)
    half = NORMAL_95 * deviation / math.sqrt(count)
    return Replicated(
        mean=mean,
        interval=(mean - half, mean + half),
        num_replications=count,
        values=tuple(values),
    )


def _covariance(samples: Float[Tensor, "N D"]) -> Float[Tensor, "D D"]:
    centred = samples - samples.mean(0)
    return centred.T @ centred / (len(samples) - 1)


def _symmetric_root(matrix: Float[Tensor, "D D"]) -> Float[Tensor, "D D"]:
    """Root of a symmetric matrix; eigenvalues that are zero but for rounding count as zero."""
    values, vectors = torch.linalg.eigh(matrix)
    floor = values.abs().amax() * len(values) * torch.finfo(values.dtype).eps
    values = torch.where(values > floor, values, 0.0)
    root: Tensor = (vectors * values.sqrt()) @ vectors.T
    return root


def _drawn(count: int, pairs: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    first = torch.randperm(count, generator=generator)[:pairs]
    return first, torch.randperm(count, generator=generator)[:pairs]


def _check_embeddings(**sets: Float[Tensor, "_ _"]) -> None:
    for name, rows in sets.items():
        if len(rows) < 2:
            raise RequestError(f"expected at least two embeddings in '{name}', got {len(rows)}")
        if not bool(torch.isfinite(rows).all()):
            raise RequestError(f"embeddings in '{name}' must be finite, some are NaN or infinite")
    widths = {name: rows.shape[1] for name, rows in sets.items()}
    if len(set(widths.values())) > 1:
        raise RequestError(f"embeddings of one evaluator have one width, got {widths}")


def _check_pairs(texts: Float[Tensor, "_ _"], motions: Float[Tensor, "_ _"]) -> None:
    if texts.shape != motions.shape or len(texts) == 0:
        raise RequestError(
            "expected as many texts as motions, at least one, in one space, got "
            f"{tuple(texts.shape)} and {tuple(motions.shape)}"
        )
    if not bool(torch.isfinite(texts).all() and torch.isfinite(motions).all()):
        raise RequestError("embeddings of pairs must be finite, some are NaN or infinite")
