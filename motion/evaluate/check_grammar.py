"""The small grammar of prompt suites: YAML -> prompts with what each must show.

prompts:
  - text: she backs away from the table
    language: en                 # optional, English by default
    seconds: 4
    expect:
      - {check: travel, direction: backward, min_metres: 0.8}
      - order:                   # one after the other, anywhere in the motion
          - {check: bow}
          - {check: wave, hand: right}
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from motion.errors import ConfigError

Value = str | float | bool
PROMPT_SUITES = ("heldout", "multilingual")
"""Package data: English prompts in words that training never sees, and prompts in other languages.
"""


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """One check with its settings, or several checks that must pass in order."""

    check: str
    """Name of a check in ``motion.evaluate.checks``, or "order"."""
    settings: Mapping[str, Value] = field(default_factory=dict)
    steps: tuple["Expectation", ...] = ()
    """The expectations of "order"."""

    def __str__(self) -> str:
        """Write it as in YAML."""
        if self.steps:
            return "order(" + ", ".join(map(str, self.steps)) + ")"
        return f"{self.check}(" + ", ".join(f"{k}={v}" for k, v in self.settings.items()) + ")"


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A text, how long its motion is, and what the motion must show."""

    text: str
    language: str
    seconds: float
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True, kw_only=True)
class PromptSuite:
    """The prompts of one file."""

    name: str
    prompts: tuple[Prompt, ...]


def parse_expectation(value: Any, where: str) -> Expectation:
    """Read ``{check: name, setting: value}`` or ``{order: [...]}``.

    Args:
        value: What YAML gave.
        where: File and place, for messages.

    Raises:
        ConfigError: It is neither.
    """
    if isinstance(value, dict) and set(value) == {"order"} and isinstance(value["order"], list):
        steps = tuple(parse_expectation(step, where) for step in value["order"])
        if len(steps) < 2:
            raise ConfigError(f"{where}: 'order' needs at least two expectations")
        return Expectation(check="order", steps=steps)
    if not isinstance(value, dict) or not isinstance(value.get("check"), str):
        raise ConfigError(
            f"{where}: an expectation is {{check: name, setting: value, ...}} or {{order: [...]}},"
            f" got {value!r}"
        )
    settings = {str(key): setting for key, setting in value.items() if key != "check"}
    wrong = [key for key, setting in settings.items() if not isinstance(setting, str | int | float)]
    if wrong:
        raise ConfigError(f"{where}: the settings {wrong} must be words, numbers or true/false")
    return Expectation(check=value["check"], settings=settings)


def packaged_suite(name: str) -> Path:
    """File of a prompt suite of this package: one of ``PROMPT_SUITES``.

    Raises:
        ConfigError: There is no such suite.
    """
    if name not in PROMPT_SUITES:
        raise ConfigError(f"no packaged prompt suite '{name}'; there are {list(PROMPT_SUITES)}")
    return Path(__file__).parent / "prompt_suites" / f"{name}.yaml"


def load_suite(path: Path) -> PromptSuite:
    """Read a prompt suite.

    Raises:
        ConfigError: The file is missing or not written in the grammar above.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"the prompt suite {path} cannot be read: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("prompts"), list):
        raise ConfigError(f"{path}: expected a list under 'prompts'")
    prompts = [_prompt(row, f"{path}, prompt {n}") for n, row in enumerate(content["prompts"], 1)]
    return PromptSuite(name=path.stem, prompts=tuple(prompts))


def _prompt(row: Any, where: str) -> Prompt:
    known = {"text", "language", "seconds", "expect"}
    if not isinstance(row, dict) or not {"text", "seconds", "expect"} <= set(row) <= known:
        raise ConfigError(f"{where}: needs text, seconds and expect (and may have language)")
    if not isinstance(row["seconds"], int | float) or row["seconds"] <= 0:
        raise ConfigError(f"{where}: seconds must be a positive number, got {row['seconds']!r}")
    if not isinstance(row["expect"], list) or not row["expect"]:
        raise ConfigError(f"{where}: expect must be a list of at least one expectation")
    return Prompt(
        text=str(row["text"]),
        language=str(row.get("language", "en")),
        seconds=float(row["seconds"]),
        expectations=tuple(parse_expectation(value, where) for value in row["expect"]),
    )
