"""What several suites do alike: figures with intervals, protocols, comparisons, motions to show.

Axis letter added here: ``N`` items.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from motion.evaluate.metric_table import figure, metric
from motion.evaluate.paired import LEAST_PROMPTS, PairedScores, compare_systems
from motion.evaluate.prompts import wilson_interval
from motion.evaluate.protocol import NO_EVALUATOR, Figure, Protocol
from motion.evaluate.suites.records import MODEL, Comparison, ItemScores, Plot, Shown
from motion.representation import FPS, NUM_BODY_JOINTS, Motion, foot_contact

RESAMPLES = 2000
LEAST_ITEMS = LEAST_PROMPTS
"""A mean of fewer items is flagged and has no interval."""
CONTACT_ROWS = ("left ankle", "left toes", "right ankle", "right toes")
SHOWN_SECONDS = 10
"""Longest motion that a report shows."""


def protocol_of(
    data_set: str,
    split: str,
    seconds: Sequence[float],
    command: str,
    *,
    notes: tuple[str, ...] = (),
    evaluator: str = NO_EVALUATOR,
) -> Protocol:
    """Protocol of figures over clips of the given lengths."""
    return Protocol(
        data_set=data_set,
        split=split,
        num_samples=len(seconds),
        clip_seconds=(min(seconds), max(seconds)),
        fps=float(FPS),
        evaluator=evaluator,
        repeats=1,
        command=command,
        notes=notes,
    )


def few_flags(count: int) -> tuple[str, ...]:
    """A flag where there are too few items to say anything."""
    if count >= LEAST_ITEMS:
        return ()
    return ("only one item",) if count == 1 else (f"only {count} items",)


def mean_figure(
    name: str,
    values: Sequence[float],
    protocol: Protocol,
    *,
    groups: Sequence[str] = (),
    seed: int = 0,
) -> Figure:
    """Mean with a 95 % bootstrap interval over items.

    Args:
        name: Of the metric.
        values: One an item.
        protocol: Of the figure.
        groups: Items of one group (seeds of a prompt, windows of a song) are drawn together.
        seed: Of the bootstrap.
    """
    interval = None
    if len(set(groups or range(len(values)))) >= LEAST_ITEMS:
        interval = bootstrap_interval(values, groups, seed)
    flags = few_flags(len(values))
    return figure(name, float(np.mean(values)), protocol, interval=interval, flags=flags)


def bootstrap_interval(
    values: Sequence[float], groups: Sequence[str] = (), seed: int = 0
) -> tuple[float, float]:
    """95 % interval of the mean, drawing groups, or items where there are none."""
    names = list(groups) if groups else list(map(str, range(len(values))))
    place = np.unique(np.array(names), return_inverse=True)[1]
    sums = np.bincount(place, np.asarray(values, dtype=np.float64))
    counts = np.bincount(place)
    drawn = np.random.default_rng(seed).integers(len(sums), size=(RESAMPLES, len(sums)))
    low, high = np.quantile(sums[drawn].sum(1) / counts[drawn].sum(1), [0.025, 0.975])
    return float(low), float(high)


def share_figure(name: str, passed: int, total: int, protocol: Protocol) -> Figure:
    """Share with Wilson's 95 % interval."""
    interval = wilson_interval(passed, total)
    return figure(name, passed / total, protocol, interval=interval, flags=few_flags(total))


def items_of(
    name: str,
    prompts: Sequence[str],
    systems: Mapping[str, Sequence[float]],
    *,
    group: str = "",
    real: float | None = None,
) -> ItemScores:
    """Scores of one metric, item by item; the condition is told in the name."""
    return ItemScores(
        metric=f"{name}, {group}" if group else name,
        better=metric(name).better,
        prompts=tuple(prompts),
        systems={system: tuple(map(float, values)) for system, values in systems.items()},
        real=real,
    )


def against_model(items: Sequence[ItemScores], *, group: str = "") -> tuple[Comparison, ...]:
    """The model against every other system, over all metrics that both have.

    Metrics with fewer than six prompts are left out; no comparison without any metric.
    """
    others = dict.fromkeys(name for one in items for name in one.systems if name != MODEL)
    found = []
    for other in others:
        pairs = [
            PairedScores(
                metric=one.metric,
                better=one.better,
                first=torch.tensor(one.systems[other], dtype=torch.float64),
                second=torch.tensor(one.systems[MODEL], dtype=torch.float64),
                prompts=one.prompts,
                real=one.real,
            )
            for one in items
            if MODEL in one.systems
            and other in one.systems
            and len(set(one.prompts)) >= LEAST_PROMPTS
            and (one.better != "closer" or one.real is not None)
        ]
        if pairs:
            results = compare_systems(pairs, names=(other, MODEL))
            found.append(Comparison(first=other, second=MODEL, results=results, group=group))
    return tuple(found)


def best_median_worst(values: Sequence[float], *, higher: bool) -> dict[str, int]:
    """Places of the best, median and worst value; fewer where there are fewer values."""
    order = sorted(range(len(values)), key=lambda i: values[i], reverse=higher)
    places = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    return places if len(order) > 2 else dict(list(places.items())[: len(order)])


def shown_motions(
    values: Sequence[float],
    titles: Sequence[str],
    name: str,
    motion: Callable[[int], Motion],
    truth: Callable[[int], Motion | None] = lambda _: None,
) -> tuple[Shown, ...]:
    """The best, median and worst motions by a metric, with the truth where there is one."""
    row = metric(name)
    return tuple(
        Shown(
            label=label,
            title=titles[place],
            score=f"{name} {_told(values[place], row.unit)}",
            motion=cut(motion(place)),
            truth=None if (true := truth(place)) is None else cut(true),
        )
        for label, place in best_median_worst(values, higher=row.better == "higher").items()
    )


def _told(value: float, unit: str) -> str:
    if unit == "m":
        return f"{1000 * value:.3g} mm"
    return f"{value:.3g}" if unit == "1" else f"{value:.3g} {unit}"


def cut(motion: Motion) -> Motion:
    """At most the seconds that a report shows."""
    return motion.frames(0, min(motion.num_frames, round(SHOWN_SECONDS * motion.fps)))


def contact_plot(shown: Shown) -> Plot:
    """When which foot stands, in a motion that is shown."""
    contacts = foot_contact(shown.motion.joints(NUM_BODY_JOINTS))
    rows = {
        name: _spans(contacts[:, place].tolist(), shown.motion.fps)
        for place, name in enumerate(CONTACT_ROWS)
    }
    return Plot(
        kind="spans",
        title=f"Feet on the floor, {shown.label}: {shown.title}",
        x_label="seconds",
        y_label="",
        rows=rows,
    )


def _spans(held: Sequence[bool], fps: float) -> tuple[float, ...]:
    edges = []
    before = False
    for frame, now in enumerate([*held, False]):
        if now != before:
            edges.append(frame / fps)
        before = now
    return tuple(edges)


def spread(count: int, size: int | None) -> list[int]:
    """Places of at most ``size`` of ``count`` items, evenly spread; None: all."""
    taken = count if size is None else min(size, count)
    return [k * count // taken for k in range(taken)] if taken else []
