"""Examples of text tasks: what is asked, what is answered, and the thought between."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
    """Write one JSON object a line.

    Raises:
        OutputError: The file cannot be written.
    """
    with atomic_path(path) as target, target.open("w", encoding="utf-8", newline="\n") as file:
        for example in examples:
            record = {**vars(example), "fields": dict(example.fields)}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def read_examples(path: Path) -> list[TaskExample]:
    """Read what ``write_examples`` wrote.

    Raises:
        DataError: The file is missing or a line is not an example.
    """
    if not path.is_file():
        raise DataError(f"no examples in {path}; make them with 'motion prepare plans'")
    examples = []
    # by bytes: text knows more line ends than JSON, and a text may hold them
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            examples.append(_example(json.loads(line.decode("utf-8"))))
        except (ValueError, TypeError) as error:
            raise DataError(f"{path}, line {number}: not an example of a task: {error}") from error
    return examples


def _example(record: object) -> TaskExample:
    if not isinstance(record, dict) or not isinstance(record.get("fields"), dict):
        raise TypeError("expected an object whose 'fields' are texts by name")
    fields = record.pop("fields")
    for name, text in {**record, **fields}.items():
        if not isinstance(text, str) and (name, text) != ("thought", None):
            raise TypeError(f"'{name}' must be a text, got {text!r}")
    example = TaskExample(fields=fields, **record)
    if example.task not in TASKS:
        raise ValueError(f"there is no task '{example.task}'")
    TASKS[example.task].check_texts(fields)
    return example
