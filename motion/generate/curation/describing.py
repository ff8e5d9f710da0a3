"""Who describes the clips of a film: a protocol, our own model, and the rules that ask again.

A describer may be anything that runs here: another model, a vision-language model that opens the
film itself, rules. Every answer is checked; a describer is asked a few times, never for ever.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from motion.conditioners.baking import content_hash
from motion.errors import RequestError
from motion.generate.caption_records import MotionCaption
from motion.generate.checkpoint import LANGUAGE_FOLDER
from motion.generate.curation.annotation import ClipCaption
from motion.generate.curation.texts import (
    MOST_DETAIL_WORDS,
    MOST_SCENE_WORDS,
    MOST_SUMMARY_WORDS,
    different,
    steps_of,
    steps_problem,
    text_problem,
)
from motion.generate.requests import spread_seeds
from motion.representation import Motion
from motion.tasks.answering import Answer, Question
from motion.tasks.grammars import MOST_STEPS, PhraseGrammar
from motion.tasks.planning.parsing import format_steps
from motion.tasks.prompts import make_prompt

PROMPT_VERSION = "1"
"""Raise it when what the model is asked changes."""

SHORTEST_PIECE_SECONDS = 3.0
"""A step is told of at least about half of this."""

PIECES = 2.5
"""A clip is cut into at most twice as many pieces, where it is calm; each tells a step."""

RETRY_TEMPERATURE = 0.8
LONGEST_ANSWER = 64
"""Pieces of an answer in words."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """What a describer is shown."""

    video: Path
    start_seconds: float
    end_seconds: float
    motion: Motion


@dataclass(frozen=True, kw_only=True)
class Said:
    """A text and how sure the describer is of it."""

    text: str
    confidence: float | None = None
    """0 to 1; None: it does not say."""


@runtime_checkable
class Describer(Protocol):
    """Puts clips into words; ``attempt`` counts from 0 and may change the answer."""

    @property
    def name(self) -> str:
        """What it is, weights included; another name, another annotation."""

    @property
    def prompt_version(self) -> str:
        """Version of what it asks."""

    def detail(self, clip: Clip, attempt: int) -> Said:
        """Say what the person does."""

    def steps(self, clip: Clip, detail: str, attempt: int) -> tuple[str, ...]:
        """Say the same as one to five commands."""

    def summary(self, steps: Sequence[str], attempt: int) -> str:
        """Say in one sentence what it is all about."""

    def scene(self, steps: Sequence[str], attempt: int) -> str:
        """Guess where somebody is who does this."""


@runtime_checkable
class Answers(Protocol):
    """Answers questions in words; ``motion.tasks.answering.Answerer`` is one."""

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer each question."""


@runtime_checkable
class Narrator(Protocol):
    """What the default describer needs; ``MotionGenerator`` is one."""

    folder: Path | None

    @property
    def answerer(self) -> Answers:
        """Answers in words."""

    def caption(
        self,
        motion: Motion,
        *,
        seed: int = 0,
        candidates: int | None = None,
        segment_seconds: float | None = None,
    ) -> MotionCaption:
        """Say what a motion shows."""


class ModelDescriber:
    """Our own model: captions of the clip and of its pieces, then language alone."""

    prompt_version = PROMPT_VERSION

    def __init__(self, narrator: Narrator, *, seed: int = 0) -> None:
        """Remember the model.

        Args:
            narrator: A generator.
            seed: Same film and seed, same words.
        """
        self._narrator, self._seed = narrator, seed
        folder = narrator.folder
        weights = "unsaved" if folder is None else content_hash(folder / LANGUAGE_FOLDER)[:12]
        self.name = f"{'model' if folder is None else folder.name} {weights} seed {seed}"

    def detail(self, clip: Clip, attempt: int) -> Said:
        """Caption of the whole clip."""
        found = self._narrator.caption(clip.motion, seed=self._seeded(attempt))
        return Said(text=found.text if found.origin == "model" else "", confidence=_sure(found))

    def steps(self, clip: Clip, detail: str, attempt: int) -> tuple[str, ...]:
        """Captions of the clip's pieces, each as a command; a short clip has one."""
        seconds = clip.motion.duration_seconds
        if seconds <= SHORTEST_PIECE_SECONDS:
            return steps_of([detail])
        found = self._narrator.caption(
            clip.motion,
            seed=self._seeded(attempt),
            segment_seconds=max(SHORTEST_PIECE_SECONDS, seconds / PIECES),
        )
        return steps_of([segment.text for segment in found.segments])

    def summary(self, steps: Sequence[str], attempt: int) -> str:
        """What the language model takes the steps for."""
        return self._asked("summarize_steps", steps, attempt)

    def scene(self, steps: Sequence[str], attempt: int) -> str:
        """Where the language model takes the steps to be done."""
        return self._asked("estimate_scene", steps, attempt)

    def _asked(self, task: str, steps: Sequence[str], attempt: int) -> str:
        question = Question(
            prompt=make_prompt(task, {"steps": format_steps(steps)}, attempt),
            seed=self._seeded(attempt),
            temperature=RETRY_TEMPERATURE if attempt else 0.0,
            max_tokens=LONGEST_ANSWER,
            grammar=PhraseGrammar(),
        )
        answer = self._narrator.answerer.answer([question])[0]
        return answer.text.strip() if answer.finished else ""

    def _seeded(self, attempt: int) -> int:
        return spread_seeds(self._seed, attempt + 1)[attempt]


