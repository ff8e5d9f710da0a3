"""What a film shows, as JSON: scene of the whole, actions with times, descriptions and steps.

    {"format_version": 1, "name": "kitchen", "fps": 25.0, "duration": 61.2, "split": "train",
     "scenes": ["a kitchen with a table"],
     "actions": [{"start": 0.0, "end": 9.6, "motion": "kitchen_clip000.npz",
                  "captions": [{"detail": "a person walks forward, then waves",
                                "steps": ["walk forward", "wave"],
                                "summaries": ["greet somebody"], "confidence": 0.41}],
                  "source": "blazepose 76a93542", "model": "default 0f3a", "prompt_version": "1",
                  "confidence": {"presence": 0.99, "visibility": 0.93, "seen": 1.0}}],
     "left_out": [{"start": 9.6, "end": 10.1, "reason": "shorter than 1 s"}], ...}

Source: what AvatarGPT's published annotations hold (arXiv 2311.16468, section 4.1), with checks of
our own. Times are seconds from the film's first picture.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from motion.errors import FormatError
from motion.formats import atomic_path
from motion.generate.curation.texts import (
    MOST_DETAIL_WORDS,
    MOST_SCENE_WORDS,
    MOST_SUMMARY_WORDS,
    different,
    steps_problem,
    text_problem,
)

FORMAT_VERSION = 1
_TIME_TOLERANCE = 1e-3
"""Seconds; times are written rounded to this."""

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class ClipCaption:
    """One description of a clip, at three granularities with the film's scenes."""

    detail: str
    """What the person does, as it was written first."""
    steps: tuple[str, ...]
    """The same as one to five commands of at most ten words."""
    summaries: tuple[str, ...]
    """What it is all about, each in at most thirty words."""
    confidence: float | None = None
    """How sure the model was of ``detail``, 0 to 1; None: it does not say."""


@dataclass(frozen=True, kw_only=True)
class PoseConfidence:
    """How well the person was seen, each 0 to 1."""

    presence: float
    """Mean chance that there is a person."""
    visibility: float
    """Mean chance that a landmark is in the picture and not hidden."""
    seen: float
    """Share of the pictures in which the person was found; the others are interpolated."""


