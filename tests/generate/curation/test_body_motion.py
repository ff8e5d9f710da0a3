"""Landmarks of a known motion give that motion back: joints, head, feet, path, jumps."""

import math
from dataclasses import replace

import pytest
import torch
from made_curation import landmarks_of

from motion.conditioners.blazepose import LANDMARK_INDEX
from motion.data import load_corpora
from motion.evaluate.trajectory_metrics import mpjpe
from motion.generate.checkpoint import DEFAULT_CHECKPOINT, LIBRARY_FOLDER
from motion.generate.curation.body_motion import motion_of_track
from motion.generate.curation.clips import Track
from motion.generate.curation.landmark_joints import (
    UPRIGHT_SHARE,
    at_times,
    body_joints,
    camera_tilt,
    picture_scale,
    seen_body,
)
from motion.generate.curation.root_path import floor_path, jump_height
from motion.geometry import axis_angle_to_matrix
from motion.representation import JOINT_INDEX, NUM_BODY_JOINTS, Motion

SCALE = 40.0
LEGS = [LANDMARK_INDEX[f"{s}_{n}"] for s in ("left", "right") for n in ("knee", "ankle")]


def track_of(motion: Motion, azimuth: float = 0.0, elevation: float = 0.0) -> Track:
    """What a perfect network would see with a long lens."""
    seen = landmarks_of(motion, azimuth, elevation)
    hips = seen[:, [LANDMARK_INDEX["left_hip"], LANDMARK_INDEX["right_hip"]]].mean(1, keepdim=True)
    return Track(
        seconds=torch.arange(motion.num_frames, dtype=torch.float64) / 30,
        pixels=seen * SCALE,
        world=seen - hips,
        visibility=torch.ones(motion.num_frames, 33),
        presence=torch.ones(motion.num_frames),
        num_missed=0,
    )


def root_relative(motion: Motion) -> torch.Tensor:
    joints = motion.joints(NUM_BODY_JOINTS)
    return joints - joints[:, :1]


@pytest.fixture(scope="module")
def real_walk() -> Motion:
    """Two seconds of a walk of the packaged library."""
    library = load_corpora([DEFAULT_CHECKPOINT / LIBRARY_FOLDER])[0]
    return library.motion([clip.clip_id for clip in library.clips].index("ual_walk"), 0, 60)


@pytest.mark.parametrize("azimuth", [0.0, 0.8, math.pi / 2, 2.5])
def test_a_walk_is_given_back_from_any_side(real_walk: Motion, azimuth: float) -> None:
    motion = motion_of_track(track_of(real_walk, azimuth), "film")
    assert motion.num_frames == real_walk.num_frames
    assert motion.parts == {"lower", "upper"}
    assert motion.source == "film"
    assert mpjpe(root_relative(motion), root_relative(real_walk)) < 0.03
    way, true_way = (m.transl[-1] - m.transl[0] for m in (motion, real_walk))
    torch.testing.assert_close(way, true_way, atol=0.45, rtol=0)  # the path is an estimate
    heights = motion.root_position[:, 1] - real_walk.root_position[:, 1]
    assert float(heights.abs().max()) < 0.04


def test_it_begins_at_the_origin_facing_ahead(walk_motion: Motion) -> None:
    motion = motion_of_track(track_of(walk_motion, 1.9), "film")
    root = motion.root_position[0]
    assert abs(float(root[0])) < 1e-3
    assert abs(float(root[2])) < 1e-3
    hips = motion.joints()[0, [JOINT_INDEX["left_hip"], JOINT_INDEX["right_hip"]]]
    across = hips[0] - hips[1]
    assert float(across[0]) > 0
    assert abs(float(torch.atan2(across[2], across[0]))) < 0.1


def test_half_the_pictures_give_nearly_the_same(walk_motion: Motion) -> None:
    whole = track_of(walk_motion, 0.5)
    rows = torch.arange(0, walk_motion.num_frames, 2)
    half = replace(
        whole, **{name: getattr(whole, name)[rows] for name in
                  ("seconds", "pixels", "world", "visibility", "presence")}
    )  # fmt: skip
    motion = motion_of_track(half, "film")
    assert motion.num_frames == 2 * len(rows)
    expected = root_relative(walk_motion)[: motion.num_frames]
    assert mpjpe(root_relative(motion), expected) < 0.035


def test_a_camera_that_looks_down_is_set_upright() -> None:
    standing = Motion.from_full_pose(torch.zeros(40, 165), torch.zeros(40, 3))
    seen = landmarks_of(standing, 0.4, math.radians(15))
    found = camera_tilt(seen.double() * torch.tensor([1.0, -1.0, -1.0]))
    angle = torch.arccos((found.diagonal().sum() - 1) / 2)
    assert float(angle) / math.radians(15) == pytest.approx(UPRIGHT_SHARE, abs=0.05)
    lying = seen.double()[:, :, [1, 0, 2]]
    torch.testing.assert_close(camera_tilt(lying), torch.eye(3, dtype=torch.float64))


def test_the_head_turns_as_it_is_seen(walk_motion: Motion) -> None:
    pose = walk_motion.body_pose.clone()
    head = 3 * (JOINT_INDEX["head"] - 1)
    pose[:, head : head + 3] = torch.tensor([0.0, 0.6, 0.0])  # to the left
    turned = replace(walk_motion, body_pose=pose)
    motion = motion_of_track(track_of(turned, 0.3), "film")
    found = axis_angle_to_matrix(motion.body_pose[:, head : head + 3])
    ahead = found[:, :, 2].mean(0)
    assert float(torch.atan2(ahead[0], ahead[2])) == pytest.approx(0.6, abs=0.12)
    assert abs(float(ahead[1])) < 0.2


