"""Prediction: a motion goes on from where it ends, freely or as a text says."""

from dataclasses import replace

from motion.errors import RequestError
from motion.generate.clauses import share_steps, split_clauses
from motion.generate.gap_filling import FillWish, GapFiller
from motion.generate.gap_results import (
    GapReport,
    GapResult,
    alike,
    gap_frames,
    gap_result,
    latest,
    report,
)
from motion.generate.gap_view import LEAST_BEFORE, MOST_BEFORE, Opening
from motion.generate.writer import LEAST_CLAUSE_STEPS, Clock
from motion.representation import Motion


def extend(filler: GapFiller, motion: Motion, seconds: float, wish: FillWish) -> GapResult:
    """Make frames that follow on a motion; ``MotionGenerator.extend`` says more.

    A text that names several actions in order gets a share of the time for each. With a text the
    model sees no more than ``LEAST_BEFORE`` steps of the past, which else outweighs it.

    Raises:
        RequestError: Something does not fit; the message says what.
    """
    num_frames = gap_frames(seconds)
    if wish.keep is not None:
        motion, keep = alike([motion, wish.keep])
        wish = replace(wish, keep=keep)
        if keep.num_frames != num_frames:
            raise RequestError(
                f"the motion to keep must have the {num_frames} frames that are to be made, got "
                f"{keep.num_frames}; cut it or change the seconds"
            )
    clock, pieces = Clock(), [motion]
    reports: list[GapReport] = []
    for text, count in _actions(wish.text, num_frames, filler.frames_per_step):
        opening = Opening(
            start=latest(pieces),
            end=None,
            num_frames=count,
            seen_steps=MOST_BEFORE if text is None else LEAST_BEFORE,
        )
        done = sum(piece.num_frames for piece in pieces)
        first = done - motion.num_frames
        kept = None if wish.keep is None else wish.keep.frames(first, first + count)
        filled = filler.fill(opening, replace(wish, text=text, keep=kept), clock)
        pieces.append(filled.motion)
        reports.append(report(filled, done))
    return gap_result(pieces, reports, wish, clock)


def _actions(text: str | None, num_frames: int, stride: int) -> list[tuple[str | None, int]]:
    """What happens in order, and the frames that each action gets: whole steps but for the last."""
    clauses = () if text is None else split_clauses(text)
    steps = num_frames // stride
    if len(clauses) < 2 or steps < len(clauses) * LEAST_CLAUSE_STEPS:
        return [(text, num_frames)]
    shares = [share * stride for share in share_steps(steps, len(clauses))]
    shares[-1] += num_frames - steps * stride
    return list(zip(clauses, shares, strict=True))
