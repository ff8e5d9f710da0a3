"""Builds a composer of what a generator can do."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from motion.generate.compose_requests import (
    ComposeRequest,
    ComposeWish,
    Transition,
    fingerprint_of,
    make_compose_request,
)
from motion.generate.composition import Composer, Describer
from motion.generate.plan_requests import Plan
from motion.generate.progress import ProgressFile
from motion.generate.stretch_maker import Joiner, Maker, MotionSource, Onward
from motion.generate.stretches import overlays_of
from motion.generate.task_loop import StepPlanner, TaskLoop, WordPlanner
from motion.language import MotionLanguageModel

PROPOSAL_TEMPERATURE = 0.7
"""Of next tasks: the likeliest one alone would soon go round in a circle."""


Plans = Callable[..., Plan]
"""Plans, given ``scene task want history thinking thinking_budget temperature seed`` by name."""


@dataclass(frozen=True)
class ModelPlanner:
    """Lets a model find tasks and take them apart."""

    plan: Plans
    wish: ComposeRequest

    def next_task(self, scene: str | None, task: str, history: Sequence[str], seed: int) -> str:
        """What may come after a task."""
        plan = self._ask(
            scene=scene,
            task=task,
            want="next_task",
            history=tuple(history),
            temperature=PROPOSAL_TEMPERATURE,
            seed=seed,
        )
        return "" if plan.fallback else plan.task or ""

    def steps(self, scene: str | None, task: str, seed: int) -> Sequence[str]:
        """Steps of a task in order."""
        plan = self._ask(scene=scene, task=task, want="steps", seed=seed)
        return () if plan.fallback else plan.steps

    def _ask(self, **question: Any) -> Plan:
        thinking, budget = self.wish.thinking, self.wish.thinking_budget
        return self.plan(thinking=thinking, thinking_budget=budget, **question)


@dataclass(frozen=True, kw_only=True)
class ComposingSkills:
    """What a composition needs of a generator."""

    source: MotionSource
    onward: Onward
    join: Joiner
    describe: Describer
    plan: Plans | None
    """None: the model was not trained to plan; words alone divide a task."""
    trained: Sequence[str]
    """Parts that the weights make."""
    weights: Callable[[], str]
    """Names them."""


def build_composer(skills: ComposingSkills, wish: ComposeWish) -> Composer:
    """Check what is asked for and put a composer together.

    Raises:
        RequestError: It is not possible, or the state belongs to another composition.
        FormatError: A sound or the state cannot be read.
    """
    request = make_compose_request(wish)
    timeline = request.timeline
    overlays = [] if timeline is None else overlays_of(timeline, skills.trained)
    planner: StepPlanner = WordPlanner()
    if skills.plan is not None:
        planner = ModelPlanner(skills.plan, request)
    store = None
    state = wish.get("state")
    if state is not None:
        fingerprint = fingerprint_of(request, skills.weights())
        store = ProgressFile(Path(state), request.described(), fingerprint)
    return Composer(
        request,
        TaskLoop(planner),
        Maker(
            skills.source,
            skills.onward,
            skills.join,
            transition=cast(Transition, request.transition),
            timeline=timeline,
            overlays=overlays,
        ),
        overlays=overlays,
        describer=skills.describe if request.describe else None,
        store=store,
    )


def weights_name(model: MotionLanguageModel) -> str:
    """A name that changes when a model's weights do: a hash of a sum of each tensor."""
    sums = {name: float(values.double().sum()) for name, values in model.state_dict().items()}
    return hashlib.sha256(repr(sums).encode()).hexdigest()[:16]
