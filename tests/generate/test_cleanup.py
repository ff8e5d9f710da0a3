"""Foot locking on a made walk and on what was done to it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_motions import make_walk

from motion.errors import RequestError
from motion.evaluate.foot_metrics import foot_metrics
from motion.generate.cleanup import FootLockConfig, foot_lock
from motion.generate.foot_contacts import ContactConfig, edge_taper, planted_frames, smooth
from motion.generate.foot_solver import ShiftConfig, height_shifts, still_shifts
from motion.generate.leg_pose import ANKLE, LEG_JOINTS, Legs
from motion.representation import (
    JOINT_INDEX,
    NUM_BODY_JOINTS,
    SOLE_HEIGHT,
    Motion,
    foot_contact,
    sole_points,
)

FRAMES = 150
PELVIS = 0


@pytest.fixture(scope="module")
def walk() -> Motion:
    return make_walk(FRAMES)


@pytest.fixture(scope="module")
def contacts(walk: Motion) -> torch.Tensor:
    return foot_contact(walk.joints(NUM_BODY_JOINTS))


def shifted(motion: Motion, *, y: float = 0.0, drift: float = 0.0) -> Motion:
    transl = motion.transl.clone()
    transl[:, 1] += y
    transl[:, 0] += drift * torch.arange(len(transl)) / 30
    return replace(motion, transl=transl)


def noisy(motion: Motion) -> Motion:
    generator = torch.Generator().manual_seed(3)
    pose = smooth(torch.randn(motion.num_frames, 63, generator=generator), 9) * 0.04
    root = smooth(torch.randn(motion.num_frames, 3, generator=generator), 9) * 0.012
    return replace(motion, body_pose=motion.body_pose + pose, transl=motion.transl + root)


def joint_change(one: Motion, other: Motion) -> torch.Tensor:
    return torch.linalg.norm(one.joints(NUM_BODY_JOINTS) - other.joints(NUM_BODY_JOINTS), dim=-1)


def acceleration(motion: Motion) -> torch.Tensor:
    return torch.linalg.norm(torch.diff(motion.joints(NUM_BODY_JOINTS), n=2, dim=0), dim=-1) * 900


def standing(num_frames: int, speed: float = 0.0) -> Motion:
    transl = torch.zeros(num_frames, 3)
    transl[:, 1] = -SOLE_HEIGHT
    transl[:, 2] = torch.arange(num_frames) / 30 * speed
    return Motion.from_full_pose(torch.zeros(num_frames, 165), transl)


def test_a_clean_walk_stays_as_it_is(walk: Motion, contacts: torch.Tensor):
    locked = foot_lock(walk, contacts)
    assert locked.num_frames == FRAMES
    assert joint_change(walk, locked).max() < 1e-4


def test_drift_no_longer_slides(walk: Motion, contacts: torch.Tensor):
    drifting = shifted(walk, drift=0.05)
    locked = foot_lock(drifting, contacts)
    before, after = (foot_metrics(m, contacts=contacts).slide_speed for m in (drifting, locked))
    assert before == pytest.approx(0.05, abs=0.002)
    assert after < 0.01
    assert joint_change(drifting, locked).mean() < 0.01


@pytest.mark.parametrize("offset", [0.03, -0.03])
def test_a_constant_offset_is_taken_from_the_root(
    walk: Motion, contacts: torch.Tensor, offset: float
):
    locked = foot_lock(shifted(walk, y=offset), contacts)
    lowest = sole_points(locked)[..., 1].amin(-1)
    planted = contacts.any(-1)
    assert lowest[planted].abs().quantile(0.95) < 0.003
    assert lowest.min() > -0.005
    assert (locked.transl - walk.transl)[:, 1].abs().mean() < 0.012


def test_noise_is_damped_without_pops(walk: Motion, contacts: torch.Tensor):
    damaged = noisy(walk)
    locked = foot_lock(damaged, contacts)
    before, after = (foot_metrics(m, contacts=contacts) for m in (damaged, locked))
    assert after.slide_speed < 0.4 * before.slide_speed
    assert after.penetration < 0.001
    assert joint_change(damaged, locked).mean() < 0.03
    assert acceleration(locked).mean() < 1.1 * acceleration(damaged).mean()
    root = torch.diff(locked.transl - damaged.transl, dim=0).abs() * 30
    assert root.max() < 0.3  # metres a second: the root glides, it never jumps


def test_probabilities_do_what_labels_do(walk: Motion, contacts: torch.Tensor):
    damaged = noisy(walk)
    soft = foot_lock(damaged, contacts * 0.8 + 0.1)
    assert torch.equal(soft.body_pose, foot_lock(damaged, contacts).body_pose)


def test_contacts_are_measured_when_not_given(walk: Motion):
    damaged = shifted(walk, drift=0.04)
    measured = foot_contact(damaged.joints(NUM_BODY_JOINTS))
    assert torch.equal(foot_lock(damaged).transl, foot_lock(damaged, measured).transl)


def test_identity_without_contacts(walk: Motion):
    assert foot_lock(walk, torch.zeros(FRAMES, 4)) is walk
    flying = shifted(walk, y=1.0)
    assert foot_lock(flying) is flying
    armless = replace(walk, parts=frozenset({"upper"}))
    assert foot_lock(armless) is armless
    short = walk.frames(0, 3)
    assert foot_lock(short, torch.ones(3, 4)) is short


def test_frames_far_from_contacts_keep_their_place(walk: Motion, contacts: torch.Tensor):
    damaged = shifted(walk, drift=0.05)
    early = contacts.clone()
    early[20:] = False
    change = joint_change(damaged, foot_lock(damaged, early))
    assert change[:20].max() > 0.003
    assert change[110:].max() < 0.001


def test_a_jump_stays_a_jump():
    transl = standing(90).transl.clone()
    height = torch.zeros(90)
    air = slice(35, 54)
    height[air] = torch.sin(torch.linspace(0, torch.pi, 19)) * 0.4
    transl[:, 1] += height + 0.02
    jump = replace(standing(90), transl=transl)
    locked = foot_lock(jump)
    top = (locked.transl - jump.transl)[44]
    assert top[1].abs() < 0.03
    assert locked.transl[:, 1].max() - locked.transl[0, 1] == pytest.approx(0.4, abs=0.02)


def test_a_long_stand_with_drift_is_held_by_the_root():
    gliding = standing(240, speed=0.04)
    locked = foot_lock(gliding, torch.ones(240, 4))
    ankle = locked.joints(NUM_BODY_JOINTS)[:, JOINT_INDEX["left_ankle"]]
    travelled = (ankle.amax(0) - ankle.amin(0))[2]
    assert travelled < 0.06  # 32 cm before
    pelvis = locked.root_position[:, 2]
    assert (pelvis.max() - pelvis.min()) < 0.12


def test_a_foot_meant_to_glide_is_left_alone():
    gliding = standing(60, speed=1.0)
    change = joint_change(gliding, foot_lock(gliding, torch.ones(60, 4)))
    assert change.max() < 0.005


def test_a_step_off_the_floor_keeps_its_height(walk: Motion, contacts: torch.Tensor):
    on_a_box = shifted(walk, y=0.5)
    locked = foot_lock(on_a_box, contacts)
    assert (locked.transl - on_a_box.transl)[:, 1].abs().max() < 0.03


def test_hands_and_face_are_not_touched(walk: Motion, contacts: torch.Tensor):
    locked = foot_lock(noisy(walk), contacts)
    legs = {joint for row in LEG_JOINTS for joint in row}
    others = [j for j in range(1, NUM_BODY_JOINTS) if j not in legs]
    pose, kept = (m.body_pose.reshape(FRAMES, 21, 3) for m in (locked, noisy(walk)))
    assert torch.equal(pose[:, [j - 1 for j in others]], kept[:, [j - 1 for j in others]])
    assert torch.equal(locked.global_orient, walk.global_orient)


def test_turning_the_scene_turns_the_result(walk: Motion, contacts: torch.Tensor):
    damaged = noisy(walk)
    quarter = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    pelvis = damaged.root_position - damaged.transl
    turned = replace(
        damaged,
        global_orient=torch.tensor([0.0, torch.pi / 2, 0.0]).expand(FRAMES, 3).clone(),
        transl=damaged.root_position @ quarter.T - pelvis,
    )
    one, other = foot_lock(damaged, contacts), foot_lock(turned, contacts)
    there = one.joints(NUM_BODY_JOINTS) @ quarter.T
    assert torch.allclose(there, other.joints(NUM_BODY_JOINTS), atol=2e-4)


def test_legs_round_trip(walk: Motion):
    legs = Legs.of(walk)
    joints = walk.joints(NUM_BODY_JOINTS)
    for row, places in zip(LEG_JOINTS, legs.position.unbind(1), strict=True):
        assert torch.allclose(places, joints[:, list(row)], atol=1e-5)
    none = torch.zeros(FRAMES, 3)
    same = legs.reaching(none, legs.position[:, ANKLE]).written_to(walk, none)
    assert joint_change(walk, same).max() < 1e-4
    assert torch.allclose(legs.sole().flatten(1, 2), sole_points(walk), atol=1e-5)


def test_solver_equals_a_dense_least_squares():
    generator = np.random.default_rng(0)
    frames, config = 12, ShiftConfig()
    places = generator.normal(size=(frames, 2, 2, 1))
    weights = generator.uniform(size=(frames, 2, 2))
    rows, right = [], []

    def add(cost: float, entries: dict[tuple[int, int], float], value: float) -> None:
        row = np.zeros((frames, 3))
        for place, factor in entries.items():
            row[place] = factor
        rows.append(np.sqrt(cost) * row.ravel())
        right.append(np.sqrt(cost) * value)

    for t in range(frames):
        for u in range(3):
            add(config.root_size if u == 0 else config.leg_size, {(t, u): 1.0}, 0.0)
            if t >= 2:
                bend = config.leg_bend if u else config.root_bend(config.root_blend_frames)
                add(bend, {(t, u): 1.0, (t - 1, u): -2.0, (t - 2, u): 1.0}, 0.0)
        for foot in range(2 if t else 0):
            for point in range(2):
                cost = weights[t, foot, point] * weights[t - 1, foot, point]
                step = places[t, foot, point, 0] - places[t - 1, foot, point, 0]
                entries = {(t, 0): 1.0, (t, foot + 1): 1.0}
                entries |= {(t - 1, 0): -1.0, (t - 1, foot + 1): -1.0}
                add(cost, entries, -step)
    dense = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0].reshape(frames, 3)
    found = still_shifts(places, weights, config)
    assert np.allclose(found.root[:, 0], dense[:, 0], atol=1e-6)
    assert np.allclose(found.feet[..., 0], dense[:, :1] + dense[:, 1:], atol=1e-6)


def test_heights_reach_the_floor():
    heights = np.full((60, 2), 0.03)
    found = height_shifts(heights, np.ones((60, 2)), ShiftConfig())
    assert np.abs(heights + found.feet[..., 0]).max() < 1e-3
    assert np.abs(found.root + 0.03).max() < 0.005


def test_contacts_have_hysteresis_and_a_least_length():
    config = ContactConfig(max_gap_frames=2, min_frames=4)
    probability = torch.tensor([0.1, 0.5, 0.7, 0.5, 0.5, 0.7, 0.1, 0.1, 0.9, 0.5, 0.5, 0.3, 0.2])
    planted = planted_frames(probability[:, None], config)[:, 0]
    assert planted.tolist() == [False] * 2 + [True] * 9 + [False] * 2
    brief = torch.tensor([0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0])[:, None]
    assert not planted_frames(brief, config).any()


def test_taper_rises_inside_contacts():
    planted = torch.tensor([0, 0, 1, 1, 1, 1, 1, 1, 1, 0]).bool()[:, None]
    weight = edge_taper(planted, 2)[:, 0]
    assert weight[:2].eq(0).all()
    assert weight[2] < weight[3] < weight[4] == 1
    assert weight[8] < weight[7] < weight[6] == 1
    assert edge_taper(torch.ones(6, 1, dtype=torch.bool), 2).eq(1).all()


def test_what_cannot_be_done_is_said(walk: Motion):
    with pytest.raises(RequestError, match="150 frames, got 3"):
        foot_lock(walk, torch.ones(3, 4))
    with pytest.raises(RequestError, match="30 frames per second"):
        foot_lock(replace(walk, fps=60.0))
    with pytest.raises(ValueError, match="flat_degrees"):
        FootLockConfig(flat_degrees=0.0)
    with pytest.raises(ValueError, match="off_probability"):
        ContactConfig(on_probability=0.2)
