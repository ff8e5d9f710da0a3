"""Programmatic checks of the text suite: prompts with what their motions must show."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from motion.evaluate.check_grammar import PROMPT_SUITES, PromptSuite, load_suite, packaged_suite
from motion.evaluate.metric_table import figure
from motion.evaluate.prompts import run_prompt_suite
from motion.evaluate.protocol import Figure
from motion.evaluate.suites.measures import few_flags, items_of, protocol_of, spread
from motion.evaluate.suites.records import MODEL, ItemScores, Plot, SuiteContext, SystemFigures
from motion.evaluate.suites.text_systems import Candidates

CHECKED = "Checks passed"
_NOTE = "a motion passes when all checks of its prompt do; interval: Wilson, 95 %"


@dataclass(frozen=True, kw_only=True)
class CheckedPrompts:
    """What came of the prompts of all suites."""

    systems: tuple[SystemFigures, ...]
    items: tuple[ItemScores, ...]
    plots: tuple[Plot, ...]
    details: Mapping[str, object]


def check_prompts(context: SuiteContext, candidates: Candidates) -> CheckedPrompts:
    """Generate the packaged prompts and check what the motions show."""
    systems, items, plots, details = [], [], [], {}
    for name in PROMPT_SUITES:
        suite = load_suite(packaged_suite(name))
        suite = replace(
            suite,
            prompts=tuple(suite.prompts[i] for i in spread(len(suite.prompts), context.size)),
        )
        context.progress(f"text: {len(suite.prompts)} prompts of '{name}'")
        wishes = [(p.text, p.seconds, context.seed) for p in suite.prompts]
        made = dict(zip(wishes, candidates.motions(wishes), strict=True))
        report = run_prompt_suite(lambda *wish, made=made: made[wish], suite, seeds=(context.seed,))
        systems.append(
            SystemFigures(
                name=MODEL,
                what="the checkpoint, asked for the prompt and its length",
                figures=(_figure(suite, report, context),),
                group=f"prompts '{name}'",
            )
        )
        passed = [float(row["passed"]) for row in report["prompts"]]
        texts = [row["text"] for row in report["prompts"]]
        items.append(items_of(CHECKED, texts, {MODEL: passed}, group=name))
        for key, what in (("by_check", "check"), ("by_language", "language")):
            if len(report[key]) > 1:
                plots.append(_bars(f"{CHECKED} by {what}, {name}", report[key]))
        details[name] = _summary(report)
    return CheckedPrompts(
        systems=tuple(systems), items=tuple(items), plots=tuple(plots), details=details
    )


def _figure(suite: PromptSuite, report: Mapping[str, Any], context: SuiteContext) -> Figure:
    overall = report["overall"]
    protocol = protocol_of(
        f"prompts '{suite.name}'",
        "held-out wordings",
        [prompt.seconds for prompt in suite.prompts],
        context.command,
        notes=(_NOTE,),
    )
    interval = (overall["low"], overall["high"])
    flags = few_flags(overall["total"])
    return figure(CHECKED, overall["share"], protocol, interval=interval, flags=flags)


def _bars(title: str, rates: Mapping[str, Mapping[str, float]]) -> Plot:
    rows = {name: (r["share"], r["low"], r["high"]) for name, r in rates.items()}
    return Plot(kind="bars", title=title, x_label="", y_label="share passed", rows=rows)


def _summary(report: Mapping[str, Any]) -> dict[str, object]:
    """Rates, and which prompts failed which checks."""
    missed = [
        {
            "text": row["text"],
            "language": row["language"],
            "missed": [c["expectation"] for c in row["checks"] if not c["passed"]],
        }
        for row in report["prompts"]
        if not row["passed"]
    ]
    return {**{n: report[n] for n in ("overall", "by_check", "by_language")}, "missed": missed}
