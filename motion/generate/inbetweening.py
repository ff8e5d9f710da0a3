"""In-betweening: gaps between given motions are filled, through key poses where there are any."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from motion.errors import RequestError
from motion.generate.gap_filling import Filled, FillWish, GapFiller
from motion.generate.gap_results import (
    GapResult,
    alike,
    gap_frames,
    gap_result,
    latest,
    report,
)
from motion.generate.gap_view import Opening
from motion.generate.writer import Clock
from motion.representation import FPS, Motion, num_frames_of

KeyFrames = Sequence[tuple[float, Motion]]
"""Seconds after the start's last frame at which a motion of at least one frame begins, each."""


@dataclass(frozen=True)
class _Stop:
    """A given motion on the way, or the end."""

    gap: int
    """Frames that are made before it."""
    motion: Motion


def inbetween(
    filler: GapFiller,
    start: Motion,
    end: Motion,
    seconds: float,
    wish: FillWish,
    *,
    keyframes: KeyFrames = (),
    align: bool = False,
) -> GapResult:
    """Fill the gap between two motions; ``MotionGenerator.inbetween`` says more.

    Raises:
        RequestError: Something does not fit; the message says what.
    """
    num_frames = gap_frames(seconds)
    given = alike([start, *(motion for _, motion in keyframes), end])
    times = [time for time, _ in keyframes]
    stops = _stops(num_frames, list(zip(times, given[1:-1], strict=True)), given[-1])
    if wish.keep is not None and wish.keep.num_frames != num_frames:
        raise RequestError(
            f"the motion to keep must have the gap's {num_frames} frames, got "
            f"{wish.keep.num_frames}; cut it or change the seconds"
        )
    clock, pieces, reports = Clock(), [given[0]], []
    for number, stop in enumerate(stops):
        done = sum(piece.num_frames for piece in pieces)
        roams = align and number == len(stops) - 1
        filled = _fill(filler, pieces, stop, wish, clock, roams=roams)
        assert filled.end is not None
        pieces += [filled.motion, filled.end]
        reports.append(report(filled, done))
    return gap_result(pieces, reports, wish, clock)


def join(
    filler: GapFiller, first: Motion, second: Motion, num_frames: int, wish: FillWish
) -> tuple[Motion, Motion]:
    """Frames that lead from one motion to another, and the other where it then belongs.

    Args:
        filler: Fills the gap.
        first: What was before.
        second: What comes, wherever it stands: it is turned and moved over the floor.
        num_frames: Frames in between.
        wish: How.
    """
    opening = Opening(start=first, end=second, num_frames=num_frames, roams=True)
    filled = filler.fill(opening, wish, Clock())
    assert filled.end is not None
    return filled.motion, filled.end


def _stops(num_frames: int, keys: KeyFrames, end: Motion) -> list[_Stop]:
    """Key motions and the end, each with the frames to be made before it."""
    stops, done = [], 0
    for seconds, motion in sorted(keys, key=lambda key: key[0]):
        place = num_frames_of(float(seconds), FPS) - 1
        if place <= done or place + motion.num_frames >= num_frames:
            raise RequestError(
                f"a key of {motion.num_frames} frames at {seconds:g} s does not fit: there must be "
                f"frames to make before and after it in the gap of {num_frames / FPS:g} s"
            )
        stops.append(_Stop(place - done, motion))
        done = place + motion.num_frames
    return [*stops, _Stop(num_frames - done, end)]


def _fill(
    filler: GapFiller,
    pieces: list[Motion],
    stop: _Stop,
    wish: FillWish,
    clock: Clock,
    *,
    roams: bool,
) -> Filled:
    """Fill the gap before one stop."""
    opening = Opening(start=latest(pieces), end=stop.motion, num_frames=stop.gap, roams=roams)
    if wish.keep is not None:
        done = sum(piece.num_frames for piece in pieces[1:])
        wish = replace(wish, keep=wish.keep.frames(done, done + stop.gap))
    return filler.fill(opening, wish, clock)
