"""What may be composed, checked when it is asked for."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Literal, TypedDict, get_args

from motion.errors import RequestError
from motion.generate.requests import LONGEST_TEXT, SHORTEST_SECONDS, check_seed
from motion.generate.timeline import LONGEST_COMPOSITION, Timeline, read_timeline, timeline_of
from motion.representation import num_frames_of
from motion.tasks.thinking import ThinkingMode

Transition = Literal["continue", "inbetween", "blend"]
TRANSITIONS: tuple[str, ...] = get_args(Transition)
MOST_STEPS = 1000
"""Steps that may be given by hand."""
_NUMBER = re.compile(r"(?:^|(?<=\s))\s*(\d{1,4})[.)]\s+")


class ComposeWish(TypedDict, total=False):
    """What ``MotionGenerator.compose`` takes; None is the same as left out."""

    scene: str | None
    """Where it happens."""
    task: str | None
    """What is done first; with ``seconds`` more tasks follow until they are over."""
    steps: str | Sequence[str] | None
    """Steps by hand, ``1. ... 2. ...`` or one by one; nothing is planned then."""
    timeline: Timeline | Mapping[str, Any] | Path | str | None
    """Prompts with start and end, by body part, and tracks of sound; or its file."""
    seconds: float | int | None
    """Length, 0.5 to 3600; left out: as long as the task, the steps or the timeline need."""
    seed: int | None
    """Same request and seed, same composition; 0 if left out."""
    thinking: ThinkingMode | None
    """Whether the planner thinks: auto, on, off."""
    thinking_budget: int | None
    """Most tokens of a thought."""
    transition: Transition | None
    """How one segment becomes the next."""
    describe: bool | None
    """Let the model say what each segment shows; True if left out."""
    state: Path | str | None
    """A .json file that keeps what is done; an interrupted composition goes on from it."""


@dataclass(frozen=True, kw_only=True)
class ComposeRequest:
    """One composition asked for."""

    scene: str | None = None
    task: str | None = None
    steps: tuple[str, ...] = ()
    timeline: Timeline | None = None
    seconds: float | None = None
    seed: int = 0
    thinking: ThinkingMode = "auto"
    thinking_budget: int | None = None
    transition: str = "continue"
    describe: bool = True

    def __post_init__(self) -> None:
        """Say in one sentence what is wrong."""
        for name, text in (("scene", self.scene), ("task", self.task)):
            if text is not None:
                _check_words(name, text)
        if len(self.steps) > MOST_STEPS:
            raise RequestError(f"at most {MOST_STEPS} steps can be given, got {len(self.steps)}")
        for number, step in enumerate(self.steps, 1):
            _check_words(f"step {number}", step)
        self._check_sources()
        if self.seconds is not None and not (
            isfinite(self.seconds) and SHORTEST_SECONDS <= self.seconds <= LONGEST_COMPOSITION
        ):
            raise RequestError(
                f"seconds must lie between {SHORTEST_SECONDS:g} and {LONGEST_COMPOSITION:g}, got "
                f"{self.seconds:g}"
            )
        check_seed(self.seed)
        if self.transition not in TRANSITIONS:
            raise RequestError(
                f"a transition is one of {', '.join(TRANSITIONS)}, got '{self.transition}'"
            )

    def _check_sources(self) -> None:
        if self.timeline is not None:
            others = {"scene": self.scene, "task": self.task, "steps": self.steps or None}
            both = [name for name, value in others.items() if value is not None]
            if both:
                raise RequestError(f"a timeline says everything itself; leave out {both[0]}")
            if self.seconds is not None:
                raise RequestError("a timeline has its own length; write 'seconds' into it")
        elif self.scene is None and self.task is None and not self.steps:
            raise RequestError("nothing says what to do; give a task, a scene, steps or a timeline")

    @property
    def plans(self) -> bool:
        """Whether a planner finds the steps."""
        return self.timeline is None and not self.steps

    @property
    def num_frames(self) -> int | None:
        """Frames of the result: round(seconds x fps); None: what the steps need."""
        seconds = self.seconds if self.timeline is None else self.timeline.seconds
        return None if seconds is None else num_frames_of(seconds)

    def described(self) -> dict[str, Any]:
        """Everything that decides the result, in values of JSON."""
        names = ("scene", "task", "seconds", "seed", "thinking", "thinking_budget", "transition")
        found: dict[str, Any] = {name: getattr(self, name) for name in names}
        timeline = None if self.timeline is None else _described(self.timeline)
        return {
            **found,
            "describe": self.describe,
            "steps": list(self.steps),
            "timeline": timeline,
        }


def make_compose_request(wish: ComposeWish) -> ComposeRequest:
    """Turn what a user gives into a checked request; the timeline is read, its sounds opened.

    Raises:
        RequestError: It is not possible.
        FormatError: A sound cannot be read.
    """
    values: dict[str, Any] = {name: value for name, value in wish.items() if value is not None}
    values.pop("state", None)
    timeline = values.get("timeline")
    if isinstance(timeline, Path | str):
        values["timeline"] = read_timeline(timeline)
    elif timeline is not None and not isinstance(timeline, Timeline):
        values["timeline"] = timeline_of(timeline)
    if "steps" in values:
        values["steps"] = given_steps(values["steps"])
    if "seconds" in values:
        values["seconds"] = float(values["seconds"])
    return ComposeRequest(**values)


def given_steps(steps: str | Sequence[str]) -> tuple[str, ...]:
    """Steps by hand, one by one: a list, lines, or numbered ones, as many as wanted.

    Raises:
        RequestError: There are none, or their numbers are not 1, 2, 3, ...
    """
    if not isinstance(steps, str):
        rows = list(steps)
    elif _NUMBER.match(steps):
        before, *rest = _NUMBER.split(steps)
        numbers, rows = [int(number) for number in rest[::2]], rest[1::2]
        if before.strip() or numbers != list(range(1, len(rows) + 1)):
            raise RequestError(f"steps must be numbered 1, 2, 3, ... in order, got {numbers}")
    else:
        rows = [line for line in steps.splitlines() if line.strip()]
    if not rows:
        raise RequestError("there are no steps; write '1. walk forward 2. wave', or leave them out")
    return tuple(" ".join(row.split()) for row in rows)


def fingerprint_of(request: ComposeRequest, weights: str) -> str:
    """Hash of all that decides a composition.

    Args:
        request: What is asked for.
        weights: Names the weights that make it.
    """
    text = json.dumps([request.described(), weights], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def seed_of(seed: int, what: str, number: int) -> int:
    """A seed of its own for every thing that is drawn in a composition."""
    digest = hashlib.sha256(f"{seed} {what} {number}".encode()).digest()
    return int.from_bytes(digest[:8]) >> 1


def _check_words(name: str, text: str) -> None:
    if not any(map(str.isalnum, text)):
        raise RequestError(f"the {name} has no words; say it in words or leave it out")
    if len(text) > LONGEST_TEXT:
        raise RequestError(
            f"the {name} has {len(text)} characters, at most {LONGEST_TEXT} can be read"
        )


def _described(timeline: Timeline) -> dict[str, Any]:
    prompts = [[p.text, p.start, p.end, p.parts and list(p.parts)] for p in timeline.prompts]
    sounds = [
        [s.kind, s.sound.content_hash, s.start, s.end, s.parts and list(s.parts)]
        for s in timeline.sounds
    ]
    return {"seconds": timeline.seconds, "prompts": prompts, "sounds": sounds}
