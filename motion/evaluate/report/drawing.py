"""Plots as inline SVG: bars with intervals, lines, heat maps, stretches of time.

Colours are variables of the page (``--ink``, ``--line``, ``--s0`` ...), so that one drawing is
readable on light and on dark ground.
"""

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from motion.evaluate.report.tables import Column, FigureTable, number
from motion.evaluate.suites.records import MODEL, TRUTH, Plot

NUM_COLOURS = 7
_WIDTH, _HEIGHT = 640, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 12, 40
_LETTER = 6.2
"""Width of a letter of a label, pixels."""


def draw(plot: Plot) -> str:
    """A plot with its title, as a figure."""
    drawers = {"lines": _lines, "heat": _heat, "spans": _spans, "bars": _bars}
    title = f"<figcaption>{html.escape(plot.title)}</figcaption>"
    return f'<figure class="plot {plot.kind}">{title}{drawers[plot.kind](plot)}</figure>'


def draw_column(table: FigureTable, column: Column) -> str:
    """One metric of all systems that have it: bars with intervals."""
    rows: dict[str, tuple[float, ...]] = {}
    for system in table.systems:
        figure = table.cell(system, column)
        if figure is not None:
            low, high = figure.interval or (figure.value, figure.value)
            rows[system.name] = tuple(column.scale * x for x in (figure.value, low, high))
    return draw(Plot(kind="bars", title=column.head, x_label=column.unit, y_label="", rows=rows))


def colour_of(name: str, place: int) -> str:
    """The model and the truth have colours of their own; others by their place."""
    if name == MODEL:
        return "var(--model)"
    return "var(--truth)" if name == TRUTH else f"var(--s{place % NUM_COLOURS})"


@dataclass(frozen=True)
class _Axis:
    """Values to pixels, and where the ticks are."""

    low: float
    high: float
    first: float
    last: float

    def __call__(self, value: float) -> float:
        return self.first + (value - self.low) / (self.high - self.low) * (self.last - self.first)

    def ticks(self) -> Iterator[float]:
        step = _nice((self.high - self.low) / 5)
        value = math.ceil(self.low / step - 1e-9) * step
        while value <= self.high + 1e-9 * step:
            yield round(value, 12)
            value += step


def _nice(step: float) -> float:
    size = 10 ** math.floor(math.log10(step))
    return float(next(size * n for n in (1, 2, 2.5, 5, 10) if size * n >= step - 1e-12))


def _range(values: Sequence[float], *, zero: bool = False) -> tuple[float, float]:
    low, high = min(values), max(values)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low < 1e-12:
        low, high = low - (abs(low) or 1) * 0.5, high + (abs(high) or 1) * 0.5
    return low, high


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'style="max-width:{width:.0f}px">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">'
        f"{html.escape(text)}</text>"
    )


def _segment(x1: float, y1: float, x2: float, y2: float, kind: str, style: str = "") -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}" '
        f'style="{style}"/>'
    )


def _legend(names: Mapping[str, str]) -> str:
    """Names beside their colours; nothing where there is one."""
    if len(names) < 2:
        return ""
    rows = [
        f'<span><i style="background:{colour}"></i>{html.escape(name)}</span>'
        for name, colour in names.items()
    ]
    return f'<div class="legend">{"".join(rows)}</div>'


def _bars(plot: Plot) -> str:
    label = max(max(len(name) for name in plot.rows) * _LETTER, _LEFT) + 12
    width, row = label + 250.0, 22.0
    low, high = _range([x for values in plot.rows.values() for x in values], zero=True)
    axis = _Axis(low, high, label, width - 62)
    height = row * len(plot.rows) + 6
    parts = [_segment(axis(0), 2, axis(0), height - 4, "axis")]
    for place, (name, (value, least, most)) in enumerate(plot.rows.items()):
        middle = place * row + row / 2 + 2
        start, end = sorted((axis(0), axis(value)))
        colour = colour_of(name, place)
        parts += [
            _text(label - 8, middle + 4, name, anchor="end", kind="strong" * (name == MODEL)),
            f'<rect x="{start:.1f}" y="{middle - 6:.1f}" width="{max(end - start, 1):.1f}" '
            f'height="12" rx="2" style="fill:{colour}"/>',
            _segment(axis(least), middle, axis(most), middle, "whisker"),
            _text(max(axis(most), end, axis(0)) + 6, middle + 4, number(value), kind="value"),
        ]
    return _svg(width, height, parts)