def test_legs_that_nobody_sees_are_absent(walk_motion: Motion) -> None:
    track = track_of(walk_motion)
    visibility = track.visibility.clone()
    visibility[:, LEGS] = 0.1
    motion = motion_of_track(replace(track, visibility=visibility), "film")
    assert motion.parts == {"upper"}
    knee = 3 * (JOINT_INDEX["left_knee"] - 1)
    assert not motion.body_pose[:, knee : knee + 3].any()
    assert float(motion.root_position[:, [0, 2]].abs().max()) < 1e-5
    assert float(motion.joints()[:, JOINT_INDEX["left_foot"], 1].min()) > 0


def test_body_joints_are_where_the_body_has_them(walk_motion: Motion) -> None:
    seen = landmarks_of(walk_motion).double() * torch.tensor([1.0, -1.0, -1.0])
    found = body_joints(seen)
    error = (found - walk_motion.joints(NUM_BODY_JOINTS).double()).norm(dim=-1).mean(0)
    assert float(error.max()) < 0.05
    assert float(error[JOINT_INDEX["head"]]) < 0.02
    assert float(error[JOINT_INDEX["left_foot"]]) < 0.01


def test_the_pictures_scale_is_found(walk_motion: Motion) -> None:
    track = track_of(walk_motion, 0.7)
    found = picture_scale(track.world.double(), track.pixels.double(), track.visibility.double())
    torch.testing.assert_close(found, torch.full_like(found, SCALE), atol=0.2, rtol=0)


def test_values_between_known_times() -> None:
    known = torch.tensor([0.0, 1.0, 3.0], dtype=torch.float64)
    values = torch.tensor([[0.0], [10.0], [30.0]], dtype=torch.float64)
    times = torch.tensor([-1.0, 0.25, 1.0, 2.0, 5.0], dtype=torch.float64)
    assert at_times(known, values, times)[:, 0].tolist() == [0.0, 2.5, 10.0, 20.0, 30.0]
    one = at_times(known[:1], values[:1], times)
    assert not one.any()


def test_a_jump_is_seen_and_small_or_long_rises_are_not() -> None:
    time = torch.arange(60, dtype=torch.float64)
    hop = (1 - ((time - 30) / 8).square()).clamp(min=0)
    drift = 0.004 * time  # somebody comes nearer
    found = jump_height(0.4 * hop + drift)
    assert float(found.max()) == pytest.approx(0.4, abs=0.05)
    assert int(found.argmax()) in range(28, 33)
    assert not found[:20].any()
    assert not jump_height(0.1 * hop + drift).any()
    platform = ((time > 10) & (time < 50)).double() * 0.5
    assert not jump_height(platform).any()


def test_a_jump_lifts_the_motion(walk_motion: Motion) -> None:
    rise = 0.3 * (1 - ((torch.arange(60) - 30) / 8.0).square()).clamp(min=0)
    transl = walk_motion.transl[:1].repeat(60, 1)
    transl[:, 1] += rise
    standing = walk_motion.frames(0, 1)
    pose = standing.full_pose.repeat(60, 1)
    jumping = Motion.from_full_pose(pose, transl)
    motion = motion_of_track(track_of(jumping, 0.6), "film")
    height = motion.root_position[:, 1] - motion.root_position[0, 1]
    assert float(height.max()) == pytest.approx(0.3, abs=0.04)
    assert float(height[45:].abs().max()) < 0.02


def test_a_seen_body_says_how_well_legs_are_seen(walk_motion: Motion) -> None:
    track = track_of(walk_motion)
    assert seen_body(track).legs_seen == pytest.approx(1.0)


def test_a_foot_that_seems_lower_while_it_swings_does_not_carry() -> None:
    """Two feet change every half second; the one in front always looks two centimetres lower."""
    time = torch.arange(90) / 30.0
    phase = (time % 1.0) * 2
    forward = torch.where(phase < 1, 0.25 - 0.5 * phase, -0.75 + 0.5 * phase)  # metres, 1 m/s
    points = torch.zeros(90, 6, 3, dtype=torch.float64)
    points[:, :3, 2] = forward[:, None]
    points[:, 3:, 2] = torch.roll(forward, 15)[:, None]
    lifted = (phase > 1).double() * 0.03
    points[:, :3, 1] = lifted[:, None]
    points[:, 3:, 1] = torch.roll(lifted, 15)[:, None]
    points[..., 1] -= 0.1 * points[..., 2]
    path = floor_path(points, torch.zeros(90, dtype=torch.bool))
    assert float(path[-1, 1] - path[0, 1]) == pytest.approx(89 / 30, rel=0.15)
    assert float(path[:, 0].abs().max()) < 1e-9


def test_the_root_goes_on_in_the_air() -> None:
    points = torch.zeros(30, 6, 3, dtype=torch.float64)
    points[:, :, 2] = -0.02 * torch.arange(30)[:, None]
    points[10:20] = 0.0  # whatever the feet do meanwhile
    in_air = torch.zeros(30, dtype=torch.bool)
    in_air[9:21] = True
    path = floor_path(points, in_air)
    assert float(path[-1, 1]) == pytest.approx(29 * 0.02, rel=0.02)
    still = floor_path(points[:1], in_air[:1])
    assert not still.any()
