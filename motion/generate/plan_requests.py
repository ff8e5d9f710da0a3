"""What a planner is asked and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from motion.errors import RequestError
from motion.generate.requests import LONGEST_TEXT, check_seed
from motion.language import SamplingConfig
from motion.tasks.planning.parsing import format_steps, parse_steps
from motion.tasks.prompts import harmless
from motion.tasks.thinking import ThinkingConfig, ThinkingMode, read_switches
from motion.tasks.wants import WANTS, Want

_READ_SCENES = ("steps", "next_task", "next_steps")
_NEEDS: Mapping[str, str] = {
    "steps": "a task to take apart",
    "next_task": "what is being done: a task or steps",
    "next_steps": "what is being done: a task or steps",
    "summary": "steps to sum up",
    "scene": "what is being done there: a task or steps",
}


class PlanWish(TypedDict, total=False):
    """What ``MotionGenerator.plan`` takes beside the texts."""

    want: Want
    """steps (of the task), next_task, next_steps, summary (of the steps) or scene."""
    thinking: ThinkingMode
    """auto, on or off; ``/think`` and ``/no_think`` in a text, the last one, decide over auto and
    on."""
    thinking_budget: int | None
    """Most tokens of the thought; a need above it means no thought."""
    seed: int
    """Same request and seed, same plan."""
    temperature: float
    """Of the first answer; 0, the likeliest, if left out."""
    history: tuple[str, ...]
    """Tasks that a next task must not repeat."""


@dataclass(frozen=True, kw_only=True)
class PlanRequest:
    """One question to a planner."""

    scene: str | None = None
    """Where it happens, up to twenty words; None: it is estimated where it is needed."""
    task: str | None = None
    """What is to be done, or what is being done when the next is wanted."""
    steps: str | Sequence[str] | None = None
    """``1. ... 2. ...``, or the steps one by one; before ``task`` where either would do."""
    want: Want = "steps"
    """What is to be found out."""
    thinking: ThinkingMode = "auto"
    """Whether a thought stands before the answer; ``/think`` and ``/no_think`` in a text, the last
    one, decide over ``auto`` and ``on``."""
    thinking_budget: int | None = None
    """Most tokens of the thought; None: what the model's thoughts need."""
    seed: int = 0
    """Same request and seed, same plan."""
    temperature: float = 0.0
    """Of the first answer; 0: the likeliest."""
    history: tuple[str, ...] = ()
    """Tasks that a next task must not repeat."""

    def __post_init__(self) -> None:
        """Say in one sentence what is wrong."""
        if self.want not in WANTS:
            raise RequestError(f"a plan can be wanted as {', '.join(WANTS)}, got '{self.want}'")
        for name, text in self._given().items():
            if len(text) > LONGEST_TEXT:
                raise RequestError(
                    f"the {name} has {len(text)} characters, at most {LONGEST_TEXT} can be read"
                )
        check_seed(self.seed)
        SamplingConfig(temperature=self.temperature)
        ThinkingConfig(mode=self.thinking, budget=self.thinking_budget)
        texts, _ = self.texts()
        bare = [name for name in self._given() if name not in texts]
        if bare:
            raise RequestError(f"the {bare[0]} has no words; say it in words or leave it out")
        if not self.fields():
            raise RequestError(f"for the {self.want.replace('_', ' ')} give {_NEEDS[self.want]}")

    def texts(self) -> tuple[dict[str, str], bool | None]:
        """What is given in words, harmless and without switches, and what the last switch says."""
        found, switch = read_switches(self._given())
        clean = {name: harmless(text) for name, text in found.items()}
        worded = {n: text for n, text in clean.items() if any(map(str.isalnum, text))}
        if "steps" in worded:
            worded["steps"] = format_steps(_one_by_one(worded["steps"]))
        return worded, switch

    def fields(self) -> dict[str, str]:
        """Texts of the prompt; empty if something is lacking, the scene aside."""
        texts, _ = self.texts()
        choices = {"steps": ("task",), "summary": ("steps",)}.get(self.want, ("steps", "task"))
        doing = [name for name in choices if name in texts][:1]
        placed = [name for name in ("scene",) if name in texts and self.want in _READ_SCENES]
        return {name: texts[name] for name in (*placed, *doing)} if doing else {}

    @property
    def lacks_scene(self) -> bool:
        """Whether a scene must be estimated first."""
        return self.want in ("next_task", "next_steps") and "scene" not in self.fields()

    @property
    def given_steps(self) -> tuple[str, ...]:
        """The given steps one by one."""
        texts, _ = self.texts()
        return parse_steps(texts["steps"]) if "steps" in texts else ()

    def _given(self) -> dict[str, str]:
        steps = self.steps
        if steps is not None and not isinstance(steps, str):
            steps = format_steps(list(steps)) if steps else ""
        given = {"scene": self.scene, "task": self.task, "steps": steps}
        return {name: text for name, text in given.items() if text is not None}


def _one_by_one(steps: str) -> tuple[str, ...]:
    """Read steps; a sentence without a number is one step."""
    return parse_steps(steps) if steps[0].isdigit() else (steps,)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a planner found; it can always be used, ``warnings`` say how far to trust it."""

    want: Want
    """What was asked for."""
    text: str
    """The answer in the words of the model, or of the fallback."""
    task: str | None = None
    """Given or found."""
    steps: tuple[str, ...] = ()
    """Given or found."""
    scene: str | None = None
    """Given or found."""
    thought: str = ""
    """What the model thought before it answered."""
    num_thought_tokens: int = 0
    """Never more than the thinking budget."""
    attempts: int = 1
    """Answers that were written until one was kept."""
    fallback: bool = False
    """The model wrote nothing usable; a default stands in."""
    checked: bool = False
    """The scene could be read, and the state followed step by step."""
    problems: tuple[str, ...] = ()
    """Constraints that do not hold; empty for a sound plan."""
    warnings: tuple[str, ...] = ()
    """What the one who asked should know."""
    seed: int = 0
    """Of the request."""
