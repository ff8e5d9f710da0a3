"""How long thoughts are: measured on training examples, kept in one file of a checkpoint."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from math import ceil
from pathlib import Path
from typing import Any

import yaml

from motion.errors import DataError, WeightsError, reason_of
from motion.formats import atomic_path, yaml_text
from motion.tasks.examples import TaskExample
from motion.tasks.prompts import make_prompt
from motion.tasks.thinking import QUANTILE, TaskNeed, ThinkingNeed

NEED_FILE = "thinking_need.yaml"
"""Beside the weights of a language model."""
MOST_BINS = 6
"""Sizes of payloads told apart."""
LEAST_PER_BIN = 100
"""Thoughts in a bin, so that its quantile rests on five."""


def measure_need(
    examples: Iterable[TaskExample], count_tokens: Callable[[str], int]
) -> ThinkingNeed:
    """Find out how long the thoughts of each task are; examples without one say nothing.

    Args:
        examples: Of training.
        count_tokens: Text pieces of a text.

    Raises:
        DataError: No example has a thought.
    """
    sizes: dict[str, list[tuple[int, int]]] = {}
    for example in examples:
        if example.thought is not None:
            payload = make_prompt(example.task, example.fields).payload
            size = (count_tokens(payload), count_tokens(example.thought))
            sizes.setdefault(example.task, []).append(size)
    if not sizes:
        raise DataError("none of the examples has a thought, so that no need can be measured")
    return ThinkingNeed(
        quantile=QUANTILE, tasks={task: _task_need(pairs) for task, pairs in sizes.items()}
    )


def save_need(need: ThinkingNeed, folder: Path) -> None:
    """Write a need into the folder of a language model.

    Raises:
        OutputError: It cannot be written.
    """
    with atomic_path(folder / NEED_FILE) as path:
        path.write_text(yaml_text(asdict(need)), "utf-8")


def load_need(folder: Path) -> ThinkingNeed:
    """Read what ``save_need`` wrote; a model without the file has no thoughts.

    Raises:
        WeightsError: The file is broken.
    """
    path = folder / NEED_FILE
    if not path.is_file():
        return ThinkingNeed()
    try:
        values = yaml.safe_load(path.read_text("utf-8"))
        tasks = {task: _read_task(entry) for task, entry in values.pop("tasks").items()}
        not_worse = tuple(values.pop("not_worse"))
        return ThinkingNeed(tasks=tasks, not_worse=not_worse, **values)
    except (AttributeError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise WeightsError(f"no usable record of thoughts in {path}: {reason_of(error)}") from error


def _read_task(entry: Mapping[str, Any]) -> TaskNeed:
    return TaskNeed(
        payload_tokens=tuple(entry["payload_tokens"]),
        thought_tokens=tuple(entry["thought_tokens"]),
        longest=entry["longest"],
    )


def _task_need(pairs: Sequence[tuple[int, int]]) -> TaskNeed:
    payloads = sorted(payload for payload, _ in pairs)
    num_bins = max(1, min(MOST_BINS, len(pairs) // LEAST_PER_BIN))
    limits = sorted({_quantile(payloads, i / num_bins) for i in range(1, num_bins + 1)})
    needs, low = [], -1
    for high in limits:
        needs.append(_quantile(sorted(t for p, t in pairs if low < p <= high), QUANTILE))
        low = high
    return TaskNeed(
        payload_tokens=tuple(limits),
        thought_tokens=tuple(needs),
        longest=max(thought for _, thought in pairs),
    )


def _quantile(ordered: Sequence[int], share: float) -> int:
    """Smallest entry that this share of all entries does not exceed."""
    return ordered[ceil(share * len(ordered)) - 1]
