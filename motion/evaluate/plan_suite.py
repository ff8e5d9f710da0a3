"""How well a model plans in scenes of kinds that no training saw.

Systems answer the same questions: the raw model (one free answer) and the product (held to the
grammar, checked, asked again). Thoughts are measured by their budget, in two ways: as the product
does (no thought that would probably not fit) and cut off in the middle, for comparison.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import torch

from motion.errors import RequestError
from motion.evaluate.paired import LEAST_PROMPTS, PairedResult, PairedScores, compare_systems
from motion.evaluate.plan_scores import PlanScore, is_known, score_plan, summary_of
from motion.generate.plan_requests import PlanRequest
from motion.generate.planning import Planner, PlannerConfig
from motion.tasks.answering import Answerer
from motion.tasks.examples import TaskExample
from motion.tasks.prompts import held_out_wordings
from motion.tasks.task_table import TASKS
from motion.tasks.thinking import ThinkingMode, ThinkingNeed
from motion.tasks.wants import TASK_OF

WANT_OF = {task: want for want, task in TASK_OF.items()}
RAW = PlannerConfig(retries=0, constrained=False, verified=False)
PRODUCT = PlannerConfig()
SYSTEMS: Mapping[str, PlannerConfig] = {
    "raw": RAW,
    "in form": PlannerConfig(retries=0, grounded=False, verified=False),
    "in form, verified": PlannerConfig(grounded=False),
    "grounded": PlannerConfig(retries=0, verified=False),
    "product": PRODUCT,
}
"""One free answer; one held to the form, or checked and asked again; one held to what can be done
in the scene; and that checked and asked again: the product."""
BUDGETS: tuple[int | None, ...] = (0, 8, 16, 32, 64, None)
"""Tokens of thought; None: as many as the longest thought in training."""
LANGUAGES = ("es", "fr", "de", "zh", "ja")
"""Into which the instruction is translated; scene and task stay English."""
MARGIN = 0.02
"""Share of sound answers that a thought may seem to cost, at the low end of the interval."""

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class SystemScores:
    """What one system did."""

    scores: tuple[PlanScore, ...]
    """One an example."""
    cpu_seconds: float
    """Of all answers together, read and checked."""


@dataclass(frozen=True, kw_only=True)
class PlanSuite:
    """A model, and questions for it."""

    answerer: Answerer
    need: ThinkingNeed
    examples: tuple[TaskExample, ...]
    progress: Progress = print

    def run(
        self,
        examples: Sequence[TaskExample],
        config: PlannerConfig,
        thinking: ThinkingMode,
        budget: int | None = None,
        *,
        need: ThinkingNeed | None = None,
    ) -> SystemScores:
        """Let one system answer.

        Args:
            examples: The questions, with one right answer each.
            config: Of the planner.
            thinking: Mode of thinking.
            budget: Most tokens of thought.
            need: Other than the model's own, to see what comes of it.
        """
        planner = Planner(self.answerer, need or self.need, config)
        requests = [_request(example, thinking, budget) for example in examples]
        start = time.process_time()
        plans = planner.plan_batch(requests)
        scores = tuple(map(score_plan, examples, plans))
        return SystemScores(scores=scores, cpu_seconds=time.process_time() - start)

    def systems(self) -> dict[str, object]:
        """Every system, without and with a full thought, by task."""
        found: dict[str, object] = {}
        modes: tuple[ThinkingMode, ...] = ("off", "on")
        for name, config in SYSTEMS.items():
            for mode in modes:
                examples = self.examples if mode == "off" else self.thinking_examples
                if examples:
                    done = self.run(examples, config, mode)
                    found[f"{name}, thinking {mode}"] = by_task(examples, done)
                    self.progress(f"{name}, thinking {mode}: {_line(done)}")
        return found

    def budgets(self) -> dict[str, object]:
        """Soundness of the raw model's answers by budget, thoughts kept whole and cut."""
        ways = {"whole or none": self.need, "cut off": careless(self.need)}
        found: dict[str, object] = {}
        for way, need in ways.items():
            rows = {}
            for budget in BUDGETS:
                done = self.run(self.thinking_examples, RAW, "on", budget, need=need)
                label = "full" if budget is None else str(budget)
                rows[label] = by_task(self.thinking_examples, done)
                self.progress(f"budget {label}, {way}: {_line(done)}")
            found[way] = rows
        return found

    def thinking(self, config: PlannerConfig) -> dict[str, PairedResult]:
        """Full thoughts against none, by task, on the questions whose constraints are known."""
        results = {}
        for task, examples in self._by_thinking_task().items():
            known = [example for example in examples if is_known(example)]
            places = [place_of(example) for example in known]
            if len(set(places)) < LEAST_PROMPTS:
                continue
            off, on = (self.run(known, config, mode).scores for mode in ("off", "on"))
            pair = PairedScores(
                metric=f"sound answers, {task}",
                better="higher",
                first=torch.tensor([float(score.sound) for score in off]),
                second=torch.tensor([float(score.sound) for score in on]),
                prompts=tuple(places),
            )
            (results[task],) = compare_systems([pair], names=("no thought", "thought"))
            self.progress(str(results[task]))
        return results

    def wordings(self) -> dict[str, object]:
        """The raw model under instructions that no training saw, in English and translated."""
        found: dict[str, object] = {"trained": self._worded({})}
        tasks = dict.fromkeys(example.task for example in self.examples)
        english = [held_out_wordings(task) for task in tasks]
        for number in range(min(map(len, english))):
            chosen = {task: words[number] for task, words in zip(tasks, english, strict=True)}
            found[f"held-out en {number + 1}"] = self._worded(chosen)
        for language in LANGUAGES:
            chosen = {task: held_out_wordings(task, language)[0] for task in tasks}
            found[f"held-out {language}"] = self._worded(chosen)
        return found

    def _worded(self, instructions: Mapping[str, str]) -> object:
        done = self.run(self.examples, replace(RAW, instructions=instructions), "off")
        first = next(iter(instructions.values()), "as in training")
        self.progress(f"wording '{first}': {_line(done)}")
        return by_task(self.examples, done)

    @property
    def thinking_examples(self) -> tuple[TaskExample, ...]:
        """Questions of tasks that the model has thoughts about."""
        return tuple(example for example in self.examples if example.task in self.need.tasks)

    def _by_thinking_task(self) -> dict[str, list[TaskExample]]:
        groups: dict[str, list[TaskExample]] = {}
        for example in self.thinking_examples:
            groups.setdefault(example.task, []).append(example)
        return groups


