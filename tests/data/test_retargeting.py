import pytest
import torch
from made_corpora import write_packed

from motion.data.cleaning import jump_frames, longest_span, t_pose_frames, without_flips
from motion.data.floor import floor_statistics, sole_points
from motion.data.packed import read_packed
from motion.data.retargeting import Calibration, head_pitches, retarget
from motion.data.skeletons import SKELETONS
from motion.errors import DataError
from motion.representation import JOINT_INDEX, Motion

LIMBS = [
    (f"{side}_{a}", f"{side}_{b}")
    for side in ("left", "right")
    for a, b in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
]


@pytest.fixture(params=["bandai", "mb"])
def source(request, tmp_path, walk_motion):
    path = tmp_path / "walk.npz"
    write_packed(path, request.param, walk_motion)
    return read_packed(path).motion


def angles(found, wanted):
    cosine = torch.cosine_similarity(found, wanted, dim=-1).clamp(-1, 1)
    return torch.rad2deg(torch.acos(cosine))


def test_limbs_point_where_the_source_points(source):
    joints = retarget(source).joints(22)
    partners = SKELETONS[source.skeleton].partners
    places = dict(zip(source.joint_names, source.world()[1].unbind(1), strict=True))
    for start, end in LIMBS:
        bone = joints[:, JOINT_INDEX[end]] - joints[:, JOINT_INDEX[start]]
        wanted = places[partners[end]] - places[partners[start]]
        limit = 5.0 if "knee" in start + end else 0.5  # legs also bend to put the feet down
        assert angles(bone, wanted).mean() < limit, (start, end)


def test_the_person_faces_z_with_the_left_at_x_and_knees_bending_forward(source):
    joints = retarget(source).joints(22)
    place = {name: joints[:, index] for name, index in JOINT_INDEX.items() if index < 22}
    assert (place["left_hip"] - place["right_hip"])[:, 0].min() > 0.1
    assert (place["left_shoulder"] - place["right_shoulder"])[:, 0].min() > 0.1
    assert (place["left_foot"] - place["left_ankle"])[:, 2].median() > 0.05
    assert (place["head"] - place["pelvis"])[:, 1].min() > 0.3
    for side in ("left", "right"):
        hip, knee, ankle = (place[f"{side}_{name}"] for name in ("hip", "knee", "ankle"))
        middle = (hip + ankle) / 2
        assert (knee - middle)[:, 2].min() > -0.01


def test_feet_stand_on_the_floor_and_do_not_slide(source, walk_motion):
    motion = retarget(source)
    lowest = sole_points(motion)[..., 1].amin(-1)
    assert lowest.min() > -0.005
    assert lowest.median() < 0.02
    slide = floor_statistics([motion]).slide_cm_per_s
    assert slide < floor_statistics([walk_motion]).slide_cm_per_s + 15
    assert motion.parts == {"lower", "upper"}


def test_the_unit_of_the_source_does_not_matter(source):
    from dataclasses import replace

    in_cm = replace(source, root=source.root * 100, offsets=source.offsets * 100)
    one, other = retarget(source), retarget(in_cm)
    torch.testing.assert_close(one.transl, other.transl, atol=2e-3, rtol=0)


def test_mirroring_twice_changes_nothing(source):
    motion = retarget(source)
    twice = motion.mirrored().mirrored()
    assert torch.equal(twice.full_pose, motion.full_pose)
    assert torch.equal(twice.transl, motion.transl)
    mirrored = motion.mirrored().joints(22)[:, JOINT_INDEX["left_wrist"]]
    wanted = motion.joints(22)[:, JOINT_INDEX["right_wrist"]] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(mirrored, wanted, atol=1e-4, rtol=0)


def test_a_head_that_leans_too_far_is_straightened(source):
    lean = torch.tensor(head_pitches(source)).mean()
    straight = retarget(source, Calibration(head_pitch=20.0))
    head = straight.local_matrix(22)
    before = retarget(source).local_matrix(22)
    assert abs(lean) < 10
    turned = before[:, JOINT_INDEX["head"]].transpose(-1, -2) @ head[:, JOINT_INDEX["head"]]
    assert torch.rad2deg(torch.asin(turned[:, 1, 2])).mean() == pytest.approx(10, abs=1)


def test_unknown_skeletons_and_missing_joints_are_named(source):
    from dataclasses import replace

    with pytest.raises(DataError, match="'spider' is unknown"):
        retarget(replace(source, skeleton="spider"))
    names = tuple(name.replace("Head", "Skull") for name in source.joint_names)
    with pytest.raises(DataError, match="needs the joints"):
        retarget(replace(source, joint_names=names))


def test_root_jumps_are_found_and_cut_around(source):
    from dataclasses import replace

    root = source.root.clone()
    root[40:] += torch.tensor([0.3, 0.0, 0.0])
    jumping = replace(source, root=root)
    assert jump_frames(source) == []
    assert jump_frames(jumping) == [40]
    assert longest_span(10, 60, [40]) == (10, 40)
    assert longest_span(10, 60, [5, 60, 70]) == (10, 60)


def test_t_poses_at_the_start_are_counted(walk_motion):
    still = Motion.from_full_pose(torch.zeros(12, 165), torch.zeros(12, 3))
    assert t_pose_frames(still) == 12
    assert t_pose_frames(walk_motion) == 0


def flipped(source, joint, frames, degrees=170.0):
    from dataclasses import replace

    from motion.geometry import axis_angle_to_matrix

    turn = axis_angle_to_matrix(torch.deg2rad(torch.tensor([0.0, degrees, 0.0])))
    local = source.local_matrix.clone()
    place = source.joint_names.index(joint)
    local[frames, place] = local[frames, place] @ turn
    return replace(source, local_matrix=local), place


def test_short_flips_are_bridged(source):
    joint = SKELETONS[source.skeleton].partners["left_knee"]
    broken, place = flipped(source, joint, slice(20, 24))
    mended, cuts = without_flips(broken)
    assert cuts == []
    error = (mended.local_matrix - source.local_matrix).abs()
    assert error[:, place].max() < 0.4  # the knee went on turning during the four frames
    assert error[:20].max() == 0


def test_long_flips_and_a_broken_first_frame_are_cut(source):
    joint = SKELETONS[source.skeleton].partners["left_knee"]
    assert without_flips(flipped(source, joint, slice(20, 60))[0])[1] == [20]
    assert without_flips(flipped(source, joint, slice(0, 1))[0])[1] == [1]


def test_the_end_of_a_limb_is_not_worth_a_cut(source):
    joint = SKELETONS[source.skeleton].partners["left_wrist"]
    mended, cuts = without_flips(flipped(source, joint, slice(20, 60))[0])
    assert cuts == []
    assert without_flips(mended)[1] == []


def test_a_head_that_is_upside_down_goes_with_the_chest(source):
    joint = SKELETONS[source.skeleton].partners["head"]
    broken, _ = flipped(source, joint, slice(30, 60))
    found, wanted = retarget(broken), retarget(source)
    head = JOINT_INDEX["head"]
    moved = (found.joints(22) - wanted.joints(22)).abs()
    assert moved[:20].max() < 1e-4
    assert moved.max() < 0.1
    up = torch.eye(3)[1]
    lean = (found.local_matrix(22)[40:, head] @ up)[:, 1]
    assert lean.min() > 0.8
