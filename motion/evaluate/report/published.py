"""The few tables of a README out of published figures; the full ones stand in the report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from motion.evaluate.report.record import EvaluationReport
from motion.evaluate.report.tables import FigureTable, tables_of, told
from motion.evaluate.suites.records import MODEL, SuiteName, SuiteReport

_OF_TEXT = ("R@1", "R@3", "FID", "MM-distance", "Diversity", "Foot skate", "Checks passed")


@dataclass(frozen=True, kw_only=True)
class Headline:
    """What of a suite a README shows."""

    metrics: tuple[str, ...]
    groups: tuple[str, ...] = ()
    """Conditions; empty: all whose figures are not flagged."""


HEADLINES: Mapping[SuiteName, Headline] = {
    "text": Headline(metrics=_OF_TEXT),
    "music": Headline(
        metrics=("Beat alignment (AIST++)", "Beat alignment (Bailando)", "PFC", "FID_k", "FID_g")
    ),
    "speech": Headline(
        metrics=("Stroke correlation", "Jaw correlation", "Mouth AUC", "Beat consistency", "FGD")
    ),
    "caption": Headline(
        metrics=("BLEU-4", "ROUGE-L", "CIDEr", "Text cosine", "Content accuracy"), groups=("all",)
    ),
    "inbetween": Headline(
        metrics=("ADE", "FDE", "MPJPE", "Seam jerk", "Frame FID"),
        groups=("in-betweening, 1 s", "in-betweening, 2 s", "prediction, 1 s"),
    ),
    "plan": Headline(
        metrics=("Plan parses", "Plan executable", "Plan sound", "Plan lcs"), groups=("all tasks",)
    ),
    "tokenizer": Headline(metrics=("MPJPE", "PA-MPJPE", "Acceleration error", "Drift at 3 s")),
}


def published_tables(report: EvaluationReport) -> str:
    """Tables for a README, one a suite, each with what it was measured on."""
    lines = [
        f"Weights `{report.checkpoint['name']}`, seed {report.seed}, {report.date[:10]}. In "
        "brackets 95 % intervals; ↓ lower, ↑ higher is better, ≈ near to real data; * flagged "
        "(too few samples; see the report).",
        "",
    ]
    for suite in report.suites:
        lines += _suite(suite)
    return "\n".join(lines).rstrip() + "\n"


def _suite(suite: SuiteReport) -> Iterator[str]:
    headline = HEADLINES[suite.suite]
    tables = [table for table in tables_of(suite) if _is_shown(table, headline)]
    tables = [_only(table, headline.metrics) for table in tables]
    if not tables:
        return
    yield from (f"**{suite.title}**", "", *_rows(tables), "")
    told_once = list(dict.fromkeys(_measured_on(table) for table in tables))
    commands = dict.fromkeys(table.command() for table in tables)
    yield f"{'; '.join(told_once)}. {', '.join(f'`{command}`' for command in commands)}"
    yield ""


def _is_shown(table: FigureTable, headline: Headline) -> bool:
    if headline.groups:
        return table.group in headline.groups
    has = any(column.name in headline.metrics for column in table.columns)
    flagged = table.group and any(f.flags for s in table.systems for f in s.figures)
    return has and not flagged


def _only(table: FigureTable, metrics: Sequence[str]) -> FigureTable:
    columns = tuple(column for column in table.columns if column.name in metrics)
    kept = {column.name for column in columns}
    systems = tuple(
        replace(row, figures=tuple(f for f in row.figures if f.name in kept))
        for row in table.systems
    )
    return replace(table, columns=columns, systems=tuple(row for row in systems if row.figures))


def _rows(tables: Sequence[FigureTable]) -> Iterator[str]:
    """One table over all conditions; the columns are those of the first."""
    columns = {column.name: column for table in tables for column in table.columns}
    wide = len(tables) > 1
    heads = [*(["of"] if wide else []), "system", *(c.head for c in columns.values())]
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for table in tables:
        for row in table.systems:
            name = f"**{row.name}**" if row.name == MODEL else row.name
            cells = [told(table.cell(row, column), column) for column in columns.values()]
            yield "| " + " | ".join([*([table.group] if wide else []), name, *cells]) + " |"


def _measured_on(table: FigureTable) -> str:
    """Data, samples and evaluator of a table."""
    protocols = [figure.protocol for row in table.systems for figure in row.figures]
    first = protocols[0]
    counts = sorted({protocol.num_samples for protocol in protocols})
    number = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    evaluators = sorted({p.evaluator for p in protocols if p.evaluator != "none"})
    judged = f", evaluator {', '.join(evaluators)}" if evaluators else ""
    least, most = first.clip_seconds
    length = f"{least:.3g} s" if least == most else f"{least:.3g} to {most:.3g} s"
    clips = f", clips of {length}" if most > 0 else ""
    return f"{first.data_set}, {first.split}: n = {number}{clips}{judged}"
