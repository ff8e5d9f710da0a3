"""Two reports against each other: same items, paired tests, verdicts."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from motion.errors import RequestError
from motion.evaluate.paired import LEAST_PROMPTS, PairedScores, blind_metrics, compare_systems
from motion.evaluate.report.markdown import comparison_lines
from motion.evaluate.report.record import EvaluationReport
from motion.evaluate.suites.records import MODEL, Comparison, ItemScores, SuiteReport
from motion.formats import atomic_path

COMPARISON_JSON, COMPARISON_MARKDOWN = "comparison.json", "comparison.md"


@dataclass(frozen=True, kw_only=True)
class ReportComparison:
    """The models of two reports, suite by suite."""

    names: tuple[str, str]
    suites: dict[str, Comparison]

    def to_dict(self) -> dict[str, Any]:
        """Values that JSON can hold."""
        return {
            "first": self.names[0],
            "second": self.names[1],
            "suites": {
                name: {
                    "results": [
                        {**asdict(result), "interval": list(result.interval)}
                        for result in one.results
                    ],
                    "cannot_separate": list(blind_metrics(one.results)),
                }
                for name, one in self.suites.items()
            },
        }

    def to_json(self) -> str:
        """JSON text."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def to_markdown(self) -> str:
        """Tables with verdicts."""
        lines = [
            f"# {self.names[0]} against {self.names[1]}",
            "",
            "Differences are second minus first, with 95 % bootstrap intervals over prompts; p "
            "values are those of exchanging the two prompt by prompt, after Holm over the metrics "
            "of a suite. A verdict needs both.",
            "",
        ]
        for name, one in self.suites.items():
            lines += [f"## {name}", "", *comparison_lines(one)]
        return "\n".join(lines).rstrip() + "\n"

    def write(self, folder: Path) -> None:
        """Write both forms into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (
            (COMPARISON_JSON, self.to_json()),
            (COMPARISON_MARKDOWN, self.to_markdown()),
        ):
            with atomic_path(folder / name) as target:
                target.write_text(text, "utf-8")


def compare_reports(
    first: EvaluationReport, second: EvaluationReport, *, seed: int = 0
) -> ReportComparison:
    """Compare the models of two reports by all metrics that both scored on the same items.

    Args:
        first: One report.
        second: Another, of other weights, with the same suites, data, size and seed.
        seed: Of bootstrap and permutations.

    Raises:
        RequestError: They share no suite with items, or the items of one differ.
    """
    names = _names(first, second)
    suites = {suite.suite: suite for suite in second.suites}
    found: dict[str, Comparison] = {}
    for suite in first.suites:
        if suite.suite in suites:
            pairs = _pairs(suite, suites[suite.suite])
            if pairs:
                results = compare_systems(pairs, names=names, seed=seed)
                found[suite.suite] = Comparison(first=names[0], second=names[1], results=results)
    if not found:
        raise RequestError(
            "the two reports have no suite in common with scores of at least "
            f"{LEAST_PROMPTS} items: {_suite_names(first)} and {_suite_names(second)}; evaluate "
            "both with the same --suite and --size"
        )
    return ReportComparison(names=names, suites=found)


def _names(first: EvaluationReport, second: EvaluationReport) -> tuple[str, str]:
    one, other = str(first.checkpoint["name"]), str(second.checkpoint["name"])
    return (one, other) if one != other else (f"{one} (first)", f"{other} (second)")


def _suite_names(report: EvaluationReport) -> str:
    return ", ".join(suite.suite for suite in report.suites) or "none"


def _pairs(first: SuiteReport, second: SuiteReport) -> list[PairedScores]:
    others = {item.metric: item for item in second.items}
    pairs = []
    for item in first.items:
        other = others.get(item.metric)
        if other is None or MODEL not in item.systems or MODEL not in other.systems:
            continue
        _check(first.suite, item, other)
        if len(set(item.prompts)) < LEAST_PROMPTS or (
            item.better == "closer" and item.real is None
        ):
            continue
        pairs.append(
            PairedScores(
                metric=item.metric,
                better=item.better,
                first=torch.tensor(item.systems[MODEL], dtype=torch.float64),
                second=torch.tensor(other.systems[MODEL], dtype=torch.float64),
                prompts=item.prompts,
                real=item.real,
            )
        )
    return pairs


def _check(suite: str, first: ItemScores, second: ItemScores) -> None:
    if first.prompts == second.prompts:
        return
    missing = len(set(first.prompts) ^ set(second.prompts))
    raise RequestError(
        f"suite '{suite}', metric '{first.metric}': the reports scored other items "
        f"({len(first.prompts)} and {len(second.prompts)}, {missing} of them in one alone); only "
        "the same items can be compared by pairs: evaluate both with the same data, --size and "
        "--seed"
    )
