"""Run a prompt suite through a generator and report how often the checks pass."""

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

from motion.evaluate.check_grammar import Prompt, PromptSuite
from motion.evaluate.checks import CheckResult, evaluate_checks, validate_expectation
from motion.representation import Motion

CONFIDENCE = 0.95
Generate = Callable[[str, float, int], Motion]
"""Text, seconds, seed -> motion."""


@dataclass(frozen=True, kw_only=True)
class PassRate:
    """How often something passed, with its Wilson interval."""

    passed: int
    total: int
    low: float
    high: float

    @classmethod
    def of(cls, passed: int, total: int) -> "PassRate":
        """Count ``passed`` of ``total``."""
        low, high = wilson_interval(passed, total)
        return cls(passed=passed, total=total, low=low, high=high)

    @property
    def share(self) -> float:
        """Passed divided by total."""
        return self.passed / self.total if self.total else math.nan

    def __str__(self) -> str:
        """Write it for a table."""
        return f"{self.share:.0%} ({self.passed}/{self.total}, {self.low:.0%}-{self.high:.0%})"


def wilson_interval(passed: int, total: int) -> tuple[float, float]:
    """Give the 95 % score interval of a share (Wilson, JASA 1927)."""
    if total == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share, weight = passed / total, z * z / total
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / total + weight / (4 * total)) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)


def run_prompt_suite(
    generate: Generate, suite: PromptSuite, *, seeds: tuple[int, ...] = (0,)
) -> dict[str, Any]:
    """Generate every prompt with every seed and check it.

    Args:
        generate: Makes a motion of text, seconds and seed.
        suite: The prompts.
        seeds: One motion of each prompt for each of them.

    Returns:
        Plain values for JSON: ``overall``, ``by_check`` and ``by_language`` pass rates (a motion
        passes when all its expectations do), and every motion's results under ``prompts``.

    Raises:
        ConfigError: An expectation names an unknown check or setting; told before generating.
    """
    for prompt in suite.prompts:
        for expectation in prompt.expectations:
            validate_expectation(expectation)
    rows: list[dict[str, Any]] = []
    by_check: dict[str, list[bool]] = defaultdict(list)
    by_language: dict[str, list[bool]] = defaultdict(list)
    for prompt in suite.prompts:
        for seed in seeds:
            motion = generate(prompt.text, prompt.seconds, seed)
            results = evaluate_checks(motion, prompt.expectations)
            by_language[prompt.language].append(all(result.passed for result in results))
            for expectation, result in zip(prompt.expectations, results, strict=True):
                by_check[expectation.check].append(result.passed)
            rows.append(_row(prompt, seed, results))
    return {
        "suite": suite.name,
        "seeds": list(seeds),
        "overall": _rate([row["passed"] for row in rows]),
        "by_language": {name: _rate(found) for name, found in sorted(by_language.items())},
        "by_check": {name: _rate(found) for name, found in sorted(by_check.items())},
        "prompts": rows,
    }


def _row(prompt: Prompt, seed: int, results: list[CheckResult]) -> dict[str, Any]:
    return {
        "text": prompt.text,
        "language": prompt.language,
        "seconds": prompt.seconds,
        "seed": seed,
        "passed": all(result.passed for result in results),
        "checks": [asdict(result) for result in results],
    }


def _rate(found: list[bool]) -> dict[str, Any]:
    rate = PassRate.of(sum(found), len(found))
    return {**asdict(rate), "share": rate.share}
