"""What the model sees of a gap: whole steps of both sides, nothing of what is hidden."""

from dataclasses import replace

import pytest
import torch
from made_motions import make_walk

from motion.errors import RequestError
from motion.generate.gap_view import (
    LEAST_BEFORE,
    MOST_BEFORE,
    MOST_ENDING,
    Opening,
    paced_goal,
    view_gap,
)
from motion.generate.keeping import root_of
from motion.language import goal_between
from motion.representation import Motion

WALK = make_walk(200)
STRIDE = 6


def opening(num_frames: int, start: int = 80, end: int = 60) -> Opening:
    first = start + num_frames
    return Opening(
        start=WALK.frames(0, start), end=WALK.frames(first, first + end), num_frames=num_frames
    )


def body(motion: Motion) -> Motion:
    return replace(motion, parts=frozenset({"lower", "upper"}))


def test_each_side_is_encoded_by_itself(generator):
    gap = opening(30)
    view = view_gap(gap, generator.codes_of, STRIDE)
    assert (view.num_steps, view.lead, view.tail) == (5, 0, 0)
    assert len(view.before) == MOST_BEFORE
    assert len(view.ending) == MOST_ENDING
    assert torch.equal(view.before, generator.codes_of(body(WALK.frames(8, 80))))
    assert torch.equal(view.ending, generator.codes_of(body(WALK.frames(110, 158))))
    hidden = WALK.full_pose.clone()
    hidden[80:110] += 2.0
    whole = generator.codes_of(body(Motion.from_full_pose(hidden, WALK.transl).frames(8, 158)))
    assert not torch.equal(whole[: len(view.before)], view.before)  # the codes of a leak


def test_missing_frames_of_the_last_step_come_from_the_end(generator):
    view = view_gap(opening(15), generator.codes_of, STRIDE)
    assert (view.num_steps, view.lead, view.tail) == (3, 0, 3)
    assert torch.equal(view.ending, generator.codes_of(body(WALK.frames(98, 146))))
    assert view.first_frame == MOST_BEFORE * STRIDE


def test_where_the_end_is_short_they_come_from_the_start(generator):
    view = view_gap(opening(15, end=1), generator.codes_of, STRIDE)
    assert (view.num_steps, view.lead, view.tail) == (3, 3, 0)
    assert len(view.ending) == 1
    assert torch.equal(view.before, generator.codes_of(body(WALK.frames(5, 77))))
    assert view.first_frame == MOST_BEFORE * STRIDE + 3


def test_a_short_start_is_preceded_by_its_first_frame(generator):
    view = view_gap(opening(12, start=4), generator.codes_of, STRIDE)
    assert len(view.before) == LEAST_BEFORE
    assert torch.equal(view.seen.transl[:14], WALK.transl[:1].expand(14, 3))
    assert torch.equal(view.seen.transl[14:], WALK.transl[:4])


def test_the_goal_leads_from_the_last_frame_seen_to_the_first(generator):
    view = view_gap(opening(15), generator.codes_of, STRIDE)
    expected = goal_between(root_of(WALK.frames(79, 80)), root_of(WALK.frames(98, 99)), 18 / 30)
    assert torch.allclose(view.goal, expected)


def test_an_end_that_roams_is_expected_at_the_pace_of_both_sides(generator):
    gap = replace(opening(30), roams=True)
    goal = view_gap(gap, generator.codes_of, STRIDE).goal
    assert torch.equal(goal, paced_goal(gap.start, gap.end, 1.0))
    speed = float(WALK.transl[-1, 2] - WALK.transl[0, 2]) / (199 / 30)
    assert goal[1] == pytest.approx(speed, rel=0.15)
    assert goal[0] == pytest.approx(0.0, abs=0.05)
    still = WALK.frames(0, 1)
    assert torch.equal(paced_goal(still, still, 2.0), torch.tensor([0.0, 0, 0, 0, 0, 1]))


def test_motions_of_other_rates_and_empty_gaps_are_refused():
    with pytest.raises(RequestError, match="the start must have frames at 30 fps, got 80 at 60"):
        Opening(start=replace(WALK.frames(0, 80), fps=60.0), end=None, num_frames=5)
    with pytest.raises(RequestError, match="the end must have frames at 30 fps, got 0 at 30"):
        Opening(start=WALK, end=WALK.frames(0, 0), num_frames=5)
    with pytest.raises(RequestError, match="at least one frame, got 0"):
        Opening(start=WALK, end=None, num_frames=0)
