"""Figures as tables: one row a system, one column a metric, one table a condition."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from motion.evaluate.paired import CANNOT_SEPARATE, PairedResult
from motion.evaluate.protocol import Better, Figure
from motion.evaluate.suites.records import MODEL, SuiteReport, SystemFigures

ARROWS: dict[Better, str] = {"lower": "↓", "higher": "↑", "closer": "≈"}
"""Which way is better; ``≈``: near to real data."""
MILLIMETRES = 1000.0


@dataclass(frozen=True, kw_only=True)
class Column:
    """A metric of a table."""

    name: str
    unit: str
    better: Better
    scale: float = 1.0
    """What values are multiplied by to be told in ``unit``."""

    @property
    def head(self) -> str:
        """Name, unit and direction."""
        unit = "" if self.unit == "1" else f" ({self.unit})"
        return f"{self.name}{unit} {ARROWS[self.better]}"


@dataclass(frozen=True, kw_only=True)
class FigureTable:
    """The figures of all systems under one condition."""

    group: str
    columns: tuple[Column, ...]
    systems: tuple[SystemFigures, ...]

    def cell(self, system: SystemFigures, column: Column) -> Figure | None:
        """The figure of a system; None: it has none."""
        return next((one for one in system.figures if one.name == column.name), None)

    def protocols(self) -> Iterator[tuple[str, str]]:
        """Every protocol once, with the metrics that it belongs to."""
        found: dict[str, dict[str, None]] = {}
        for system in self.systems:
            for figure in system.figures:
                found.setdefault(str(figure.protocol), {})[figure.name] = None
        for protocol, names in found.items():
            yield ", ".join(names), protocol

    def command(self) -> str:
        """What to type to get the figures again."""
        return self.systems[0].figures[0].protocol.command if self.systems[0].figures else ""


def tables_of(suite: SuiteReport) -> list[FigureTable]:
    """One table for each condition of a suite, in the order of its systems."""
    groups: dict[str, list[SystemFigures]] = {}
    for system in suite.systems:
        groups.setdefault(system.group, []).append(system)
    return [
        FigureTable(group=group, columns=_columns(systems), systems=tuple(systems))
        for group, systems in groups.items()
    ]


def _columns(systems: Sequence[SystemFigures]) -> tuple[Column, ...]:
    figures: dict[str, list[Figure]] = {}
    for system in systems:
        for one in system.figures:
            figures.setdefault(one.name, []).append(one)
    return tuple(map(_column, figures.values()))


def _column(figures: Sequence[Figure]) -> Column:
    """Lengths below a metre are told in millimetres."""
    one = figures[0]
    small = one.unit == "m" and max(abs(figure.value) for figure in figures) < 1
    unit, scale = ("mm", MILLIMETRES) if small else (one.unit, 1.0)
    return Column(name=one.name, unit=unit, better=one.better, scale=scale)


def number(value: float) -> str:
    """Three digits that say something, without exponents where they can be helped."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if size >= 0.001 else f"{value:.1e}"


def told(figure: Figure | None, column: Column) -> str:
    """Value, interval and a mark where it is flagged; a dash where there is none."""
    if figure is None:
        return "-"
    text = number(figure.value * column.scale)
    if figure.interval is not None:
        low, high = (number(end * column.scale) for end in figure.interval)
        text += f" ({low} to {high})"
    return f"{text} *" if figure.flags else text


def flags_of(table: FigureTable) -> list[str]:
    """Every flag once, with the metrics that carry it."""
    found: dict[str, dict[str, None]] = {}
    for system in table.systems:
        for figure in system.figures:
            for flag in figure.flags:
                found.setdefault(flag, {})[figure.name] = None
    return [f"{', '.join(names)}: {flag}" for flag, names in found.items()]


def figure_rows(table: FigureTable) -> str:
    """A table in markdown; the model stands out."""
    heads = ["system", *(column.head for column in table.columns)]
    lines = [_line(heads), _line(["---"] * len(heads))]
    for system in table.systems:
        name = f"**{system.name}**" if system.name == MODEL else system.name
        cells = [told(table.cell(system, column), column) for column in table.columns]
        lines.append(_line([name, *cells]))
    return "\n".join(lines) + "\n"


def verdict(result: PairedResult) -> str:
    """Who is better, or that nobody can be called so."""
    if result.winner == CANNOT_SEPARATE:
        return CANNOT_SEPARATE
    return f"{result.winner} is better"


def result_rows(results: Sequence[PairedResult], names: tuple[str, str]) -> str:
    """Paired results in markdown."""
    heads = ["metric", *names, "difference (95 %)", "p (Holm)", "pairs", "verdict"]
    lines = [_line(heads), _line(["---"] * len(heads))]
    for one in results:
        low, high = one.interval
        lines.append(
            _line(
                [
                    f"{one.metric} {ARROWS[one.better]}",
                    number(one.first),
                    number(one.second),
                    f"{one.difference:+.3g} ({low:+.3g} to {high:+.3g})",
                    f"{one.adjusted_p:.4f}",
                    f"{one.num_pairs} of {one.num_prompts} prompts",
                    verdict(one),
                ]
            )
        )
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
