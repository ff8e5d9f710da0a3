"""The closed loop's planning: one task after the other, each taken apart into steps; all bounded.

A task that is one of the last few is refused and asked for again with another seed; a task or a
plan that never comes is replaced by a plain one, so that the loop goes on whatever a planner says.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from motion.errors import MotionError, RequestError
from motion.generate.clauses import split_clauses
from motion.generate.requests import spread_seeds

DEFAULT_TASKS: tuple[str, ...] = (
    "walk around",
    "stretch both arms",
    "look around",
    "turn around and walk back",
    "stand and wait",
    "raise the right hand and wave",
)
"""What is done when a planner finds nothing new; more of them than are remembered."""
LONGEST_STEP_TEXT = 200
"""Characters of a step or task that are used."""


@runtime_checkable
class StepPlanner(Protocol):
    """Finds tasks and takes them apart."""

    def next_task(self, scene: str | None, task: str, history: Sequence[str], seed: int) -> str:
        """What may come after a task; empty if nothing is found."""

    def steps(self, scene: str | None, task: str, seed: int) -> Sequence[str]:
        """Steps of a task in order; none if it cannot be taken apart."""


class WordPlanner:
    """Plans without a model: a task's own clauses are its steps, and it knows no next task."""

    def next_task(self, scene: str | None, task: str, history: Sequence[str], seed: int) -> str:
        """Nothing."""
        return ""

    def steps(self, scene: str | None, task: str, seed: int) -> Sequence[str]:
        """Clauses that follow each other in the sentence."""
        return split_clauses(task)


@dataclass(frozen=True, kw_only=True)
class PlannedTask:
    """A task of the loop and the steps that it was taken apart into."""

    task: str
    steps: tuple[str, ...]
    task_attempts: int = 0
    """Proposals until one was new; 0: the user's."""
    steps_attempts: int = 1
    """Plans until one could be used."""
    fallback: tuple[str, ...] = ()
    """What no planner found: ``task``, ``steps``, or both."""


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """Bounds of the loop."""

    retries: int = 4
    """Further proposals for a task that repeats one of the last, or for a plan without steps."""
    remembered: int = 4
    """Tasks that the next one must differ from."""
    most_steps: int = 8
    """Of one task; the rest is left out."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 0 <= self.retries <= 32 or not 0 <= self.remembered < len(DEFAULT_TASKS):
            raise RequestError(
                f"retries must lie in 0 to 32 and remembered in 0 to {len(DEFAULT_TASKS) - 1}, got "
                f"{self.retries} and {self.remembered}"
            )


class TaskLoop:
    """Proposes what to do, and in which steps."""

    def __init__(self, planner: StepPlanner, config: LoopConfig | None = None) -> None:
        self.planner, self.config = planner, config or LoopConfig()

    def first(self, scene: str | None, task: str, seed: int) -> PlannedTask:
        """Take a user's own task apart."""
        return self._planned(scene, task, 0, (), seed)

    def next(self, scene: str | None, done: Sequence[str], seed: int) -> PlannedTask:
        """Find what comes after some tasks, and take it apart.

        Args:
            scene: Where it happens; None: nobody said.
            done: Tasks so far, the last one last; at least one.
            seed: Same question and seed, same answer.
        """
        known = {_plain(task) for task in done[max(len(done) - self.config.remembered, 0) :]}
        seeds = spread_seeds(seed, self.config.retries + 1)
        for attempt, one in enumerate(seeds, 1):
            task = self._proposal(scene, done, one)
            if task and _plain(task) not in known:
                return self._planned(scene, task, attempt, (), seed)
        start = len(done) % len(DEFAULT_TASKS)
        choices = (*DEFAULT_TASKS[start:], *DEFAULT_TASKS[:start])
        task = next(task for task in choices if _plain(task) not in known)
        return self._planned(scene, task, len(seeds), ("task",), seed)

    def _proposal(self, scene: str | None, done: Sequence[str], seed: int) -> str:
        history = tuple(done[max(len(done) - self.config.remembered, 0) :])
        try:
            return _clean(self.planner.next_task(scene, done[-1], history, seed))
        except MotionError:  # a planner that cannot answer has not answered
            return ""

    def _planned(
        self, scene: str | None, task: str, attempts: int, fallback: tuple[str, ...], seed: int
    ) -> PlannedTask:
        for number, one in enumerate(spread_seeds(seed, self.config.retries + 1), 1):
            steps = self._steps(scene, task, one)
            if steps:
                return PlannedTask(
                    task=task,
                    steps=steps,
                    task_attempts=attempts,
                    steps_attempts=number,
                    fallback=fallback,
                )
        return PlannedTask(
            task=task,
            steps=(task,),
            task_attempts=attempts,
            steps_attempts=self.config.retries + 1,
            fallback=(*fallback, "steps"),
        )

    def _steps(self, scene: str | None, task: str, seed: int) -> tuple[str, ...]:
        """Steps with words; of neighbours that say the same the first one."""
        try:
            rows = [_clean(step) for step in self.planner.steps(scene, task, seed)]
        except MotionError:
            return ()
        worded = [row for row in rows if row]
        new = [row for k, row in enumerate(worded) if not k or _plain(row) != _plain(worded[k - 1])]
        return tuple(new[: self.config.most_steps])


def _clean(text: str) -> str:
    """One line that can be read as a prompt; nothing if it has no words."""
    line = " ".join(text.split())[:LONGEST_STEP_TEXT].strip()
    return line if any(map(str.isalnum, line)) else ""


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
