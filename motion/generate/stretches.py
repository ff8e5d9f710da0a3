"""What a composition is made of: stretches of the whole body, one after the other, and overlays.

A timeline becomes both here: whoever moves the legs leads, and the stretches of leaders fill the
whole time; other prompts and speech lie over them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from motion.generate.step_lengths import shared_frames, step_length
from motion.generate.timeline import (
    BASE_PART,
    SPEAKING_PARTS,
    Timeline,
    TimelinePrompt,
    TimelineSound,
)
from motion.representation import FPS, num_frames_of

Kind = Literal["step", "prompt", "idle", "music"]
IDLE_TEXT = "a person stands still"
"""What happens where a timeline says nothing for long."""
LONGEST_BRIDGE = 60
"""Frames of a gap between two prompts that one transition fills; longer gaps are stood through."""
SHORTEST_STRETCH = 15
"""Frames; shorter pieces of time are added to a neighbour."""
LONGEST_STRETCH = 300
"""Frames made at once; what is longer goes on from piece to piece, in memory that stays flat."""
FADE = 9
"""Frames in which an overlay comes and goes."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """What the whole body does for a while."""

    kind: Kind
    text: str | None
    """None: music alone drives it."""
    num_frames: int | None
    """Its whole length; None: the model ends it."""
    gap: int = 0
    """Frames at its beginning that belong to nobody: the way from what came before."""
    goes_on: bool = False
    """It is the next piece of what came before."""
    task: str = ""
    """The task that it is a step of."""
    music: int | None = None
    """The timeline's sound that drives it, too."""


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """Some parts of the body doing something else for a while."""

    start: int
    """Frame from which it comes in."""
    stop: int
    """Frame at which it is gone."""
    parts: tuple[str, ...]
    text: str | None = None
    sound: int | None = None
    """The timeline's sound that drives it."""
    fades_out: bool = True
    """Whether the body's own movement comes back in its last frames."""
    label: str = ""
    """What messages call it."""


def steps_as_stretches(
    steps: Sequence[str], num_frames: int | None = None, task: str = ""
) -> list[Stretch]:
    """Give steps in order their lengths: shares of ``num_frames``, else what each one needs.

    Raises:
        RequestError: They are too many for the length.
    """
    if num_frames is not None:
        lengths: list[int | None] = [*shared_frames(steps, num_frames)]
    else:
        seconds = [step_length(text).seconds for text in steps]
        lengths = [None if one is None else num_frames_of(one) for one in seconds]
    whole = [
        Stretch(kind="step", text=text, num_frames=length, task=task)
        for text, length in zip(steps, lengths, strict=True)
    ]
    return [piece for stretch in whole for piece in in_pieces(stretch)]


