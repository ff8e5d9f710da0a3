"""Plans in scenes of kinds that no training saw: form, constraints, thoughts, other wordings."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from motion.errors import DataError
from motion.evaluate.metric_table import figure
from motion.evaluate.plan_scores import SHARES, PlanScore
from motion.evaluate.plan_suite import (
    BUDGETS,
    MARGIN,
    PRODUCT,
    SYSTEMS,
    PlanSuite,
    SystemScores,
    choose_examples,
    described,
    not_worse,
    place_of,
)
from motion.evaluate.protocol import NO_EVALUATOR, Figure, Protocol
from motion.evaluate.suites.measures import against_model, items_of, share_figure
from motion.evaluate.suites.records import (
    MODEL,
    ItemScores,
    Plot,
    SuiteContext,
    SuiteReport,
    SystemFigures,
)
from motion.evaluate.suites.store import WorkStore
from motion.generate.checkpoint import LANGUAGE_FOLDER
from motion.generate.planning import PlannerConfig
from motion.representation import FPS
from motion.tasks.examples import TaskExample, read_examples
from motion.tasks.thinking import ThinkingMode, ThinkingNeed
from motion.tasks.thinking_need import load_need, measure_need

PLANS_FOLDER = "plans"
PUBLISHED_QUESTIONS = 60
"""Of each task; the parts that ask every question many times take a third of them."""
PART_SHARE = 3
NAMES = {"product": MODEL} | {name: name for name in SYSTEMS if name != "product"}
"""What the product does is what the model is measured by; the others show what helps."""
WHATS = {
    "product": "held to what can be done in the scene, checked, asked again where it fails",
    "raw": "one free answer",
    "in form": "one answer held to the form",
    "in form, verified": "held to the form, checked, asked again",
    "grounded": "one answer held to what can be done in the scene",
}
ALL = "all tasks"
_ABOUT = (
    "Questions of all planning tasks in scenes of kinds that training lacks, and real captions of "
    "their own split. Constraints are those of the planning grammar: an answer is executable "
    "where order and state hold at every step, and sound where it also does what was asked."
)


@dataclass(frozen=True, kw_only=True)
class _StoredSuite(PlanSuite):
    """A suite whose answers are kept."""

    store: WorkStore

    def run(
        self,
        examples: Sequence[TaskExample],
        config: PlannerConfig,
        thinking: ThinkingMode,
        budget: int | None = None,
        *,
        need: ThinkingNeed | None = None,
    ) -> SystemScores:
        """Answer, or read the answers."""

        def make() -> dict[str, object]:
            done = super(_StoredSuite, self).run(examples, config, thinking, budget, need=need)
            return {"scores": list(map(asdict, done.scores)), "cpu_seconds": done.cpu_seconds}

        key = {
            "suite": "plan",
            "questions": [[e.task, dict(e.fields)] for e in examples],
            "config": str(config),
            "thinking": thinking,
            "budget": budget,
            "need": repr(need or self.need),
        }
        found = self.store.values(key, make)
        scores = tuple(PlanScore(**row) for row in found["scores"])
        return SystemScores(scores=scores, cpu_seconds=found["cpu_seconds"])


def run(context: SuiteContext) -> SuiteReport:
    """Ask the questions of the test split.

    Raises:
        DataError: The data have no plans.
    """
    begin = time.process_time()
    count = context.size or PUBLISHED_QUESTIONS
    suite = _suite(context, count)
    few = _suite(context, max(1, count // PART_SHARE))
    done = {name: suite.run(suite.examples, config, "off") for name, config in SYSTEMS.items()}
    items = _items(suite, done)
    thinking = suite.thinking(PRODUCT)
    budgets: Any = few.budgets()
    return SuiteReport(
        suite="plan",
        title="Plans",
        about=_ABOUT,
        systems=tuple(_systems(suite, done, context.command)),
        items=items,
        compared=against_model(items),
        plots=tuple(_plots(budgets)),
        notes=(
            "The product asks again with the same constraints that it is measured by; they need no "
            "reference, only scene and task.",
            f"'auto' should think where a thought costs at most {MARGIN:.0%} of the sound answers, "
            f"by its interval: {', '.join(not_worse(thinking)) or 'nowhere'}.",
        ),
        details={
            "thinking": described(thinking),
            "auto thinks in": list(not_worse(thinking)),
            "budgets": budgets,
            "wordings": few.wordings(),
            "cpu_seconds_per_answer": {
                name: one.cpu_seconds / len(suite.examples) for name, one in done.items()
            },
        },
        cpu_seconds=time.process_time() - begin,
    )


def _suite(context: SuiteContext, count: int) -> _StoredSuite:
    folder, generator = context.data / PLANS_FOLDER, context.generator
    if not (folder / "test.jsonl").is_file():
        raise DataError(
            f"there are no plans in {folder}; make them with: motion prepare plans --out {folder}"
        )
    need = ThinkingNeed(tasks={})
    if generator.folder is not None:
        need = load_need(generator.folder / LANGUAGE_FOLDER)
    if not need.tasks:
        learned = read_examples(folder / "train.jsonl")
        need = measure_need(learned, lambda text: len(generator.answerer.pieces_of(text)))
    return _StoredSuite(
        answerer=generator.answerer,
        need=need,
        examples=choose_examples(read_examples(folder / "test.jsonl"), count),
        progress=lambda line: context.progress(f"plan: {line}"),
        store=context.store,
    )


def _protocol(count: int, command: str) -> Protocol:
    return Protocol(
        data_set="plans",
        split="test",
        num_samples=count,
        clip_seconds=(0.0, 0.0),
        fps=float(FPS),
        evaluator=NO_EVALUATOR,
        repeats=1,
        command=command,
        notes=("questions in words, no motion", "no thought before the answer"),
    )


def _systems(suite: PlanSuite, done: dict[str, SystemScores], command: str) -> list[SystemFigures]:
    tasks = list(dict.fromkeys(example.task for example in suite.examples))
    rows = []
    for group in (ALL, *tasks):
        places = [k for k, e in enumerate(suite.examples) if group in (ALL, e.task)]
        for name, one in done.items():
            scores = [one.scores[place] for place in places]
            rows.append(
                SystemFigures(
                    name=NAMES[name],
                    what=WHATS[name],
                    group=group,
                    figures=tuple(_figures(scores, command)),
                )
            )
    return rows


def _figures(scores: Sequence[PlanScore], command: str) -> list[Figure]:
    known = [score for score in scores if score.known]
    figures = []
    for name in SHARES:
        rows = scores if name in ("parses", "exact") else known
        if rows:
            passed = sum(bool(getattr(score, name)) for score in rows)
            protocol = _protocol(len(rows), command)
            figures.append(share_figure(f"Plan {name}", passed, len(rows), protocol))
    lcs = sum(score.lcs for score in scores) / len(scores)
    return [*figures, figure("Plan lcs", lcs, _protocol(len(scores), command))]


def _items(suite: PlanSuite, done: dict[str, SystemScores]) -> tuple[ItemScores, ...]:
    """Soundness of answers whose constraints are known; questions about a scene stay together."""
    places = [k for k, score in enumerate(next(iter(done.values())).scores) if score.known]
    if not places:
        return ()
    prompts = [place_of(suite.examples[k]) for k in places]
    return tuple(
        items_of(
            f"Plan {name}",
            prompts,
            {
                NAMES[system]: [float(getattr(one.scores[k], name)) for k in places]
                for system, one in done.items()
            },
        )
        for name in ("executable", "sound")
    )


def _plots(budgets: Mapping[str, Any]) -> list[Plot]:
    """Share of sound answers by the tokens of thought, one plot a task."""
    plots = []
    numbers = [float(budget) for budget in BUDGETS if budget is not None]
    tasks = {task for way in budgets.values() for rows in way.values() for task in rows}
    for task in sorted(tasks - {"cpu_seconds_per_answer"}):
        rows = {"x": tuple(numbers)}
        for way, found in budgets.items():
            shares = [found[f"{number:g}"].get(task, {}).get("sound") for number in numbers]
            if all(shares):
                rows[way] = tuple(share["share"] for share in shares)
        if len(rows) > 1:
            plots.append(
                Plot(
                    kind="lines",
                    title=f"Sound answers by the budget of thought, {task}",
                    x_label="tokens of thought",
                    y_label="share",
                    rows=rows,
                )
            )
    return plots
