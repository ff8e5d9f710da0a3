"""Write the bars of ``benchmarks/*.json`` into the README, between its two markers.

    python tools/benchmark_table.py            # rewrites README.md
    python tools/benchmark_table.py --print    # only shows the table

``default.json`` is what ``motion benchmark`` wrote about the default weights; other files of the
folder add the rows of their list ``bars``.
"""

import argparse
import json
from pathlib import Path

from motion.evaluate.benchmark_bars import bars_table
from motion.formats import atomic_path

ROOT = Path(__file__).resolve().parents[1]
START, END = "<!-- bars:start -->", "<!-- bars:end -->"
FIRST = "default.json"


def table(folder: Path) -> str:
    """The table of all bars in a folder, those of ``default.json`` first."""
    files = sorted(folder.glob("*.json"), key=lambda file: (file.name != FIRST, file.name))
    reports = [json.loads(file.read_text("utf-8")) for file in files]
    return bars_table(bar for report in reports for bar in report.get("bars", ()))


def with_table(page: str, rows: str, start: str = START, end: str = END) -> str:
    """A page's text with the table between its markers."""
    before, opened, rest = page.partition(start)
    _, closed, after = rest.partition(end)
    if not opened or not closed:
        raise SystemExit(f"the page has no {start} ... {end} to write the table between")
    return f"{before}{start}\n{rows}{end}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--print", action="store_true", help="only show the table")
    arguments = parser.parse_args()
    rows = table(ROOT / "benchmarks")
    if arguments.print:
        print(rows, end="")
        return
    readme = ROOT / "README.md"
    text = with_table(readme.read_text("utf-8"), rows)
    with atomic_path(readme) as path:
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
