"""Prompts in AvatarGPT's block layout: labelled lines in a fixed order.

    [Instruction] What usually comes next here?
    [Scene] a kitchen with a table and a sink
    [Input] make a cup of tea
    [Response]

The model reads the sentence behind ``[Instruction]`` through the text encoder, in any of its
languages, and the rest, the payload, as text pieces of its own; motions stand between the two.
Source: AvatarGPT (arXiv 2311.16468), supplement, and shared notes on its templates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from motion.errors import RequestError
from motion.tasks.task_table import MOTION_FIELDS, TASKS

TEMPLATES_FILE = Path(__file__).with_name("templates.yaml")
LEAST_PARAPHRASES = 20


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """What the model is asked, without its motions."""

    task: str
    instruction: str
    """Sentence behind ``[Instruction]``."""
    payload: str = ""
    """Lines between the instruction and the response; empty if only motions are given."""

    @property
    def text(self) -> str:
        """The whole prompt as text."""
        return f"[Instruction] {self.instruction}\n{self.payload}[Response]"


@cache
def paraphrases(task: str) -> tuple[str, ...]:
    """Wordings of a task's instruction, the main one first.

    Raises:
        RequestError: There is no such task.
    """
    if task not in TASKS:
        raise RequestError(f"there is no task '{task}'; known are {', '.join(TASKS)}")
    found = yaml.safe_load(TEMPLATES_FILE.read_text("utf-8"))
    return tuple(found[task])


def make_prompt(task: str, fields: Mapping[str, str] | None = None, paraphrase: int = 0) -> Prompt:
    """Fill a task's template.

    Args:
        task: Name of an entry of ``TASKS``.
        fields: Texts by field; motions are not given here.
        paraphrase: Which wording of the instruction, counted around.

    Raises:
        RequestError: The task does not read such fields.
    """
    given = {name: one_line(text) for name, text in (fields or {}).items()}
    wordings = paraphrases(task)
    known = {tuple(n for n in c if n not in MOTION_FIELDS) for c in TASKS[task].reads}
    if not any(set(given) == set(choice) for choice in known):
        TASKS[task].check(tuple(given))
    payload = ""
    if "scene" in given:
        payload += f"[Scene] {given['scene']}\n"
    body = [text for name, text in given.items() if name != "scene"]
    if body:
        payload += f"[Input] {' '.join(body)}\n"
    return Prompt(
        task=task, instruction=wordings[paraphrase % len(wordings)], payload=payload
    )


def one_line(text: str) -> str:
    """The same words on one line."""
    return " ".join(text.split())
