"""Reports in markdown: tables with their protocols, verdicts, notes."""

from collections.abc import Iterator

from motion.evaluate.paired import blind_metrics
from motion.evaluate.report.record import EvaluationReport
from motion.evaluate.report.tables import (
    figure_rows,
    flags_of,
    result_rows,
    tables_of,
)
from motion.evaluate.suites.records import Comparison, SuiteReport

LEGEND = (
    "↓ lower is better, ↑ higher is better, ≈ near to real data is better; in brackets 95 % "
    "intervals; * flagged, see below the table."
)


def markdown_of(report: EvaluationReport) -> str:
    """The whole report."""
    size = "" if report.size is None else f", size {report.size}"
    lines = [
        "# Evaluation",
        "",
        f"Checkpoint **{report.checkpoint['name']}**, seed {report.seed}{size}, {report.date}; "
        f"{report.num_checks} identities of metrics were checked here and held.",
        "",
        f"`{report.command}`",
        "",
        LEGEND,
        "",
    ]
    for suite in report.suites:
        lines += suite_lines(suite)
    lines += [f"- Left out: {name}, because {why}" for name, why in report.left_out.items()]
    return "\n".join(lines).rstrip() + "\n"


def suite_lines(suite: SuiteReport, *, level: int = 2) -> Iterator[str]:
    """One suite: tables, verdicts, notes."""
    yield from (f"{'#' * level} {suite.title}", "", suite.about, "")
    for table in tables_of(suite):
        if table.group:
            yield from (f"{'#' * (level + 1)} {table.group}", "")
        yield from (figure_rows(table),)
        yield from (f"- {names}: {protocol}" for names, protocol in table.protocols())
        yield from (f"- \\* {flag}" for flag in flags_of(table))
        yield ""
    if suite.compared:
        yield from (f"{'#' * (level + 1)} Compared by pairs", "")
        for comparison in suite.compared:
            yield from comparison_lines(comparison)
    yield from (f"- {note}" for note in suite.notes)
    yield ""


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """Paired results of two systems, and which metrics are blind to their difference."""
    where = f", {comparison.group}" if comparison.group else ""
    yield from (f"**{comparison.first}** against **{comparison.second}**{where}", "")
    yield result_rows(comparison.results, (comparison.first, comparison.second))
    blind = blind_metrics(comparison.results)
    if blind:
        yield from (f"Cannot separate the two: {', '.join(blind)}.", "")
