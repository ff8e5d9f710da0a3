"""One page for a report: plots, tables, and motions that play, with nothing outside of it."""

import html
import json
from collections.abc import Iterator
from importlib import resources

from motion.evaluate.paired import CANNOT_SEPARATE, PairedResult, blind_metrics
from motion.evaluate.report.drawing import draw, draw_column
from motion.evaluate.report.markdown import LEGEND
from motion.evaluate.report.preview import preview_of
from motion.evaluate.report.record import EvaluationReport
from motion.evaluate.report.tables import (
    ARROWS,
    Column,
    FigureTable,
    flags_of,
    number,
    tables_of,
    verdict,
)
from motion.evaluate.suites.records import MODEL, Comparison, Shown, SuiteReport

OPEN_TABLES = 2
"""Tables of a suite that are open at first; a reader unfolds the others."""


def page_of(report: EvaluationReport) -> str:
    """The whole page."""
    clips = [preview_of(shown) for suite in report.suites for shown in suite.shown]
    body = "".join(_body(report))
    values = {
        "TITLE": _safe(f"Evaluation of {report.checkpoint['name']}"),
        "BODY": body,
        "CLIPS": json.dumps(clips, separators=(",", ":"), allow_nan=False),
        "SCRIPT": _asset("player.js"),
    }
    pieces = _asset("report.html").split("@@")
    return "".join(piece if i % 2 == 0 else values[piece] for i, piece in enumerate(pieces))


def _body(report: EvaluationReport) -> Iterator[str]:
    size = "as published" if report.size is None else f"size {report.size}"
    yield f"<header><h1>Evaluation of {_safe(str(report.checkpoint['name']))}</h1>"
    yield f"<p>{_safe(report.date)} · seed {report.seed} · {size} · "
    yield f"{report.num_checks} identities of metrics checked here, all held</p>"
    yield f"<pre>{_safe(report.command)}</pre><nav>"
    for suite in report.suites:
        yield f'<a href="#{suite.suite}">{_safe(suite.title)}</a>'
    yield "</nav></header>"
    if report.left_out:
        rows = (f"<li>{_safe(n)}: {_safe(why)}</li>" for n, why in report.left_out.items())
        yield f"<section><h2>Left out</h2><ul>{''.join(rows)}</ul></section>"
    number_of = 0
    for suite in report.suites:
        yield from _suite(suite, number_of)
        number_of += len(suite.shown)
    if report.curves:
        yield '<section><h2>Training</h2><div class="plots">'
        yield from map(draw, report.curves)
        yield "</div></section>"
    yield f"<footer>{_safe(LEGEND)}<br>{_safe(_versions(report))}</footer>"


def _versions(report: EvaluationReport) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    licences = ", ".join(f"{name} ({licence})" for name, licence in report.licences.items())
    return f"Made with {versions}." + (f" Data: {licences}." if licences else "")


def _suite(suite: SuiteReport, first_clip: int) -> Iterator[str]:
    yield f'<section id="{suite.suite}"><h2>{_safe(suite.title)}</h2><p>{_safe(suite.about)}</p>'
    if suite.shown:
        yield '<div class="clips">'
        for place, shown in enumerate(suite.shown):
            yield _clip(shown, first_clip + place)
        yield "</div>"
    for place, table in enumerate(tables_of(suite)):
        yield from _table(table, is_open=place < OPEN_TABLES)
    if suite.plots:
        yield f'<div class="plots">{"".join(map(draw, suite.plots))}</div>'
    if suite.compared:
        yield "<h3>Compared by pairs</h3>"
        for place, comparison in enumerate(suite.compared):
            yield from _comparison(comparison, is_open=place < OPEN_TABLES)
    if suite.notes:
        yield f'<ul class="notes">{"".join(f"<li>{_safe(n)}</li>" for n in suite.notes)}</ul>'
    yield "</section>"


def _clip(shown: Shown, number_of: int) -> str:
    return (
        f'<figure class="clip"><canvas data-clip="{number_of}"></canvas><figcaption>'
        f'<b class="{_safe(shown.label)}">{_safe(shown.label)}</b> {_safe(shown.title)}'
        f"<small>{_safe(shown.score)}</small></figcaption></figure>"
    )


def _table(table: FigureTable, *, is_open: bool) -> Iterator[str]:
    yield f"<details{' open' if is_open else ''}><summary>{_safe(table.group or 'Figures')}"
    yield '</summary><div class="wide"><table><tr><th>system</th>'
    yield from (f"<th>{_head(column)}</th>" for column in table.columns)
    yield "</tr>"
    for system in table.systems:
        kind = ' class="model"' if system.name == MODEL else ""
        yield f'<tr{kind}><td title="{_safe(system.what)}">{_safe(system.name)}</td>'
        for column in table.columns:
            figure = table.cell(system, column)
            if figure is None:
                yield '<td class="none">-</td>'
                continue
            mark = "<sup>*</sup>" if figure.flags else ""
            yield f"<td>{number(figure.value * column.scale)}{mark}"
            if figure.interval is not None:
                low, high = (number(end * column.scale) for end in figure.interval)
                yield f"<small>{low} to {high}</small>"
            yield "</td>"
        yield "</tr>"
    yield '</table></div><div class="bars">'
    yield from (draw_column(table, c) for c in table.columns if _is_shared(table, c))
    yield '</div><ul class="protocols">'
    yield from (f"<li>* {_safe(flag)}</li>" for flag in flags_of(table))
    yield from (
        f"<li><b>{_safe(names)}</b>: {_safe(protocol)}</li>"
        for names, protocol in table.protocols()
    )
    yield "</ul></details>"


def _is_shared(table: FigureTable, column: Column) -> bool:
    """Whether two systems have a metric; a lone bar says nothing."""
    return sum(table.cell(system, column) is not None for system in table.systems) > 1


def _head(column: Column) -> str:
    """The name, and an arrow that stays beside its last word."""
    name, _, arrow = column.head.rpartition(" ")
    return f"{_safe(name)}&nbsp;{arrow}"


def _comparison(comparison: Comparison, *, is_open: bool) -> Iterator[str]:
    where = f", {comparison.group}" if comparison.group else ""
    title = f"{comparison.first} against {comparison.second}{where}"
    yield f"<details{' open' if is_open else ''}><summary>{_safe(title)}</summary>"
    yield '<div class="wide"><table><tr><th>metric</th>'
    heads = (comparison.first, comparison.second, "difference (95 %)", "p (Holm)", "verdict")
    yield from (f"<th>{_safe(head)}</th>" for head in heads)
    yield "</tr>"
    yield from map(_result, comparison.results)
    yield "</table></div>"
    blind = blind_metrics(comparison.results)
    if blind:
        yield f'<p class="blind">Cannot separate the two: {_safe(", ".join(blind))}</p>'
    yield "</details>"


def _result(one: PairedResult) -> str:
    low, high = one.interval
    kind = {CANNOT_SEPARATE: "blind", MODEL: "won"}.get(one.winner, "lost")
    cells = (
        f"{_safe(one.metric)} {ARROWS[one.better]}",
        number(one.first),
        number(one.second),
        f"{one.difference:+.3g}<small>{low:+.3g} to {high:+.3g}</small>",
        f"{one.adjusted_p:.4f}<small>{one.num_pairs} pairs</small>",
        f'<span class="{kind}">{_safe(verdict(one))}</span>',
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _safe(text: str) -> str:
    return html.escape(text)


def _asset(name: str) -> str:
    return resources.files("motion.evaluate.report").joinpath("assets", name).read_text("utf-8")
