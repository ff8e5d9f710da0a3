"""Examples of text tasks: what is asked, what is answered, and the thought between."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from motion.errors import DataError
from motion.formats.atomic import atomic_path
from motion.tasks.task_table import TASKS

SPLITS: tuple[str, ...] = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True)
class TaskExample:
    """One example of a task that writes text."""

    task: str
    fields: Mapping[str, str]
    """Texts by field, as ``make_prompt`` takes them."""
    answer: str
    thought: str | None = None
    """Reasoning that leads to the answer; None: none was written."""
    group: str = ""
    """Scene or source; splits go by it."""


def write_examples(examples: Iterable[TaskExample], path: Path) -> None:
    """Write one JSON object a line."""
    with atomic_path(path) as target, target.open("w", encoding="utf-8") as file:
        for example in examples:
            file.write(json.dumps(asdict(example), ensure_ascii=False) + "\n")


def read_examples(path: Path) -> list[TaskExample]:
    """Read what ``write_examples`` wrote.

    Raises:
        DataError: The file is missing or a line is not an example.
    """
    if not path.is_file():
        raise DataError(f"no examples in {path}; make them with 'motion prepare plans'")
    examples = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            example = TaskExample(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise DataError(f"{path}, line {number}: not an example of a task: {error}") from error
        if example.task not in TASKS:
            raise DataError(f"{path}, line {number}: there is no task '{example.task}'")
        examples.append(example)
    return examples
