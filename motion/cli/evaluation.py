"""``motion evaluate``: measure a checkpoint, compare two reports, check the metrics."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from motion.cli.outputs import check_writable
from motion.errors import RequestError

SUITES: tuple[str, ...] = ("text", "music", "speech", "caption", "inbetween", "plan", "tokenizer")
"""As in ``motion.evaluate.suites.records``, which is heavy to import."""
ALL = "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of a measurement."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of prepared corpora, held-out clips of it"
    )
    parser.add_argument(
        "--suite",
        default=ALL,
        type=_suites,
        metavar="NAMES",
        help=f"one or more of {', '.join(SUITES)}, with commas, or {ALL} ({ALL}: those that the "
        "data allow)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the report")
    parser.add_argument(
        "--size", type=int, help="clips, prompts or questions; without it as many as are published"
    )
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn (0)")
    parser.add_argument(
        "--curves", type=Path, metavar="FILE", help="metrics.csv of a training, to draw its curves"
    )
    parser.add_argument(
        "--publish", type=Path, metavar="FILE", help="also write the figures alone, as JSON"
    )


def add_actions(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add what may be done instead of measuring."""
    other = add("compare", compare, "compare two reports by pairs of items")
    other.add_argument("first", type=Path, metavar="A", help="a report: its folder or JSON file")
    other.add_argument("second", type=Path, metavar="B", help="another, of other weights")
    other.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="write comparison.json and comparison.md",
    )
    for parser in (other, add("checks", checks, "hold every metric against its identities")):
        parser.add_argument(
            "--json",
            action="store_true",
            default=argparse.SUPPRESS,
            help="print the answer as JSON",
        )


def evaluate(arguments: argparse.Namespace) -> int:
    """Run suites and write the report."""
    for name in ("data", "out"):
        if getattr(arguments, name) is None:
            raise RequestError(
                f"motion evaluate needs --{name}; for example: motion evaluate --data prepared "
                "--suite tokenizer --out report"
            )
    for path in (arguments.out / "report.json", arguments.publish):
        if path is not None:
            check_writable(path)
    from motion.evaluate import evaluation

    plan = evaluation.EvaluationPlan(
        data=arguments.data,
        out=arguments.out,
        suites=arguments.suite,
        checkpoint=arguments.checkpoint,
        size=arguments.size,
        seed=arguments.seed,
        curves=arguments.curves,
        publish=arguments.publish,
    )
    report = evaluation.run(plan, progress=_tell)
    if arguments.json:
        print(report.published(), end="")
        return 0
    from motion.evaluate.report.markdown import markdown_of

    print(markdown_of(report))
    print(f"wrote {arguments.out / 'report.html'}, report.md and report.json")
    return 0


def compare(arguments: argparse.Namespace) -> int:
    """Compare the models of two reports."""
    if arguments.out is not None:
        check_writable(arguments.out / "comparison.json")
    from motion.evaluate.report.comparing import compare_reports
    from motion.evaluate.report.record import read_report

    found = compare_reports(read_report(arguments.first), read_report(arguments.second))
    if arguments.out is not None:
        found.write(arguments.out)
    print(found.to_json() if arguments.json else found.to_markdown(), end="")
    return 0


def checks(arguments: argparse.Namespace) -> int:
    """Hold every metric against its identities."""
    from motion.evaluate.self_checks import run_self_checks

    rows = run_self_checks()
    if arguments.json:
        told = [
            {
                "metric": row.metric,
                "identity": row.identity,
                "found": row.found,
                "expected": row.expected,
                "tolerance": row.tolerance,
                "held": row.passed,
            }
            for row in rows
        ]
        print(json.dumps(told, indent=1))
    else:
        for row in rows:
            state = "ok  " if row.passed else "FAIL"
            print(f"{state} {row.metric}: {row.identity} gives {row.found:.6g}")
    failed = [row for row in rows if not row.passed]
    if not arguments.json:
        print(f"{len(rows) - len(failed)} of {len(rows)} identities hold")
    return 2 if failed else 0


def _suites(text: str) -> tuple[str, ...]:
    if text == ALL:
        return SUITES
    names = tuple(dict.fromkeys(text.split(",")))
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"unknown suite '{unknown[0]}'; choose from {', '.join((*SUITES, ALL))}"
        )
    return names


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