def in_pieces(stretch: Stretch) -> list[Stretch]:
    """Cut a long stretch into equal pieces that go on from each other."""
    if stretch.num_frames is None:
        return [stretch]
    own = stretch.num_frames - stretch.gap
    count = -(-own // LONGEST_STRETCH)
    edges = [own * k // count for k in range(count + 1)]
    lengths = [stop - start for start, stop in pairwise(edges)]
    first = replace(stretch, num_frames=stretch.gap + lengths[0])
    return [first, *(replace(stretch, num_frames=n, gap=0, goes_on=True) for n in lengths[1:])]


def base_of(timeline: Timeline) -> list[Stretch]:
    """Stretches that fill a timeline from its first frame to its last."""
    return [p for stretch in _merged(list(_leaders(timeline))) for p in in_pieces(stretch)]


def _leaders(timeline: Timeline) -> Iterator[Stretch]:
    total, at, behind_prompt = num_frames_of(timeline.seconds), 0, False
    leading = sorted((p for p in timeline.prompts if p.leads), key=lambda prompt: prompt.start)
    for prompt in leading:
        start, stop = num_frames_of(prompt.start), num_frames_of(prompt.end)
        free = start - at
        bridged = behind_prompt and 0 < free <= LONGEST_BRIDGE and not _music(timeline, at, start)
        if not bridged:
            yield from _unled(timeline, at, start)
        yield Stretch(
            kind="prompt",
            text=prompt.text,
            num_frames=stop - (at if bridged else start),
            gap=free if bridged else 0,
            music=_best_music(timeline, start, stop),
        )
        at, behind_prompt = stop, True
    yield from _unled(timeline, at, total)


def _unled(timeline: Timeline, start: int, stop: int) -> Iterator[Stretch]:
    """A time without a prompt: dancing where there is music, standing where there is none."""
    at = start
    for index in sorted(_music(timeline, start, stop), key=lambda i: timeline.sounds[i].start):
        first, last = _frames_of(timeline.sounds[index])
        first, last = max(first, at), min(last, stop)
        if first > at:
            yield Stretch(kind="idle", text=IDLE_TEXT, num_frames=first - at)
        if last > first:
            yield Stretch(kind="music", text=None, num_frames=last - first, music=index)
        at = max(at, last)
    if stop > at:
        yield Stretch(kind="idle", text=IDLE_TEXT, num_frames=stop - at)


def _merged(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Add pieces of time that are too short to what comes after them, the last one before."""
    found: list[Stretch] = []
    spare = 0
    for stretch in stretches:
        assert stretch.num_frames is not None
        if stretch.num_frames < SHORTEST_STRETCH:
            spare += stretch.num_frames
            continue
        gap = stretch.gap + (spare if found else 0)
        found.append(replace(stretch, num_frames=stretch.num_frames + spare, gap=gap))
        spare = 0
    assert found
    last = found[-1].num_frames
    assert last is not None
    found[-1] = replace(found[-1], num_frames=last + spare)
    return found


def _frames_of(entry: TimelinePrompt | TimelineSound) -> tuple[int, int]:
    return num_frames_of(entry.start), num_frames_of(entry.end)


def _music(timeline: Timeline, start: int, stop: int) -> list[int]:
    """Leading music that sounds between two frames."""
    found = []
    for index, sound in enumerate(timeline.sounds):
        first, last = _frames_of(sound)
        if sound.leads and max(first, start) < min(last, stop):
            found.append(index)
    return found


def _best_music(timeline: Timeline, start: int, stop: int) -> int | None:
    def shared(index: int) -> int:
        first, last = _frames_of(timeline.sounds[index])
        return min(last, stop) - max(first, start)

    return max(_music(timeline, start, stop), key=shared, default=None)


def overlays_of(timeline: Timeline, trained: Sequence[str]) -> list[Overlay]:
    """What lies over the stretches, lower layers first: sounds, then prompts.

    Args:
        timeline: Its own named parts are taken as they are.
        trained: Parts that the weights make; speech moves those of its usual parts.
    """
    found = []
    for index, sound in enumerate(timeline.sounds):
        if not sound.leads:
            parts = sound.parts or _speaking(timeline, sound, trained)
            found += _overlay_pieces(sound, parts, f"audio track {index + 1}", sound=index)
    for number, prompt in enumerate(timeline.prompts, 1):
        if not prompt.leads and prompt.parts:
            found += _overlay_pieces(prompt, prompt.parts, f"prompt {number}", text=prompt.text)
    return found


def _speaking(timeline: Timeline, sound: TimelineSound, trained: Sequence[str]) -> tuple[str, ...]:
    """Parts of a speaker, without those that a leading prompt of the time has for itself."""
    taken = {
        part
        for prompt in timeline.prompts
        if prompt.leads and max(prompt.start, sound.start) < min(prompt.end, sound.end)
        for part in prompt.parts or ()
    }
    usable = [part for part in SPEAKING_PARTS if part not in taken]
    return tuple(part for part in usable if part in trained) or tuple(usable)


def _overlay_pieces(
    entry: TimelinePrompt | TimelineSound,
    parts: Sequence[str],
    label: str,
    *,
    text: str | None = None,
    sound: int | None = None,
) -> list[Overlay]:
    assert BASE_PART not in parts
    first, last = _frames_of(entry)
    count = -(-(last - first) // LONGEST_STRETCH)
    edges = [first + (last - first) * k // count for k in range(count + 1)]
    return [
        Overlay(
            start=start - (FADE if start > first else 0),
            stop=stop,
            parts=tuple(parts),
            text=text,
            sound=sound,
            fades_out=stop == last,
            label=label,
        )
        for start, stop in pairwise(edges)
    ]


def seconds_of(frames: int) -> float:
    """Seconds of a count of frames."""
    return frames / FPS
