"""Plans in words: numbered steps on one line, read strictly and written."""

import re
from collections.abc import Sequence

from motion.errors import PlanError
from motion.tasks.grammars import MOST_STEP_WORDS, MOST_STEPS

_NUMBER = re.compile(r"(?:^|\s)(\d+)\.\s+")


def parse_steps(text: str) -> tuple[str, ...]:
    """Read ``1. ... 2. ... 3. ...``.

    Raises:
        PlanError: The numbers are not 1, 2, 3, ... in order, there are no steps or too many, a
            step is empty or too long, or something stands before the first number.
    """
    text = " ".join(text.split())
    before, *rest = _NUMBER.split(text)
    numbers, steps = [int(number) for number in rest[::2]], [step.strip() for step in rest[1::2]]
    if not steps or before.strip():
        raise PlanError(f"expected numbered steps '1. ... 2. ...', got '{text[:80]}'")
    if numbers != list(range(1, len(steps) + 1)):
        raise PlanError(f"steps must be numbered 1, 2, 3, ... in order, got {numbers}")
    return _checked(steps)


def format_steps(steps: Sequence[str]) -> str:
    """Write steps as ``parse_steps`` reads them.

    Raises:
        PlanError: There are no steps or too many, or a step is empty or too long.
    """
    checked = _checked([" ".join(step.split()) for step in steps])
    return " ".join(f"{number}. {step}" for number, step in enumerate(checked, 1))


def _checked(steps: Sequence[str]) -> tuple[str, ...]:
    if not 1 <= len(steps) <= MOST_STEPS:
        raise PlanError(f"a plan has 1 to {MOST_STEPS} steps, got {len(steps)}")
    for number, step in enumerate(steps, 1):
        count = len(step.split())
        if not 1 <= count <= MOST_STEP_WORDS:
            raise PlanError(
                f"step {number} must have 1 to {MOST_STEP_WORDS} words, got {count}: '{step[:80]}'"
            )
        if _NUMBER.search(f" {step} "):
            raise PlanError(f"step {number} must not hold a number with a dot: '{step[:80]}'")
    return tuple(steps)
