"""``Planner``: asks the language model for plans until one can be used, never for ever.

The likeliest answer comes first. It is kept if it parses and nothing that can be checked speaks
against it; else a few answers are drawn with other seeds, and the first sound one is kept, or the
best of all with a warning. While it writes the model is held to the form of the answer, so that
even untrained weights give numbered steps, and in a scene that can be read to what can be done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite

from motion.errors import RequestError
from motion.generate.plan_judging import Judgement, fallback_text, grammar_of, judge, whole_part
from motion.generate.plan_requests import Plan, PlanRequest
from motion.generate.requests import spread_seeds
from motion.tasks.answering import Answer, Answerer, Question
from motion.tasks.grammars import TextGrammar
from motion.tasks.planning.affordances import grammar_in_scene
from motion.tasks.prompts import Prompt, make_prompt
from motion.tasks.thinking import ThinkingConfig, ThinkingNeed, decide_budget
from motion.tasks.wants import TASK_OF, WANTED_STEPS, Want

MOST_RETRIES = 32
UNTRAINED = "these weights were not trained to plan; the words have the form of a plan at most"


@dataclass(frozen=True, kw_only=True)
class PlannerConfig:
    """How a planner gets to an answer; everything off is the raw model."""

    retries: int = 8
    """Answers drawn with other seeds when the first is not sound."""
    temperature: float = 0.7
    """Of those draws."""
    constrained: bool = True
    """Let only words come that fit the form of the answer."""
    grounded: bool = True
    """Let only what can be done come, where the scene and what is asked can be read."""
    verified: bool = True
    """Follow the state of the scene, not only the form of the answer."""
    max_tokens: int = 160
    """Of an answer."""
    instructions: Mapping[str, str] = field(default_factory=dict)
    """Other wordings of the instruction, in any language, by task of the model."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 0 <= self.retries <= MOST_RETRIES:
            raise RequestError(f"retries must lie between 0 and {MOST_RETRIES}, got {self.retries}")
        if not isfinite(self.temperature) or self.temperature <= 0:
            raise RequestError(f"retries need a temperature above 0, got {self.temperature}")


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    """An answer and what is to be said of it."""

    answer: Answer
    judgement: Judgement
    number: int

    @property
    def rank(self) -> tuple[bool, int, int]:
        """The larger the better; of equals the earlier."""
        return self.judgement.parses, -len(self.judgement.problems), -self.number