def choose_examples(examples: Sequence[TaskExample], count: int) -> tuple[TaskExample, ...]:
    """At most ``count`` examples of each planning task, spread over the whole list.

    Raises:
        RequestError: There are none, or the count is not positive.
    """
    if count < 1:
        raise RequestError(f"at least one example of each task is needed, got {count}")
    groups: dict[str, list[TaskExample]] = {}
    for example in examples:
        if example.task in WANT_OF:
            groups.setdefault(example.task, []).append(example)
    if not groups:
        raise RequestError("none of the examples is of a planning task; give those of 'plans'")
    chosen = []
    for rows in groups.values():
        taken = min(count, len(rows))
        chosen += [rows[i * len(rows) // taken] for i in range(taken)]
    return tuple(chosen)


def careless(need: ThinkingNeed) -> ThinkingNeed:
    """The same need without estimates: every thought is begun and cut off at the budget."""
    tasks = {
        name: replace(entry, thought_tokens=tuple(0 for _ in entry.thought_tokens))
        for name, entry in need.tasks.items()
    }
    return replace(need, tasks=tasks)


def not_worse(results: Mapping[str, PairedResult]) -> tuple[str, ...]:
    """Tasks where ``auto`` should think.

    Thoughts cost time, so they must not seem to do harm: the difference of sound answers is not
    negative, and the low end of its interval is above minus ``MARGIN``.
    """
    return tuple(
        task
        for task, result in results.items()
        if result.difference >= 0 and result.interval[0] >= -MARGIN
    )


def by_task(examples: Sequence[TaskExample], done: SystemScores) -> dict[str, object]:
    """Figures of each task; where a task can be asked with or without a scene, of both."""
    groups: dict[str, list[PlanScore]] = {}
    for example, score in zip(examples, done.scores, strict=True):
        groups.setdefault(_kind(example, score), []).append(score)
    found: dict[str, object] = {name: summary_of(rows) for name, rows in sorted(groups.items())}
    found["cpu_seconds_per_answer"] = done.cpu_seconds / len(examples)
    return found


def described(results: Mapping[str, PairedResult]) -> dict[str, object]:
    """Paired results as plain values."""
    return {task: asdict(result) for task, result in results.items()}


def _kind(example: TaskExample, score: PlanScore) -> str:
    if not score.known:
        return f"{example.task}, real captions"
    may_lack = ("scene", "task") in TASKS[example.task].reads and ("task",) in TASKS[
        example.task
    ].reads
    return (
        f"{example.task}, no scene" if may_lack and "scene" not in example.fields else example.task
    )


def place_of(example: TaskExample) -> str:
    """Questions about one scene are alike."""
    return example.fields["scene"] if "scene" in example.fields else str(dict(example.fields))


def _request(example: TaskExample, thinking: ThinkingMode, budget: int | None) -> PlanRequest:
    texts = {
        name: example.fields[name] for name in ("scene", "task", "steps") if name in example.fields
    }
    return PlanRequest(
        want=WANT_OF[example.task],  # type: ignore[arg-type]
        thinking=thinking,
        thinking_budget=budget,
        **texts,  # type: ignore[arg-type]
    )


def _line(done: SystemScores) -> str:
    known = [score for score in done.scores if score.known]
    parses = sum(score.parses for score in done.scores) / len(done.scores)
    sound = sum(score.sound for score in known) / max(len(known), 1)
    runs = sum(score.executable for score in known) / max(len(known), 1)
    return (
        f"{len(done.scores)} answers, {parses:.1%} parse, {runs:.1%} executable, {sound:.1%} "
        f"sound, {done.cpu_seconds / len(done.scores):.2f} CPU-s each"
    )