@dataclass(frozen=True, kw_only=True)
class AskConfig:
    """How often a describer is asked."""

    attempts: int = 4
    """For each text, until one is sound."""
    captions: int = 1
    """Different descriptions wanted of a clip."""
    summaries: int = 3
    """Different summaries wanted of a description (AvatarGPT has three); fewer are kept when the
    describer has no more to say."""
    scenes: int = 3
    """Different scenes wanted of a film."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("attempts", "captions", "summaries", "scenes"):
            if not 1 <= getattr(self, name) <= 16:
                raise RequestError(f"{name} must be 1 to 16, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class Described:
    """What a describer said of a clip."""

    captions: tuple[ClipCaption, ...]
    """Empty if nothing it said was sound."""
    problem: str = ""
    """What was wrong with the last answer."""


def describe(describer: Describer, clip: Clip, config: AskConfig) -> Described:
    """Ask for descriptions of a clip until enough are sound, or often enough."""
    found: dict[str, ClipCaption] = {}
    problem = ""
    for attempt in range(config.attempts + config.captions - 1):
        said = describer.detail(clip, attempt)
        wrong = text_problem(said.text, MOST_DETAIL_WORDS)
        if wrong is None and said.text not in different([*found]):
            steps, wrong = _steps(describer, clip, said.text, config.attempts)
            if wrong is None:
                found[said.text] = ClipCaption(
                    detail=said.text,
                    steps=steps,
                    summaries=_summaries(describer, steps, said.text, config),
                    confidence=said.confidence,
                )
        problem = wrong or problem
        if len(different([*found])) >= config.captions:
            break
    return Described(captions=tuple(found[text] for text in different([*found])), problem=problem)


def tell_scenes(
    describer: Describer, steps: Sequence[Sequence[str]], config: AskConfig
) -> tuple[str, ...]:
    """Ask for scenes in which all actions of a film may be done; none if no answer is sound.

    Args:
        describer: Who is asked.
        steps: Steps of each action in their order. The first, middle and last ones are shown.
        config: How often.
    """
    flat = [step for each in steps for step in each]
    count = min(MOST_STEPS, len(flat))
    shown = [flat[round(k * (len(flat) - 1) / max(1, count - 1))] for k in range(count)]
    tries = config.attempts + config.scenes - 1

    def ask(attempt: int) -> str:
        return describer.scene(different(shown), attempt)

    return _collected(ask, tries, config.scenes, MOST_SCENE_WORDS)


def _steps(
    describer: Describer, clip: Clip, detail: str, attempts: int
) -> tuple[tuple[str, ...], str | None]:
    """Sound steps; else those of the description itself, or why there are none."""
    for attempt in range(attempts):
        steps = describer.steps(clip, detail, attempt)
        if steps_problem(steps) is None:
            return steps, None
    own = steps_of([detail])
    return own, steps_problem(own)


def _summaries(
    describer: Describer, steps: Sequence[str], detail: str, config: AskConfig
) -> tuple[str, ...]:
    """Sound summaries; else the description itself, or its first step if that is too long."""
    tries = config.attempts + config.summaries - 1
    found = _collected(
        lambda attempt: describer.summary(steps, attempt),
        tries,
        config.summaries,
        MOST_SUMMARY_WORDS,
    )
    if found:
        return found
    return (detail if text_problem(detail, MOST_SUMMARY_WORDS) is None else steps[0],)


def _collected(
    ask: Callable[[int], str], tries: int, wanted: int, most_words: int
) -> tuple[str, ...]:
    """Different sound answers."""
    found: tuple[str, ...] = ()
    for attempt in range(tries):
        text = ask(attempt).strip()
        if text_problem(text, most_words) is None:
            found = different([*found, text])
        if len(found) >= wanted:
            break
    return found


def _sure(caption: MotionCaption) -> float | None:
    """Likelihood of a word piece of the caption, on average over the time it tells of."""
    total, seconds = 0.0, 0.0
    for segment in caption.segments:
        for candidate in segment.candidates:
            if candidate.text == segment.text:
                span = segment.end_seconds - segment.start_seconds
                total, seconds = total + span * math.exp(candidate.log_likelihood), seconds + span
                break
    return min(1.0, total / seconds) if seconds else None
