"""Thinking control as in Qwen3: switches in a text, a mode, a hard budget, when not to think.

Source: Qwen3 (docs/source/inference/transformers.md, "Thinking & Non-Thinking Mode", and the model
cards): ``/think`` and ``/no_think`` in a user's text, the most recent one wins; the hard switch off
makes soft ones void; no thought is an empty ``<think></think>``. Where we depart: switches are
taken out of the text instead of being read by the model, and a thought that would probably not
fit its budget is not begun, for a thought cut in the middle is worse than none.
"""

import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil
from typing import Literal, get_args

from motion.errors import ConfigError, RequestError
from motion.tasks.task_table import TASKS

ThinkingMode = Literal["auto", "on", "off"]
THINKING_MODES: tuple[ThinkingMode, ...] = get_args(ThinkingMode)
QUANTILE = 0.95
"""Share of the training thoughts that keep to their estimate."""

_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
"""Letters of languages that set a switch without a space: kana, Han, Hangul."""
_PAUSE = r".!?,;)\u2026\u3001\u3002\uff01\uff09\uff0c\uff1b\uff1f"
"""Marks that may stand at a switch, those of East Asia too; Qwen's own examples end in ``.``."""
_SWITCH = re.compile(
    rf"(?:(?<!\S)|(?<=[{_UNSPACED}])|(?<=[^\s./\\~][{_PAUSE}]))"
    r"/(?P<no>no_)?think"
    rf"(?:(?!\S)|(?=[{_UNSPACED}])|(?=[{_PAUSE}](?!\w)))"
)
"""A switch on its own: no part of a word or a path."""


@dataclass(frozen=True, kw_only=True)
class TaskNeed:
    """How long the thoughts of one task were in training, by the size of the payload."""

    payload_tokens: tuple[int, ...]
    """Upper ends of the bins, rising; payloads beyond the last are longer than any seen."""
    thought_tokens: tuple[int, ...]
    """What all but a few thoughts of each bin keep to."""
    longest: int
    """Tokens of the longest thought; the budget where none is asked for."""

    def __post_init__(self) -> None:
        """Check that bins rise and numbers are counts."""
        limits, needs = self.payload_tokens, self.thought_tokens
        numbers = [*limits, *needs, self.longest]
        rising = all(low < high for low, high in pairwise(limits))
        counts = all(type(n) is int and n >= 0 for n in numbers)
        if not limits or len(limits) != len(needs) or not rising or not counts:
            raise ConfigError(
                "payload_tokens must rise and have one of thought_tokens each, all whole numbers "
                f"from 0, got {list(limits)}, {list(needs)} and longest {self.longest}"
            )

    def estimate(self, payload_tokens: int) -> int:
        """Tokens that a thought about a payload of so many tokens keeps to, almost always."""
        place = bisect_left(self.payload_tokens, payload_tokens)
        if place < len(self.payload_tokens):
            return self.thought_tokens[place]
        seen = max(self.payload_tokens[-1], 1)  # larger than any seen: need grows alike
        return ceil(self.thought_tokens[-1] * payload_tokens / seen)


@dataclass(frozen=True, kw_only=True)
class ThinkingNeed:
    """What a checkpoint knows about its thoughts; measured, see ``motion.tasks.thinking_need``."""

    quantile: float = QUANTILE
    """Share of the training thoughts that keep to their estimate."""
    tasks: Mapping[str, TaskNeed] = field(default_factory=dict)
    """Tasks that were trained with thoughts."""
    not_worse: tuple[str, ...] = ()
    """Tasks whose answers measured not worse with a thought: where ``auto`` thinks."""

    def __post_init__(self) -> None:
        """Check names and the share."""
        unknown = sorted({*self.tasks, *self.not_worse} - {n for n in TASKS if TASKS[n].thinks})
        if unknown:
            raise ConfigError(f"no tasks that think: {', '.join(unknown)}")
        if not 0 < self.quantile <= 1:
            raise ConfigError(f"quantile must lie above 0 and up to 1, got {self.quantile}")