def _frame(plot: Plot, across: _Axis, up: _Axis) -> list[str]:
    """Grid, ticks and labels."""
    parts = []
    for value in up.ticks():
        parts.append(_segment(across.first, up(value), across.last, up(value), "grid"))
        parts.append(_text(across.first - 6, up(value) + 4, number(value), anchor="end"))
    for value in across.ticks():
        parts.append(_segment(across(value), up.first, across(value), up.first + 4, "axis"))
        parts.append(_text(across(value), up.first + 16, number(value), anchor="middle"))
    middle = (across.first + across.last) / 2
    parts.append(_segment(across.first, up.first, across.last, up.first, "axis"))
    parts.append(_text(middle, up.first + 32, plot.x_label, anchor="middle", kind="label"))
    return parts


def _lines(plot: Plot) -> str:
    x, lines = plot.rows["x"], {name: row for name, row in plot.rows.items() if name != "x"}
    across = _Axis(*_range(x), _LEFT, _WIDTH - _RIGHT)
    values = [value for row in lines.values() for value in row]
    strip = 12.0 * len(plot.marks)
    up = _Axis(*_range(values, zero=min(values) >= 0), _HEIGHT - _BOTTOM, _TOP + strip)
    parts, names = _frame(plot, across, up), {}
    for place, (kind, times) in enumerate(plot.marks.items()):
        names[kind] = f"var(--s{(place + len(lines)) % NUM_COLOURS})"
        style, y = f"stroke:{names[kind]}", _TOP + 12.0 * place
        for time in times:
            if across.low <= time <= across.high:
                parts.append(_segment(across(time), y, across(time), y + 9, "mark", style))
                parts.append(_segment(across(time), y + 9, across(time), up.first, "hint", style))
    for place, (name, row) in enumerate(lines.items()):
        names[name] = colour_of(name, place)
        points = " ".join(f"{across(a):.1f},{up(b):.1f}" for a, b in zip(x, row, strict=True))
        parts.append(f'<polyline points="{points}" style="stroke:{names[name]}"/>')
        if len(row) <= 12:
            parts += [
                f'<circle cx="{across(a):.1f}" cy="{up(b):.1f}" r="3" style="fill:{names[name]}"/>'
                for a, b in zip(x, row, strict=True)
            ]
    label = f'<div class="unit">{html.escape(plot.y_label)}</div>' if plot.y_label else ""
    return label + _svg(_WIDTH, _HEIGHT, parts) + _legend(names)


def _heat(plot: Plot) -> str:
    label = max(len(name) for name in plot.rows) * _LETTER + 14
    wide, high = 74.0, 19.0
    least, most = _range([value for row in plot.rows.values() for value in row], zero=True)
    parts = [
        _text(label + wide * (place + 0.5), 12, name, anchor="middle", kind="label")
        for place, name in enumerate(plot.columns)
    ]
    for line, (name, row) in enumerate(plot.rows.items()):
        y = 18 + line * high
        parts.append(_text(label - 8, y + 13, name, anchor="end"))
        for place, value in enumerate(row):
            share = (value - least) / (most - least)
            x = label + place * wide
            parts.append(
                f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{wide - 2}" height="{high - 2}" rx="2" '
                f'style="fill:color-mix(in oklab, var(--hot) {100 * share:.0f}%, var(--cold))"/>'
            )
            kind = "onhot" if share > 0.5 else "oncold"
            parts.append(_text(x + wide / 2, y + 13, number(value), anchor="middle", kind=kind))
    return _svg(label + wide * len(plot.columns) + 4, 22 + high * len(plot.rows), parts)


def _spans(plot: Plot) -> str:
    label, row = max(len(name) for name in plot.rows) * _LETTER + 14, 20.0
    ends = [value for values in plot.rows.values() for value in values]
    across = _Axis(0.0, max(ends, default=1.0) or 1.0, label, _WIDTH - _RIGHT)
    bottom = 6 + row * len(plot.rows)
    parts = []
    for place, (name, values) in enumerate(plot.rows.items()):
        y = 4 + place * row
        parts.append(_text(label - 8, y + 13, name, anchor="end"))
        parts.append(
            f'<rect x="{label:.1f}" y="{y + 2:.1f}" width="{across.last - label:.1f}" height="14" '
            'class="track"/>'
        )
        parts += [
            f'<rect x="{across(a):.1f}" y="{y + 2:.1f}" height="14" rx="2" '
            f'width="{max(across(b) - across(a), 1):.1f}" style="fill:var(--s{place // 2})"/>'
            for a, b in zip(values[::2], values[1::2], strict=True)
        ]
    for value in across.ticks():
        parts.append(_segment(across(value), bottom, across(value), bottom + 4, "axis"))
        parts.append(_text(across(value), bottom + 16, number(value), anchor="middle"))
    middle = (across.first + across.last) / 2
    parts.append(_text(middle, bottom + 32, plot.x_label, anchor="middle", kind="label"))
    return _svg(_WIDTH, bottom + 40, parts)
