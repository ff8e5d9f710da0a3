"""Reports with planted scores, as ``motion evaluate`` would write them."""

from collections.abc import Sequence

from motion.evaluate.metric_table import figure, metric
from motion.evaluate.protocol import NO_EVALUATOR, Protocol
from motion.evaluate.report.record import EvaluationReport
from motion.evaluate.suites.records import (
    MODEL,
    TRUTH,
    ItemScores,
    Plot,
    SuiteReport,
    SystemFigures,
)

PROTOCOL = Protocol(
    data_set="made walks",
    split="test",
    num_samples=12,
    clip_seconds=(2.0, 4.0),
    fps=30.0,
    evaluator=NO_EVALUATOR,
    repeats=1,
    command="motion evaluate --data PREPARED --suite tokenizer --out OUT",
)


def make_report(
    name: str, scores: dict[str, Sequence[float]], prompts: Sequence[str] = ()
) -> EvaluationReport:
    """A report of one suite whose model has the given scores, by metric.

    Args:
        name: Of the checkpoint.
        scores: One an item.
        prompts: Names of the items; without them clip 0, clip 1, ...
    """
    names = tuple(prompts) or tuple(f"clip {k}" for k in range(len(next(iter(scores.values())))))
    items = tuple(
        ItemScores(
            metric=key, better=metric(key).better, prompts=names, systems={MODEL: tuple(values)}
        )
        for key, values in scores.items()
    )
    figures = tuple(
        figure(key, sum(values) / len(values), PROTOCOL, interval=(min(values), max(values)))
        for key, values in scores.items()
    )
    suite = SuiteReport(
        suite="tokenizer",
        title="Tokenizer",
        about="Made scores.",
        systems=(
            SystemFigures(name=MODEL, what="the checkpoint", figures=figures),
            SystemFigures(
                name=TRUTH,
                what="captured",
                figures=(figure("Jerk", 120.0, PROTOCOL, flags=("only one item",)),),
            ),
        ),
        items=items,
        plots=(
            Plot(
                kind="lines",
                title="Error by length",
                x_label="seconds",
                y_label="m",
                rows={"x": (0.0, 1.0, 2.0), "model": (0.1, 0.2, 0.15), "other": (0.2, 0.3, 0.3)},
                marks={"beat": (0.5, 1.5)},
            ),
        ),
        notes=("Made up <here> & now.",),
    )
    return EvaluationReport(
        command=PROTOCOL.command,
        date="2026-01-01T00:00:00+00:00",
        checkpoint={"name": name, "sha256": {}},
        versions={"torch": "2"},
        seed=0,
        size=None,
        num_checks=54,
        suites=(suite,),
    )
