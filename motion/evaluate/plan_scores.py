"""What an answer to a planning task is worth: form, constraints, nearness to the reference.

Constraints are those of ``motion.tasks.planning.checks``: the steps are done one after the other in
the world that the scene describes. Questions outside the grammar (real captions) have none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from motion.errors import RequestError
from motion.evaluate.prompts import wilson_interval
from motion.generate.plan_requests import Plan
from motion.tasks.examples import TaskExample
from motion.tasks.planning.checks import check_answer
from motion.tasks.planning.parsing import parse_steps
from motion.tasks.planning.wording import plain
from motion.tasks.wants import WANTED_STEPS

SHARES: tuple[str, ...] = ("parses", "executable", "goal", "sound", "exact")
"""Figures that are shares of all answers, or of those of the grammar, with an interval."""
RULES = {
    "parses": "the model's own answer has the form asked for (1 to 5 numbered steps of 1 to 10 "
    "words, or up to 30 words) and is not replaced by a default",
    "executable": "of the grammar's questions: order and state hold at every step; a next task can "
    "be done then and is one of those that may follow; a summary or scene can be read",
    "goal": "of the grammar's questions: it is what was asked for, with sides, counts and "
    "durations, and nothing else",
    "sound": "executable and goal; for a summary: its task is what the steps do, all of them; for "
    "a scene: a known kind, with every place spoken of and only what its kind may have",
    "exact": "equal to the reference, up to case and a full stop; next tasks and steps have "
    "several right answers, so that 1 cannot be reached",
    "lcs": "longest common subsequence with the reference over the longer of both: of steps, or "
    "of words where a phrase is asked for",
}
"""How each figure is computed."""


@dataclass(frozen=True, kw_only=True)
class PlanScore:
    """Figures of one answer."""

    parses: bool
    known: bool
    """The question is of the grammar, so that constraints are known."""
    executable: bool = False
    goal: bool = False
    exact: bool = False
    lcs: float = 0.0
    attempts: int = 1
    thought_tokens: int = 0

    @property
    def sound(self) -> bool:
        """Whether all constraints hold."""
        return self.executable and self.goal


def is_known(example: TaskExample) -> bool:
    """Whether constraints of an example are known: those that its own answer fulfils."""
    verdict = check_answer(example.task, dict(example.fields), example.answer)
    return verdict is not None and verdict.ok


def score_plan(example: TaskExample, plan: Plan) -> PlanScore:
    """Judge a plan that answers the question of an example."""
    known = is_known(example)
    if plan.fallback:
        return PlanScore(
            parses=False,
            known=known,
            attempts=plan.attempts,
            thought_tokens=plan.num_thought_tokens,
        )
    verdict = check_answer(example.task, dict(example.fields), plan.text) if known else None
    if plan.want in WANTED_STEPS:
        found, truth = list(plan.steps), list(parse_steps(example.answer))
    else:
        found, truth = plan.text.split(), example.answer.split()
    ours, true = [plain(text) for text in found], [plain(text) for text in truth]
    return PlanScore(
        parses=True,
        known=known,
        executable=verdict is not None and verdict.parsed and verdict.order_ok and verdict.state_ok,
        goal=verdict is not None and verdict.parsed and verdict.goal_ok,
        exact=ours == true,
        lcs=common_subsequence(ours, true) / max(len(ours), len(true)),
        attempts=plan.attempts,
        thought_tokens=plan.num_thought_tokens,
    )


def common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    best = [0] * (len(second) + 1)
    for one in first:
        before = 0
        for place, other in enumerate(second, 1):
            kept = best[place]
            best[place] = before + 1 if one == other else max(best[place], best[place - 1])
            before = kept
    return best[-1]


def summary_of(scores: Sequence[PlanScore]) -> dict[str, object]:
    """Shares with 95 % intervals (Wilson), means, and how many answers they rest on.

    Raises:
        RequestError: There are none.
    """
    if not scores:
        raise RequestError("there are no answers to sum up; take other examples or a larger count")
    known = [score for score in scores if score.known]
    found: dict[str, object] = {"answers": len(scores), "of the grammar": len(known)}
    for name in SHARES:
        rows = scores if name in ("parses", "exact") else known
        passed = sum(bool(getattr(score, name)) for score in rows)
        if rows:
            low, high = wilson_interval(passed, len(rows))
            found[name] = {"share": passed / len(rows), "interval": [low, high], "of": len(rows)}
    for name in ("lcs", "attempts", "thought_tokens"):
        found[name] = sum(getattr(score, name) for score in scores) / len(scores)
    return found
