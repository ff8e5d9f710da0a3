"""Features of a motion: round trip, invariance, streaming integration."""

import pytest
import torch

from motion.geometry import axis_angle_to_matrix, matrix_to_axis_angle, yaw_of_matrix, yaw_to_matrix
from motion.representation import (
    JOINT_INDEX,
    PARTS,
    Motion,
    extract_features,
    integrate_root,
    join_motions,
    motion_from_features,
    rest_positions,
)


def wild_motion(num_frames: int = 40) -> Motion:
    pose = torch.randn(num_frames, 165).cumsum(0) * 0.03
    transl = torch.randn(num_frames, 3).cumsum(0) * 0.03 + torch.tensor([0.5, 1.3, -2.0])
    return Motion.from_full_pose(pose, transl, expression=torch.randn(num_frames, 10))


def turned(motion: Motion, yaw: float, shift: tuple[float, float]) -> Motion:
    turn = yaw_to_matrix(torch.tensor(yaw))
    orient = matrix_to_axis_angle(turn @ axis_angle_to_matrix(motion.global_orient))
    position = motion.root_position @ turn.T + torch.tensor([shift[0], 0.0, shift[1]])
    return Motion.from_full_pose(
        torch.cat([orient, motion.full_pose[:, 3:]], -1),
        position - rest_positions()[0],
        expression=motion.expression,
    )


def test_features_give_the_motion_back_from_the_origin_facing_z():
    motion = wild_motion()
    rebuilt, _ = motion_from_features(extract_features(motion))
    yaw = yaw_of_matrix(axis_angle_to_matrix(motion.global_orient[:1]))[0]
    start = motion.root_position[:1] * torch.tensor([1.0, 0.0, 1.0])
    expected = (motion.joints() - start[:, None]) @ yaw_to_matrix(-yaw).T
    torch.testing.assert_close(rebuilt.joints(), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(rebuilt.expression, motion.expression)


def test_features_ignore_where_a_motion_starts_and_where_it_faces():
    motion = wild_motion()
    plain, moved = extract_features(motion), extract_features(turned(motion, 2.0, (3.0, -1.0)))
    for part, values in plain.items():
        torch.testing.assert_close(moved[part], values, atol=2e-4, rtol=0)


def test_integration_goes_on_from_chunk_to_chunk():
    features = {n: v for n, v in extract_features(wild_motion()).items() if n in ("lower", "upper")}
    whole, _ = motion_from_features(features)
    first, end = motion_from_features({n: v[:17] for n, v in features.items()})
    second, _ = motion_from_features({n: v[17:] for n, v in features.items()}, end)
    joined = join_motions([first, second])
    torch.testing.assert_close(joined.joints(), whole.joints(), atol=1e-5, rtol=0)


def test_walking_forward_has_forward_velocity_and_alternating_contact(walk_motion: Motion):
    lower = extract_features(walk_motion)["lower"]
    slices = PARTS["lower"].slices
    velocity = lower[1:, slices["planar_velocity"]]
    assert velocity[:, 1].mean() > 0.3
    assert velocity[:, 0].abs().mean() < 0.2
    contact = lower[:, slices["foot_contact"]]
    assert 0.2 < contact.mean() < 1.0
    path = integrate_root(lower[None])
    assert path.position[0, -1, 2] > 0.5


def test_mirroring_twice_changes_nothing_and_once_swaps_sides(walk_motion: Motion):
    twice = walk_motion.mirrored().mirrored()
    torch.testing.assert_close(twice.full_pose, walk_motion.full_pose)
    joints, seen = walk_motion.joints(), walk_motion.mirrored().joints()
    left, right = JOINT_INDEX["left_foot"], JOINT_INDEX["right_foot"]
    flip = torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(seen[:, right], joints[:, left] * flip, atol=1e-5, rtol=0)


def test_absent_parts_have_no_features(walk_motion: Motion):
    body = Motion.from_full_pose(
        walk_motion.full_pose, walk_motion.transl, parts=frozenset({"lower", "upper"})
    )
    assert set(extract_features(body)) == {"lower", "upper"}


def test_another_frame_rate_is_refused():
    motion = Motion.from_full_pose(torch.zeros(3, 165), torch.zeros(3, 3), fps=60.0)
    with pytest.raises(ValueError, match="30 frames per second"):
        extract_features(motion)
