"""Write the tables of ``benchmarks/*.json`` into the README, and the metrics into their page.

    python tools/benchmark_table.py            # rewrites README.md and docs/evaluation.md
    python tools/benchmark_table.py --print    # only shows the tables

``default.json`` is what ``motion benchmark`` wrote about the default weights; other files of the
folder add the rows of their list ``bars``. ``evaluation.json`` is what ``motion evaluate`` wrote
about them with ``--publish``.
"""

import argparse
import json
from pathlib import Path

from motion.evaluate.benchmark_bars import bars_table
from motion.evaluate.metric_table import METRICS
from motion.evaluate.report.published import published_tables
from motion.evaluate.report.record import read_report
from motion.formats import atomic_path

ROOT = Path(__file__).resolve().parents[1]
START, END = "<!-- bars:start -->", "<!-- bars:end -->"
EVALUATION_MARKS = ("<!-- evaluation:start -->", "<!-- evaluation:end -->")
METRICS_MARKS = ("<!-- metrics:start -->", "<!-- metrics:end -->")
FIRST, EVALUATION = "default.json", "evaluation.json"


def table(folder: Path) -> str:
    """The table of all bars in a folder, those of ``default.json`` first."""
    files = sorted(folder.glob("*.json"), key=lambda file: (file.name != FIRST, file.name))
    reports = [json.loads(file.read_text("utf-8")) for file in files]
    return bars_table(bar for report in reports for bar in report.get("bars", ()))


def evaluation(folder: Path) -> str:
    """The tables of ``evaluation.json``."""
    if not (folder / EVALUATION).is_file():
        return ""
    return published_tables(read_report(folder / EVALUATION))


def with_tables(page: str, folder: Path) -> str:
    """A page's text with all tables of a folder."""
    return with_table(with_table(page, table(folder)), evaluation(folder), *EVALUATION_MARKS)


def metrics() -> str:
    """Every metric of the table that the code measures by."""
    lines = ["| metric | unit | better | what it is | source |", "|---|---|---|---|---|"]
    for row in METRICS:
        formula = row.formula.replace("|", "\\|")
        cells = (row.name, row.unit, row.better, f"{formula} (`{row.function}`)", row.source)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def with_table(page: str, rows: str, start: str = START, end: str = END) -> str:
    """A page's text with the table between its markers."""
    before, opened, rest = page.partition(start)
    _, closed, after = rest.partition(end)
    if not opened or not closed:
        raise SystemExit(f"the page has no {start} ... {end} to write the table between")
    return f"{before}{start}\n{rows}{end}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--print", action="store_true", help="only show the tables")
    arguments = parser.parse_args()
    folder = ROOT / "benchmarks"
    if arguments.print:
        print(table(folder), evaluation(folder), sep="\n", end="")
        return
    readme = ROOT / "README.md"
    text = with_tables(readme.read_text("utf-8"), folder)
    page = ROOT / "docs" / "evaluation.md"
    texts = {
        readme: text,
        page: with_table(page.read_text("utf-8"), metrics(), *METRICS_MARKS),
    }
    for file, text in texts.items():
        with atomic_path(file) as path:
            path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
