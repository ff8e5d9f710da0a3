"""Prompts in AvatarGPT's block layout: labelled lines in a fixed order.

    [Instruction] What usually comes next here?
    [Scene] a kitchen with a table and a sink
    [Input] make a cup of tea
    [Response]

The model reads the sentence behind ``[Instruction]`` through the text encoder, in any of its
languages, and the rest, the payload, as text pieces of its own; motions stand between the two.
Source: AvatarGPT (arXiv 2311.16468), supplement: order and labels of the blocks; the wordings
are our own, and all of them are used in training, where AvatarGPT trains on the first.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from motion.errors import ConfigError, RequestError
from motion.tasks.task_table import TASKS

TEMPLATES_FILE = Path(__file__).with_name("templates.yaml")
"""Task -> wordings used in training."""
HELD_OUT_FILE = Path(__file__).with_name("templates_heldout.yaml")
"""Task that writes text -> language -> wordings never used in training."""
LEAST_PARAPHRASES = 20
"""Wordings that each task must have."""
RESPONSE = "[Response]"
"""Closes the prompt; the model writes behind it."""
_ROUND = str.maketrans("[]<>", "()()")
_PICTURES = ("So", "Sk", "Cc", "Cf", "Cn", "Co")
"""Kinds of characters without words: emoji and their joints, marks of control."""


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
        return f"[Instruction] {self.instruction}\n{self.payload}{RESPONSE}"


def paraphrases(task: str) -> tuple[str, ...]:
    """Wordings of a task's instruction, the main one first.

    Raises:
        RequestError: There is no such task.
        ConfigError: The templates hold too few wordings of it.
    """
    _check_known(task)
    found = tuple(_read_yaml(TEMPLATES_FILE).get(task, ()))
    if len(found) < LEAST_PARAPHRASES:
        raise ConfigError(
            f"{task} needs at least {LEAST_PARAPHRASES} wordings in {TEMPLATES_FILE}, "
            f"got {len(found)}"
        )
    return found


def held_out_wordings(task: str, language: str = "en") -> tuple[str, ...]:
    """Wordings of a text task that no training sees.

    Args:
        task: Name of an entry of ``TASKS`` that writes text.
        language: Two letters. The only wording of another language translates the first
            English one.

    Raises:
        RequestError: There is no such task, or none of its wordings is held out in the language.
    """
    _check_known(task)
    by_language = _read_yaml(HELD_OUT_FILE).get(task, {})
    if language not in by_language:
        known = ", ".join(by_language) or "none"
        raise RequestError(
            f"no wordings of {task} are held out in '{language}'; languages are: {known}"
        )
    return tuple(by_language[language])


def make_prompt(task: str, fields: Mapping[str, str] | None = None, paraphrase: int = 0) -> Prompt:
    """Fill a task's template.

    Args:
        task: Name of an entry of ``TASKS``.
        fields: Texts by field; motions are not given here.
        paraphrase: Which wording of the instruction, counted around.

    Raises:
        RequestError: There is no such task, it does not read such texts, or one is empty.
    """
    wordings = paraphrases(task)
    given = {name: harmless(text) for name, text in (fields or {}).items()}
    TASKS[task].check_texts(given)
    for name, text in given.items():
        if not text:
            raise RequestError(f"{task} needs words in '{name}', got an empty text")
    scene = [f"[Scene] {text}\n" for name, text in given.items() if name == "scene"]
    rest = [f"[Input] {text}\n" for name, text in given.items() if name != "scene"]
    return Prompt(
        task=task,
        instruction=wordings[paraphrase % len(wordings)],
        payload="".join(scene + rest),
    )


def harmless(text: str) -> str:
    """A user's words without anything that the layout of a prompt is made of.

    They stand on one line; the brackets of labels and marks become round ones; half a surrogate
    pair, which no file can hold, becomes a question mark. Emoji go: they say nothing that a body
    could do, and one of them would keep English from being read letter by letter.
    """
    known = text.encode("utf-8", "replace").decode("utf-8")
    plain = "".join(
        " " if unicodedata.category(letter) in _PICTURES else letter for letter in known
    )
    return one_line(plain.translate(_ROUND))


def one_line(text: str) -> str:
    """The same words on one line, so that no text can begin a block of its own."""
    return " ".join(text.split())


def _check_known(task: str) -> None:
    if task not in TASKS:
        raise RequestError(f"there is no task '{task}'; known are {', '.join(TASKS)}")


@cache
def _read_yaml(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text("utf-8")))
