"""Figures of the text suite: what the evaluator says of each system, and how motions stand.

Axis letters added here: ``N`` items (a clip with a caption); ``M`` clips of reference; ``P``
prompts; ``R`` motions of a prompt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from motion.evaluate.distribution_metrics import (
    DIVERSITY_PAIRS,
    MULTIMODALITY_PAIRS,
    POOL_SIZE,
    REPLICATIONS,
    TOP,
    Replicated,
    diversity,
    frechet_distance,
    mm_distance,
    multimodality,
    r_precision,
    replicate,
)
from motion.evaluate.foot_metrics import foot_metrics
from motion.evaluate.metric_table import figure
from motion.evaluate.protocol import Figure, Protocol
from motion.evaluate.suites.measures import items_of, mean_figure
from motion.evaluate.suites.records import TRUTH, ItemScores
from motion.evaluate.suites.text_clips import KnownClip, TextItem
from motion.evaluate.trajectory_metrics import jerk
from motion.representation import NUM_BODY_JOINTS, Motion

COSINE = "Text-motion cosine"
PHYSICAL = ("Foot skate", "Floating", "Penetration", "Jerk")
PUBLISHED_TEXTS, PUBLISHED_MOTIONS = 100, 30
"""Of MultiModality, in the field."""
REPLICATION_NOTE = (
    "each replication draws one caption a clip and deals new pools; interval: mean -+ 1.96 s / "
    "sqrt(repeats) over replications, as the field does"
)
ITEM_NOTE = "interval: 95 % bootstrap over clips, captions of one clip together"


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """Items, and what the evaluator made of their captions."""

    clips: tuple[KnownClip, ...]
    items: tuple[TextItem, ...]
    texts: Float[Tensor, "N D"]
    """Embedded captions."""
    reference: Float[Tensor, "M D"]
    """The clips themselves, embedded, for FID."""

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each item's clip."""
        return tuple(self.clips[item.clip].name for item in self.items)

    def drawn(self, generator: torch.Generator) -> Tensor:
        """Places of one item of each clip."""
        places: dict[int, list[int]] = {}
        for place, item in enumerate(self.items):
            places.setdefault(item.clip, []).append(place)
        shares = torch.rand(len(places), generator=generator).tolist()
        rows = [rows[int(s * len(rows))] for rows, s in zip(places.values(), shares, strict=True)]
        return torch.tensor(rows)


def replicated_figures(
    judged: Judged, motions: Float[Tensor, "N D"], protocol: Protocol, seed: int
) -> tuple[Figure, ...]:
    """FID, R-precision, MM-distance and Diversity of one system, over twenty replications."""
    pool = min(POOL_SIZE, len(judged.clips))
    pairs = min(DIVERSITY_PAIRS, len(judged.clips))

    def measure(generator: torch.Generator) -> dict[str, float]:
        rows = judged.drawn(generator)
        texts, found = judged.texts[rows], motions[rows]
        top = r_precision(texts, found, generator, pool_size=pool).top
        return {
            "FID": frechet_distance(found, judged.reference).value,
            **{f"R@{k}": share for k, share in zip(TOP, top, strict=True)},
            "MM-distance": mm_distance(texts, found),
            "Diversity": diversity(found, generator, pairs=pairs),
        }

    few = frechet_distance(motions[judged.drawn(torch.Generator())], judged.reference).flags
    flags = {"FID": few}
    if pool < POOL_SIZE:
        flags |= {f"R@{k}": (f"pools of {pool} instead of {POOL_SIZE}",) for k in TOP}
    if pairs < DIVERSITY_PAIRS:
        flags["Diversity"] = (f"{pairs} pairs instead of {DIVERSITY_PAIRS}",)
    stamp = _repeated(protocol, REPLICATION_NOTE)
    found = replicate(measure, n=REPLICATIONS, seed=seed)
    return tuple(_of(name, value, stamp, flags.get(name, ())) for name, value in found.items())


def multimodality_figure(
    embeddings: Float[Tensor, "P R D"], protocol: Protocol, seed: int
) -> Figure:
    """How far motions of one text are from each other."""
    texts, motions = embeddings.shape[:2]
    pairs = min(MULTIMODALITY_PAIRS, motions)
    found = replicate(
        lambda generator: {"": multimodality(embeddings, generator, pairs=pairs)},
        n=REPLICATIONS,
        seed=seed,
    )[""]
    flags: tuple[str, ...] = ()
    if texts < PUBLISHED_TEXTS or motions < PUBLISHED_MOTIONS:
        flags = (
            f"{texts} texts with {motions} motions each instead of {PUBLISHED_TEXTS} with "
            f"{PUBLISHED_MOTIONS}",
        )
    stamp = replace(_repeated(protocol, REPLICATION_NOTE), num_samples=texts * motions)
    return _of("MultiModality", found, stamp, flags)


def _repeated(protocol: Protocol, note: str) -> Protocol:
    return replace(protocol, repeats=REPLICATIONS, notes=(*protocol.notes, note))


def _of(name: str, found: Replicated, protocol: Protocol, flags: tuple[str, ...]) -> Figure:
    return figure(name, found.mean, protocol, interval=found.interval, flags=flags)


def physical_scores(motions: Sequence[Motion]) -> dict[str, tuple[float, ...]]:
    """How feet stand and how smooth each motion is, by metric; equal motions are measured once."""
    known: dict[int, tuple[float, ...]] = {}
    for motion in motions:
        if id(motion) not in known:
            feet = foot_metrics(motion)
            rough = jerk(motion.joints(NUM_BODY_JOINTS), motion.fps)
            known[id(motion)] = (feet.skate_ratio, feet.floating, feet.penetration, rough)
    columns = zip(*(known[id(motion)] for motion in motions), strict=True)
    return dict(zip(PHYSICAL, columns, strict=True))


def mean_figures(
    scores: Mapping[str, Sequence[float]], judged: Judged, protocols: Mapping[str, Protocol]
) -> tuple[Figure, ...]:
    """Means over items, by metric."""
    return tuple(
        mean_figure(
            name,
            values,
            replace(protocols[name], notes=(*protocols[name].notes, ITEM_NOTE)),
            groups=judged.names,
        )
        for name, values in scores.items()
    )


def item_scores(
    systems: Mapping[str, Mapping[str, Sequence[float]]], judged: Judged
) -> tuple[ItemScores, ...]:
    """Scores of each item by metric, all systems side by side."""
    found = []
    for name in (COSINE, *PHYSICAL):
        truth = systems[TRUTH][name]
        real = sum(truth) / len(truth) if name == "Jerk" else None
        values = {system: scores[name] for system, scores in systems.items()}
        found.append(items_of(name, judged.names, values, real=real))
    return tuple(found)