@dataclass(frozen=True, kw_only=True)
class ThinkingConfig:
    """How much thinking is wanted, and what the checkpoint knows about it."""

    mode: ThinkingMode = "auto"
    """``on``, ``off``, or ``auto``: where it measured not worse."""
    budget: int | None = None
    """Most tokens of a thought; None: as many as the task's longest thought in training."""
    need: ThinkingNeed = ThinkingNeed()
    """Of the checkpoint."""

    def __post_init__(self) -> None:
        """Check mode and budget."""
        checked_mode(self.mode)
        checked_budget(self.budget)


def checked_mode(mode: object) -> ThinkingMode:
    """Let a mode pass that comes from outside.

    Raises:
        RequestError: There is no such mode.
    """
    for known in THINKING_MODES:
        if mode == known:
            return known
    raise RequestError(f"thinking must be one of {', '.join(THINKING_MODES)}, got {mode!r}")


def checked_budget(budget: object) -> int | None:
    """Let a thinking budget pass that comes from outside.

    Raises:
        RequestError: It is neither None nor a whole number from 0.
    """
    if budget is None:
        return None
    if not isinstance(budget, int) or isinstance(budget, bool) or budget < 0:
        raise RequestError(
            f"the thinking budget must be a whole number of tokens from 0, got {budget!r}"
        )
    return budget


def read_switch(text: str) -> tuple[str, bool | None]:
    """Take ``/think`` and ``/no_think`` out of a text.

    Returns:
        The text without them, and whether the last one asks to think; None: there was none.
    """
    pieces, end, switch = [], 0, None
    for found in _SWITCH.finditer(text):
        pieces.append(text[end : found.start()].rstrip())
        end, switch = found.end(), found["no"] is None
    if switch is None:
        return text, None
    return "".join([*pieces, text[end:]]).strip(), switch


def read_switches(fields: Mapping[str, str]) -> tuple[dict[str, str], bool | None]:
    """Take the switches out of all texts of a prompt, in their order; the last one wins."""
    texts, switch = {}, None
    for name, text in fields.items():
        texts[name], found = read_switch(text)
        switch = switch if found is None else found
    return texts, switch


def estimate_need(task: str, payload_tokens: int, need: ThinkingNeed) -> int | None:
    """How many tokens a thought will need; None: the model has no thoughts about this task.

    Args:
        task: Name of an entry of ``TASKS``.
        payload_tokens: Text pieces of the prompt's payload.
        need: Of the checkpoint.

    Raises:
        RequestError: There is no such task.
    """
    if task not in TASKS:
        raise RequestError(f"there is no task '{task}'; known are {', '.join(TASKS)}")
    return need.tasks[task].estimate(payload_tokens) if task in need.tasks else None


def decide_budget(
    task: str, payload_tokens: int, config: ThinkingConfig, switch: bool | None = None
) -> int:
    """Most tokens of the thought before an answer; 0: do not think.

    A budget is given whole or not at all: a need above it means no thought. More than the longest
    thought in training is never given, for beyond it a thought has lost its way.

    Args:
        task: Name of an entry of ``TASKS``.
        payload_tokens: Text pieces of the prompt's payload.
        config: Mode, budget and what the checkpoint knows.
        switch: What ``read_switch`` found: it overrides ``auto`` and ``on``, never ``off``.

    Raises:
        RequestError: There is no such task.
    """
    estimate = estimate_need(task, payload_tokens, config.need)
    wanted = config.mode == "on" or (config.mode == "auto" and task in config.need.not_worse)
    if switch is not None:
        wanted = switch and config.mode != "off"
    if not wanted or estimate is None:
        return 0
    most = max(config.need.tasks[task].longest, estimate)
    budget = most if config.budget is None else min(config.budget, most)
    return budget if estimate <= budget else 0
