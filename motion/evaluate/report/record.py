"""``EvaluationReport``: what the suites found, of which weights, and how; as JSON and back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from motion.errors import DataError, RequestError
from motion.evaluate.paired import PairedResult
from motion.evaluate.protocol import Figure
from motion.evaluate.suites.records import (
    Comparison,
    ItemScores,
    Plot,
    SuiteReport,
    SystemFigures,
)

FORMAT_VERSION = 1
JSON_FILE, MARKDOWN_FILE, PAGE_FILE = "report.json", "report.md", "report.html"
_BULKY = ("items", "details", "plots", "shown")
"""What a report that is published does without."""


@dataclass(frozen=True, kw_only=True)
class EvaluationReport:
    """Several suites on one checkpoint."""

    command: str
    date: str
    checkpoint: Mapping[str, Any]
    """Name, and a hash of every weights file."""
    versions: Mapping[str, str]
    seed: int
    size: int | None
    num_checks: int
    """Identities of metrics that were checked on this installation and held."""
    suites: tuple[SuiteReport, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Suites that could not be run, and why."""
    curves: tuple[Plot, ...] = ()
    """Of the training, where they were found."""
    licences: Mapping[str, str] = field(default_factory=dict)
    """Of the corpora, by name."""

    def to_dict(self) -> dict[str, Any]:
        """Values that JSON can hold; of motions that are shown, only what is said of them."""
        own = {name: value for name, value in vars(self).items() if name != "suites"}
        own["curves"] = [asdict(plot) for plot in self.curves]
        own["suites"] = [_suite_dict(suite) for suite in self.suites]
        return {"format_version": FORMAT_VERSION, **own}

    def to_json(self) -> str:
        """JSON text, the same for the same report."""
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        return f"{text}\n"

    def published(self) -> str:
        """JSON text without items, details, plots and motions: what a repository keeps.

        Figures name their protocol by its place in a list, since most share theirs.
        """
        values = self.to_dict()
        values.pop("curves")
        protocols: list[dict[str, Any]] = []
        for suite in values["suites"]:
            for name in _BULKY:
                suite.pop(name)
            for figure in (one for system in suite["systems"] for one in system["figures"]):
                if figure["protocol"] not in protocols:
                    protocols.append(figure["protocol"])
                figure["protocol"] = protocols.index(figure["protocol"])
        values["protocols"] = protocols
        return json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def merged_into(self, before: Self) -> Self:
        """With those suites of another report of the same weights that this one lacks."""
        if before.checkpoint != self.checkpoint:
            return self
        own = {suite.suite: suite for suite in self.suites}
        kept = {suite.suite: own.pop(suite.suite, suite) for suite in before.suites}
        return replace(self, suites=(*kept.values(), *own.values()), left_out={})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], source: str = "a report") -> Self:
        """Read back what ``to_dict`` or ``published`` gave; motions are not in it.

        Raises:
            DataError: It is of another format, or a field is missing.
        """
        version = values.get("format_version")
        if version != FORMAT_VERSION:
            raise DataError(
                f"{source} is of format {version}, expected {FORMAT_VERSION}; "
                "write it again with 'motion evaluate'"
            )
        aside = ("format_version", "protocols")
        own = {name: value for name, value in values.items() if name not in aside}
        protocols = values.get("protocols", ())
        try:
            own["suites"] = tuple(_suite_from(suite, protocols) for suite in values["suites"])
            own["curves"] = tuple(map(_plot_from, values.get("curves", ())))
            return cls(**own)
        except (KeyError, TypeError, IndexError) as error:
            raise DataError(
                f"{source} cannot be read ({error}); write it again with 'motion evaluate'"
            ) from error

    def without_motions(self) -> Self:
        """The same without the motions that are shown: what reading gives."""
        suites = tuple(replace(suite, shown=()) for suite in self.suites)
        return replace(self, suites=suites)


def read_report(path: Path) -> EvaluationReport:
    """Read ``report.json``, or that of a folder.

    Raises:
        RequestError: There is none.
        DataError: It cannot be read.
    """
    file = path / JSON_FILE if path.is_dir() else path
    if not file.is_file():
        raise RequestError(
            f"there is no report in {path}: expected a folder with '{JSON_FILE}', or such a file, "
            "as 'motion evaluate --out' writes it"
        )
    try:
        values = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise DataError(f"{file} is no JSON ({error})") from error
    if not isinstance(values, dict):
        raise DataError(f"{file} holds no report; write one with 'motion evaluate'")
    return EvaluationReport.from_dict(values, str(file))


def _suite_dict(suite: SuiteReport) -> dict[str, Any]:
    return {
        "suite": suite.suite,
        "title": suite.title,
        "about": suite.about,
        "systems": [
            {
                "name": row.name,
                "what": row.what,
                "group": row.group,
                "figures": [figure.to_dict() for figure in row.figures],
            }
            for row in suite.systems
        ],
        "items": [asdict(item) for item in suite.items],
        "compared": [asdict(row) for row in suite.compared],
        "shown": [{"label": s.label, "title": s.title, "score": s.score} for s in suite.shown],
        "plots": [asdict(plot) for plot in suite.plots],
        "notes": list(suite.notes),
        "details": dict(suite.details),
        "cpu_seconds": suite.cpu_seconds,
    }


def _figure_from(values: Mapping[str, Any], protocols: Sequence[Any]) -> Figure:
    protocol = values["protocol"]
    if isinstance(protocol, int):
        protocol = protocols[protocol]
    return Figure.from_dict({**values, "protocol": protocol})


def _suite_from(values: Mapping[str, Any], protocols: Sequence[Any]) -> SuiteReport:
    return SuiteReport(
        suite=values["suite"],
        title=values["title"],
        about=values["about"],
        systems=tuple(
            SystemFigures(
                **{**row, "figures": tuple(_figure_from(f, protocols) for f in row["figures"])}
            )
            for row in values["systems"]
        ),
        items=tuple(map(_item_from, values.get("items", ()))),
        compared=tuple(
            Comparison(**{**row, "results": tuple(map(result_from, row["results"]))})
            for row in values["compared"]
        ),
        plots=tuple(map(_plot_from, values.get("plots", ()))),
        notes=tuple(values["notes"]),
        details=values.get("details", {}),
        cpu_seconds=values["cpu_seconds"],
    )


def result_from(values: Mapping[str, Any]) -> PairedResult:
    """A paired result out of JSON."""
    low, high = values["interval"]
    return PairedResult(**{**values, "interval": (low, high)})


def _item_from(values: Mapping[str, Any]) -> ItemScores:
    systems = {name: tuple(scores) for name, scores in values["systems"].items()}
    return ItemScores(**{**values, "prompts": tuple(values["prompts"]), "systems": systems})


def _plot_from(values: Mapping[str, Any]) -> Plot:
    rows = {name: tuple(row) for name, row in values["rows"].items()}
    marks = {name: tuple(row) for name, row in values["marks"].items()}
    return Plot(**{**values, "rows": rows, "marks": marks, "columns": tuple(values["columns"])})
