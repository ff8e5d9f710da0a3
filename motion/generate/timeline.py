"""A user's timeline: prompts with start and end, by body part where wanted, and tracks of sound.

``docs/compose.md`` documents the file. Every mistake is one sentence that names the entry.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from motion.errors import RequestError, reason_of
from motion.formats import SoundReader, open_sound
from motion.generate.requests import LONGEST_TEXT, SHORTEST_SECONDS
from motion.representation import PART_NAMES

LONGEST_COMPOSITION = 3600.0
"""Seconds."""
LONGEST_FILE = 1 << 20
"""Characters of a timeline that are read."""
BASE_PART = "lower"
"""Who moves the legs leads: other parts go along unless another entry of the time has them."""
SPEAKING_PARTS: tuple[str, ...] = ("upper", "left_hand", "right_hand", "face")
"""What speech moves unless its track says otherwise."""
SOUND_KINDS: tuple[str, ...] = ("music", "speech")
_TOP = ("seconds", "prompts", "audio")
_PROMPT = ("text", "start", "end", "parts")
_SOUND = (*SOUND_KINDS, "start", "end", "parts")


@dataclass(frozen=True, kw_only=True)
class TimelinePrompt:
    """What is done from one time to another."""

    text: str
    start: float
    """Seconds."""
    end: float
    """Seconds."""
    parts: tuple[str, ...] | None = None
    """Parts that it moves; None: all that no other entry of its time names."""

    @property
    def leads(self) -> bool:
        """Whether it moves the legs, and with them whatever nobody else moves."""
        return self.parts is None or BASE_PART in self.parts


@dataclass(frozen=True, kw_only=True)
class TimelineSound:
    """Music or speech from one time to another."""

    kind: str
    """``music`` or ``speech``."""
    sound: SoundReader
    start: float
    """Seconds at which it begins to sound."""
    end: float
    """Seconds at which it falls silent."""
    parts: tuple[str, ...] | None = None
    """Parts that it drives; None: music the whole body together with the prompts, speech
    ``SPEAKING_PARTS`` that no prompt of its time names."""

    @property
    def leads(self) -> bool:
        """Whether it drives the legs."""
        return self.kind == "music" and (self.parts is None or BASE_PART in self.parts)


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """A checked timeline."""

    seconds: float
    prompts: tuple[TimelinePrompt, ...] = ()
    sounds: tuple[TimelineSound, ...] = field(default=())

    def __post_init__(self) -> None:
        """Say in one sentence what is wrong."""
        if not self.prompts and not self.sounds:
            raise RequestError("the timeline says nothing: give prompts, audio, or both")
        _check_length(self.seconds)
        entries = [*named("prompt", self.prompts), *named("audio track", self.sounds)]
        for name, entry in entries:
            _check_span(name, entry.start, entry.end, self.seconds)
            _check_parts(name, entry.parts)
        for name, sound in named("audio track", self.sounds):
            if sound.kind == "speech" and BASE_PART in (sound.parts or ()):
                raise RequestError(
                    f"{name}: speech does not move the legs; leave '{BASE_PART}' out of its parts"
                )
        _check_overlaps(entries)


Entry = TimelinePrompt | TimelineSound


def named(kind: str, entries: Sequence[Any]) -> list[tuple[str, Any]]:
    """Entries with what messages call them: "prompt 2"."""
    return [(f"{kind} {number}", entry) for number, entry in enumerate(entries, 1)]


def read_timeline(path: Path | str) -> Timeline:
    """Read a timeline file and open its sounds, which lie relative to it.

    Raises:
        RequestError: The file is missing, cannot be read, or says something impossible.
        FormatError: A sound cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise RequestError(f"there is no timeline {path}")
    try:
        text = path.read_text("utf-8")
        if len(text) > LONGEST_FILE:
            raise RequestError(
                f"{path} has {len(text)} characters, at most {LONGEST_FILE} are read"
            )
        values = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"{path} is no YAML that can be read: {reason_of(error)}") from error
    try:
        return timeline_of(values, path.parent)
    except RequestError as error:
        raise RequestError(f"{path}: {error}") from error


def timeline_of(values: object, folder: Path | None = None) -> Timeline:
    """Make a timeline of what its file holds.

    Args:
        values: Mapping of ``seconds`` (optional), ``prompts`` and ``audio``.
        folder: What paths of sounds are relative to; None: the working directory.

    Raises:
        RequestError: An entry is missing, unknown or impossible.
        FormatError: A sound cannot be read.
    """
    top = _mapping("a timeline", values, _TOP)
    rows = {name: _list(name, top.get(name)) for name in ("prompts", "audio")}
    prompts = tuple(_prompt(f"prompt {n}", row) for n, row in enumerate(rows["prompts"], 1))
    last = max((prompt.end for prompt in prompts), default=0.0)
    given = None if top.get("seconds") is None else _number("seconds", top["seconds"])
    sounds = tuple(
        _sound(f"audio track {n}", row, folder or Path(), given)
        for n, row in enumerate(rows["audio"], 1)
    )
    last = max((last, *(sound.end for sound in sounds)))
    return Timeline(seconds=last if given is None else given, prompts=prompts, sounds=sounds)


