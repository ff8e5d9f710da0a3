"""Baselines of prediction and in-betweening, on motions of which the answer is known."""

import torch
from made_motions import make_walk

from motion.evaluate.inbetween_baselines import constant_velocity, hold_last, straight
from motion.geometry import axis_angle_to_matrix, turn_between
from motion.representation import JOINT_INDEX, Motion

WALK = make_walk(60)


def spinning(num_frames: int) -> Motion:
    """An elbow that bends and a body that slides, both evenly."""
    frames = torch.arange(float(num_frames))
    pose = torch.zeros(num_frames, 55, 3)
    pose[:, JOINT_INDEX["left_elbow"], 1] = 0.02 * frames
    transl = frames[:, None] * torch.tensor([0.01, 0.0, 0.03])
    return Motion.from_full_pose(pose.flatten(1), transl)


def test_the_held_pose_does_not_move():
    held = hold_last(WALK, 7)
    assert held.num_frames == 7
    assert torch.equal(held.full_pose, WALK.full_pose[-1:].expand(7, -1))
    assert torch.equal(held.transl, WALK.transl[-1:].expand(7, 3))


def test_even_movement_is_continued_and_bridged_exactly():
    whole = spinning(40)
    start, truth, end = whole.frames(0, 10), whole.frames(10, 30), whole.frames(30, 40)
    for found in (constant_velocity(start, 20), straight(start, end, 20)):
        assert torch.allclose(found.transl, truth.transl, atol=1e-5)
        assert torch.allclose(found.full_pose, truth.full_pose, atol=1e-4)


def test_straight_lines_have_even_steps():
    found = straight(WALK.frames(0, 20), WALK.frames(40, 60), 20)
    steps = torch.diff(found.transl, dim=0)
    assert torch.allclose(steps, steps[:1].expand_as(steps), atol=1e-5)
    knee = found.full_pose.reshape(20, 55, 3)[:, JOINT_INDEX["left_knee"]]
    matrix = axis_angle_to_matrix(knee)
    turns = turn_between(matrix[:-1], matrix[1:])
    assert torch.allclose(turns, turns[:1].expand_as(turns), atol=1e-4)


def test_a_single_frame_stands_still():
    found = constant_velocity(WALK.frames(0, 1), 5)
    assert torch.allclose(found.transl, WALK.transl[:1].expand(5, 3), atol=1e-6)