@dataclass(frozen=True, kw_only=True)
class Action:
    """A clip of the film."""

    start: float
    end: float
    motion: str
    """File with the SMPL-X motion, beside the annotation."""
    captions: tuple[ClipCaption, ...]
    source: str
    """What found the pose."""
    model: str
    """What wrote the texts."""
    prompt_version: str
    confidence: PoseConfidence


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A stretch with a person that gave no action."""

    start: float
    end: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class VideoAnnotation:
    """All that is known of a film."""

    name: str
    fps: float
    """Pictures a second of the film, on average; 0: it does not say. Motions have 30."""
    duration: float
    """Seconds."""
    split: str
    """train, val or test, by a hash of the name: all clips of a film go together."""
    scenes: tuple[str, ...]
    actions: tuple[Action, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    """What could not be told."""
    fingerprint: str = ""
    """Of the film and of all that decides the result."""
    format_version: int = FORMAT_VERSION


def problems_of(annotation: VideoAnnotation) -> tuple[str, ...]:
    """Everything that is wrong with an annotation."""
    return (*_time_problems(annotation), *_text_problems(annotation))


def write_annotation(annotation: VideoAnnotation, path: Path) -> None:
    """Write a sound annotation as JSON.

    Raises:
        FormatError: Something is wrong with it; all of that is named.
        OutputError: The file cannot be written.
    """
    if problems := problems_of(annotation):
        raise FormatError(f"the annotation of {annotation.name} is not sound: {_some(problems)}")
    with atomic_path(path) as target:
        text = json.dumps(asdict(annotation), indent=2, ensure_ascii=False, allow_nan=False)
        target.write_text(f"{text}\n", "utf-8")


def read_annotation(path: Path) -> VideoAnnotation:
    """Read an annotation and check it.

    Raises:
        FormatError: There is none, or something is wrong with it; all of that is named.
    """
    try:
        annotation = _annotation_from_json(json.loads(path.read_text("utf-8")))
        problems = problems_of(annotation)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"{path} is no annotation that can be read ({error})") from error
    if problems:
        raise FormatError(f"{path} is not sound: {_some(problems)}")
    return annotation


def _annotation_from_json(values: Mapping[str, Any]) -> VideoAnnotation:
    if values["format_version"] != FORMAT_VERSION:
        found = values["format_version"]
        raise ValueError(f"its format_version is {found}, this version reads {FORMAT_VERSION}")
    return _record(
        VideoAnnotation,
        values,
        scenes=tuple(map(str, values["scenes"])),
        actions=actions_from_json(values["actions"]),
        left_out=left_out_from_json(values["left_out"]),
        notes=tuple(map(str, values["notes"])),
    )


def actions_from_json(rows: Sequence[Mapping[str, Any]]) -> tuple[Action, ...]:
    """Actions out of values of JSON.

    Raises:
        ValueError: A field is missing or unknown.
    """
    return tuple(
        _record(
            Action,
            row,
            captions=tuple(
                _record(
                    ClipCaption,
                    caption,
                    steps=tuple(map(str, caption["steps"])),
                    summaries=tuple(map(str, caption["summaries"])),
                )
                for caption in row["captions"]
            ),
            confidence=_record(PoseConfidence, row["confidence"]),
        )
        for row in rows
    )


def left_out_from_json(rows: Sequence[Mapping[str, Any]]) -> tuple[LeftOut, ...]:
    """Stretches without an action out of values of JSON.

    Raises:
        ValueError: A field is missing or unknown.
    """
    return tuple(_record(LeftOut, row) for row in rows)


def _record(kind: type[R], row: Mapping[str, Any], **ready: Any) -> R:
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if set(row) != known:
        odd = sorted(known.symmetric_difference(row))
        raise ValueError(f"{kind.__name__} has missing or unknown fields {odd}")
    return kind(**{**row, **ready})


def _time_problems(annotation: VideoAnnotation) -> Iterator[str]:
    if not 0 < annotation.duration < math.inf:
        yield f"its duration is {annotation.duration}"
    before = 0.0
    for number, action in enumerate(annotation.actions, 1):
        if not action.start < action.end:
            yield f"action {number} ends at {action.end} s, before it starts at {action.start} s"
        if action.start < before - _TIME_TOLERANCE:
            yield f"action {number} starts at {action.start} s, before {before} s"
        before = max(before, action.end)
    if before > annotation.duration + 0.1:
        yield f"the last action ends at {before} s, after the film ({annotation.duration} s)"


def _text_problems(annotation: VideoAnnotation) -> Iterator[str]:
    yield from _list_problems("scene", annotation.scenes, MOST_SCENE_WORDS)
    for number, action in enumerate(annotation.actions, 1):
        if not action.captions:
            yield f"action {number} has no caption"
        details = [caption.detail for caption in action.captions]
        yield from _list_problems(f"action {number}, detail", details, MOST_DETAIL_WORDS)
        for caption in action.captions:
            if problem := steps_problem(caption.steps):
                yield f"action {number}: {problem}"
            name = f"action {number}, summary"
            yield from _list_problems(name, caption.summaries, MOST_SUMMARY_WORDS)
            if not caption.summaries:
                yield f"action {number} has no summary"


def _list_problems(name: str, texts: Sequence[str], most_words: int) -> Iterator[str]:
    for text in texts:
        if problem := text_problem(text, most_words):
            yield f"{name}: {problem}"
    if len(different(texts)) < len(texts):
        yield f"{name}: a text stands there twice"


def _some(problems: Sequence[str]) -> str:
    shown = "; ".join(problems[:3])
    return shown if len(problems) <= 3 else f"{shown}; and {len(problems) - 3} more"