class Planner:
    """Plans with a language model."""

    def __init__(
        self,
        answerer: Answerer,
        need: ThinkingNeed | None = None,
        config: PlannerConfig | None = None,
    ) -> None:
        """Remember the model.

        Args:
            answerer: Asks the language model.
            need: What the checkpoint knows about its thoughts; None: it has none.
            config: How to get to an answer.
        """
        self.answerer, self.need = answerer, need or ThinkingNeed()
        self.config = config or PlannerConfig()

    @property
    def trained(self) -> bool:
        """Whether the checkpoint says that its model learned to plan."""
        return bool(self.need.tasks)

    def plan(self, request: PlanRequest) -> Plan:
        """Answer one request."""
        return self.plan_batch([request])[0]

    def plan_batch(self, requests: Sequence[PlanRequest]) -> list[Plan]:
        """Answer several requests at once; each is answered as if it were the only one."""
        placed, guessed = self._with_scenes(requests)
        questions = [self._question(request) for request in placed]
        attempts = [
            [self._attempt(request, answer, 0)]
            for request, answer in zip(placed, self.answerer.answer(questions), strict=True)
        ]
        again = [i for i, tried in enumerate(attempts) if not tried[0].judgement.sound]
        redrawn = [self._redrawn(questions[i], placed[i].seed) for i in again]
        answers = iter(self.answerer.answer([q for each in redrawn for q in each]))
        for index, each in zip(again, redrawn, strict=True):
            made = [self._attempt(placed[index], next(answers), k + 1) for k in range(len(each))]
            attempts[index] += made
        return [
            self._plan(request, tried, scene)
            for request, tried, scene in zip(placed, attempts, guessed, strict=True)
        ]

    def _with_scenes(
        self, requests: Sequence[PlanRequest]
    ) -> tuple[list[PlanRequest], list[str | None]]:
        """Estimate the scenes that are lacking; give them, or None, as well."""
        lacking = [i for i, request in enumerate(requests) if request.lacks_scene]
        placed = list(requests)
        guessed: list[str | None] = [None] * len(requests)
        if not lacking:
            return placed, guessed
        asked = [replace(requests[i], want="scene", scene=None, history=()) for i in lacking]
        for index, plan in zip(lacking, self.plan_batch(asked), strict=True):
            guessed[index] = plan.text
            placed[index] = replace(requests[index], scene=plan.text)
        return placed, guessed

    def _question(self, request: PlanRequest) -> Question:
        task, fields = TASK_OF[request.want], request.fields()
        prompt = make_prompt(task, fields)
        if task in self.config.instructions:
            prompt = replace(prompt, instruction=self.config.instructions[task])
        return Question(
            prompt=prompt,
            seed=request.seed,
            temperature=request.temperature,
            max_tokens=self.config.max_tokens,
            thinking_budget=self._budget(request, prompt),
            grammar=self._grammar(request.want, fields),
        )

    def _grammar(self, want: Want, fields: Mapping[str, str]) -> TextGrammar | None:
        if not self.config.constrained:
            return None
        possible = None
        if self.config.grounded:
            doing = [text for name, text in fields.items() if name != "scene"]
            possible = grammar_in_scene(want, fields.get("scene"), *doing)
        return possible or grammar_of(want)

    def _budget(self, request: PlanRequest, prompt: Prompt) -> int:
        _, switch = request.texts()
        thinking = ThinkingConfig(
            mode=request.thinking, budget=request.thinking_budget, need=self.need
        )
        size = len(self.answerer.pieces_of(prompt.payload))
        return decide_budget(prompt.task, size, thinking, switch)

    def _redrawn(self, question: Question, seed: int) -> list[Question]:
        """The same question with other seeds."""
        seeds = spread_seeds(seed, self.config.retries + 1)[1:]
        heat = max(self.config.temperature, question.temperature)
        return [replace(question, seed=other, temperature=heat) for other in seeds]

    def _attempt(self, request: PlanRequest, answer: Answer, number: int) -> _Attempt:
        if self.config.constrained and not answer.finished:
            answer = replace(answer, text=whole_part(request.want, answer.text))
        judgement = judge(request, answer.text, verified=self.config.verified)
        return _Attempt(answer=answer, judgement=judgement, number=number)

    def _plan(self, request: PlanRequest, tried: Sequence[_Attempt], guessed: str | None) -> Plan:
        sound = [attempt for attempt in tried if attempt.judgement.sound]
        best = sound[0] if sound else max(tried, key=lambda attempt: attempt.rank)
        fallback = not best.judgement.parses
        text = fallback_text(request) if fallback else best.answer.text
        judgement = best.judgement
        if fallback:
            judgement = judge(request, text, verified=self.config.verified)
        texts, _ = request.texts()
        found = {"task": texts.get("task"), "scene": texts.get("scene")}
        given = request.given_steps
        steps = judgement.steps if request.want in WANTED_STEPS else given
        if request.want in ("next_task", "summary"):
            found["task"] = text
        elif request.want == "scene":
            found["scene"] = text
        elif request.want == "next_steps":
            found["task"] = None  # the one given is over when these steps begin
        return Plan(
            want=request.want,
            text=text,
            **found,
            steps=steps,
            thought=best.answer.thought,
            num_thought_tokens=best.answer.num_thought_tokens,
            attempts=best.number + 1 if sound else len(tried),
            fallback=fallback,
            checked=judgement.checked,
            problems=judgement.problems,
            warnings=(
                *(() if self.trained else (UNTRAINED,)),
                *_warnings(judgement, len(tried), guessed, fallback=fallback),
            ),
            seed=request.seed,
        )


def _warnings(
    judgement: Judgement, tries: int, guessed: str | None, *, fallback: bool
) -> tuple[str, ...]:
    said = []
    if guessed is not None:
        said.append(f"no scene was given; it was taken to be: {guessed}")
    if fallback:
        said.append(f"none of {tries} answers could be read; a plain default stands in")
    for problem in judgement.problems:
        said.append(f"not sound after {tries} answers: {problem}")
    return tuple(said)