def _prompt(name: str, row: object) -> TimelinePrompt:
    values = _mapping(name, row, _PROMPT)
    for needed in ("text", "start", "end"):
        if values.get(needed) is None:
            raise RequestError(f"{name} needs '{needed}'")
    text = values["text"]
    if not isinstance(text, str) or not text.strip():
        raise RequestError(f"{name} needs words in 'text', got {text!r}")
    if len(text) > LONGEST_TEXT:
        raise RequestError(
            f"{name}: its text has {len(text)} characters, at most {LONGEST_TEXT} can be read"
        )
    return TimelinePrompt(
        text=" ".join(text.split()),
        start=_number(f"{name}: 'start'", values["start"]),
        end=_number(f"{name}: 'end'", values["end"]),
        parts=_parts(name, values.get("parts")),
    )


def _sound(name: str, row: object, folder: Path, seconds: float | None) -> TimelineSound:
    values = _mapping(name, row, _SOUND)
    kinds = [kind for kind in SOUND_KINDS if values.get(kind) is not None]
    if len(kinds) != 1:
        raise RequestError(f"{name} needs either 'music' or 'speech' with a file, got {len(kinds)}")
    file = values[kinds[0]]
    if not isinstance(file, str) or not file.strip():
        raise RequestError(f"{name} needs a file in '{kinds[0]}', got {file!r}")
    start = _number(f"{name}: 'start'", values.get("start") or 0.0)
    sound = open_sound(folder / file, longest_seconds=int(LONGEST_COMPOSITION))
    end = start + float(sound.duration)
    if values.get("end") is not None:
        end = min(end, _number(f"{name}: 'end'", values["end"]))
    elif seconds is not None:  # of sound that goes on behind the end the rest is not heard
        end = min(end, seconds)
    parts = _parts(name, values.get("parts"))
    return TimelineSound(kind=kinds[0], sound=sound, start=start, end=end, parts=parts)


def _mapping(name: str, values: object, known: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(values, dict):
        raise RequestError(f"{name} must be a mapping with {', '.join(known)}, got {_said(values)}")
    strange = [key for key in values if key not in known]
    if strange:
        raise RequestError(f"{name} has no '{strange[0]}'; it may have {', '.join(known)}")
    return values


def _list(name: str, values: object) -> list[object]:
    if values is None:
        return []
    if not isinstance(values, list):
        raise RequestError(f"'{name}' must be a list of entries, got {_said(values)}")
    return values


def _said(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise RequestError(f"{name} must be a number of seconds, got {_said(value)}")
    return float(value)


def _parts(name: str, values: object) -> tuple[str, ...] | None:
    if values is None:
        return None
    rows = values if isinstance(values, list) else [values]
    if not rows or not all(isinstance(row, str) for row in rows):
        raise RequestError(f"{name}: 'parts' must be a list of names, got {_said(values)}")
    return tuple(str(row) for row in rows)


def _check_length(seconds: float) -> None:
    if not SHORTEST_SECONDS <= seconds <= LONGEST_COMPOSITION:
        raise RequestError(
            f"seconds must lie between {SHORTEST_SECONDS:g} and {LONGEST_COMPOSITION:g}, got "
            f"{seconds:g}"
        )


def _check_span(name: str, start: float, end: float, seconds: float) -> None:
    if start < 0:
        raise RequestError(f"{name} starts at {start:g} s, before the timeline does")
    if end - start < SHORTEST_SECONDS:
        raise RequestError(
            f"{name} goes from {start:g} to {end:g} s; it must last at least {SHORTEST_SECONDS:g} s"
        )
    if end > seconds:
        raise RequestError(f"{name} ends at {end:g} s, after the timeline's {seconds:g} s")


def _check_parts(name: str, parts: Sequence[str] | None) -> None:
    for part in parts or ():
        if part not in PART_NAMES:
            raise RequestError(f"{name}: unknown part '{part}'; a body has {', '.join(PART_NAMES)}")
        if list(parts or ()).count(part) > 1:
            raise RequestError(f"{name} names the part '{part}' twice")


def _check_overlaps(entries: Sequence[tuple[str, Entry]]) -> None:
    """No part may be moved by two entries at once; music goes together with leading prompts."""
    for place, (name, entry) in enumerate(entries):
        for other_name, other in entries[:place]:
            since, until = max(entry.start, other.start), min(entry.end, other.end)
            together = entry.leads and other.leads and type(entry) is not type(other)
            shared = sorted(_claims(entry) & _claims(other))
            if since < until and shared and not together:
                raise RequestError(
                    f"{other_name} and {name} both move {shared[0]} from {since:g} to {until:g} s; "
                    "shorten one of them or give them different parts"
                )


def _claims(entry: Entry) -> set[str]:
    """What an entry insists on moving."""
    claims = set(entry.parts or ())
    if entry.leads:
        claims.add("the legs")
    if isinstance(entry, TimelineSound) and entry.parts is None and entry.kind == "speech":
        claims.add("the face")
    return claims - {BASE_PART}
