from dataclasses import replace

import numpy as np
import pytest
import torch
from made_motions import make_walk
from scipy.spatial.transform import Rotation

from motion.errors import ConfigError, FormatError, OutputError, RequestError
from motion.formats import BVH_NAMES, BvhConfig, read_bvh, write_bvh
from motion.formats.bvh import matrix_to_zxy
from motion.representation import JOINT_INDEX, NUM_JOINTS, Motion


def waving_walk(num_frames=20):
    """A walk that spins through a full turn, waves with its fingers and talks."""
    walk = make_walk(num_frames)
    pose = walk.full_pose.reshape(num_frames, NUM_JOINTS, 3).clone()
    phase = torch.linspace(0, 4, num_frames)
    pose[:, 0, 1] = 2 * phase
    for finger in ("index", "middle", "ring", "pinky", "thumb"):
        for knuckle in "123":
            pose[:, JOINT_INDEX[f"left_{finger}{knuckle}"], 2] = -0.7 * torch.sin(phase).abs()
            pose[:, JOINT_INDEX[f"right_{finger}{knuckle}"], 2] = 0.5 * torch.cos(phase).abs()
    pose[:, JOINT_INDEX["jaw"], 0] = 0.2 * torch.sin(3 * phase).abs()
    pose[:, JOINT_INDEX["right_shoulder"], 2] = -0.9
    return Motion.from_full_pose(pose.flatten(1), walk.transl, fps=30.0)


@pytest.fixture(scope="module")
def motion():
    return waving_walk()


@pytest.mark.parametrize("units", [1.0, 100.0])
def test_read_after_write_gives_the_same_joints(tmp_path, motion, units):
    write_bvh(motion, tmp_path / "m.bvh", BvhConfig(units_per_metre=units))
    again = read_bvh(tmp_path / "m.bvh")
    error = (again.joints() - motion.joints()).norm(dim=-1)
    assert error.max() < 1e-4  # metres
    assert again.fps == 30.0
    assert again.parts == motion.parts
    assert again.source == "m"


def test_an_independent_reading_gives_the_same_joints(tmp_path, motion):
    """Offsets, channels and order as any program reads them, with scipy's rotations."""
    write_bvh(motion, tmp_path / "m.bvh")
    text = (tmp_path / "m.bvh").read_text()
    head, tail = text.split("MOTION\n")
    rows = np.array([line.split() for line in tail.splitlines()[2:]], dtype=float)
    stack, position, rotation, column, found = [], {}, {}, 0, {}
    name = None
    for line in head.splitlines():
        words = line.split()
        if words[0] in ("ROOT", "JOINT"):
            name = words[1]
        elif words[0] == "End":
            name = "end"
        elif words[0] == "{":
            stack.append(name)
        elif words[0] == "}":
            stack.pop()
        elif words[0] == "OFFSET":
            offset = np.array(words[1:], dtype=float)
        elif words[0] == "CHANNELS":
            assert words[-3:] == ["Zrotation", "Xrotation", "Yrotation"]
            parent = stack[-2] if len(stack) > 1 else None
            if parent is None:
                assert words[2:5] == ["Xposition", "Yposition", "Zposition"]
                position[name] = rows[:, :3] + offset
                column += 3
            else:
                position[name] = position[parent] + rotation[parent].apply(offset)
            local = Rotation.from_euler("ZXY", rows[:, column : column + 3], degrees=True)
            rotation[name] = local if parent is None else rotation[parent] * local
            column += 3
            found[name] = position[name]
    assert column == rows.shape[1]
    joints = motion.joints().numpy()
    for joint, bvh_name in enumerate(BVH_NAMES):
        assert np.abs(found[bvh_name] / 100 - joints[:, joint]).max() < 1e-4, bvh_name


def test_text_keeps_the_conventions(tmp_path, motion):
    write_bvh(motion, tmp_path / "m.bvh")
    lines = (tmp_path / "m.bvh").read_text().splitlines()
    assert lines[:4] == ["HIERARCHY", "ROOT Hips", "{", "  OFFSET 0.000000 0.000000 0.000000"]
    assert "  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation" in lines
    assert "Frames: 20" in lines
    assert "Frame Time: 0.0333333333333" in lines
    names = [line.split()[1] for line in lines if line.split()[0] in ("ROOT", "JOINT")]
    assert sorted(names) == sorted(BVH_NAMES)
    assert {"LeftUpLeg", "RightHandIndex3", "LeftForeArm", "Jaw", "Spine2"} < set(names)
    # every bone ends: 10 fingers, 2 toes, jaw, 2 eyes
    assert sum("End Site" in line for line in lines) == 15
    assert sum(line.strip() == "{" for line in lines) == sum(line.strip() == "}" for line in lines)


def test_face_can_be_left_out(tmp_path, motion):
    write_bvh(motion, tmp_path / "m.bvh", BvhConfig(include_face=False))
    text = (tmp_path / "m.bvh").read_text()
    assert "Jaw" not in text
    assert text.count("End Site") == 13  # the head ends a bone now
    again = read_bvh(tmp_path / "m.bvh")
    assert (again.joints(22) - motion.joints(22)).norm(dim=-1).max() < 1e-4
    assert again.parts == {"lower", "upper", "left_hand", "right_hand"}


@pytest.mark.parametrize("fps", [24.0, 30000 / 1001, 59.94, 120.0])
def test_frame_rates_come_back(tmp_path, motion, fps):
    write_bvh(replace(motion, fps=fps), tmp_path / "m.bvh")
    assert read_bvh(tmp_path / "m.bvh").fps == pytest.approx(fps, rel=2e-5)


def test_angles_do_not_jump(motion):
    angles = matrix_to_zxy(motion.local_matrix().double().numpy())
    turns = Rotation.from_euler("ZXY", angles.reshape(-1, 3)).as_matrix()
    assert np.abs(turns.reshape(20, 55, 3, 3) - motion.local_matrix().numpy()).max() < 1e-6
    assert np.abs(np.diff(angles, axis=0)).max() < 0.6  # radians a frame; the root turns by 0.42
    assert np.ptp(angles[:, 0, 2]) > 2 * np.pi  # the turn goes on and does not wrap


def test_locked_angles_give_the_rotation_all_the_same():
    rotation = Rotation.from_euler("ZXY", [[30, 90, 20], [10, -90, 0]], degrees=True).as_matrix()
    angles = matrix_to_zxy(rotation[:, None])
    again = Rotation.from_euler("ZXY", angles[:, 0]).as_matrix()
    assert np.abs(again - rotation).max() < 1e-6


def test_relaxed_hands_are_refused(tmp_path, motion):
    with pytest.raises(RequestError, match=r"with_flat_hands\(motion\)"):
        write_bvh(replace(motion, flat_hand_mean=False), tmp_path / "m.bvh")
    with pytest.raises(ConfigError, match="units_per_metre must be above zero"):
        BvhConfig(units_per_metre=0.0)
    with pytest.raises(OutputError, match="it is a folder"):
        write_bvh(motion, tmp_path)


def test_other_skeletons_are_refused(tmp_path, motion):
    write_bvh(motion, tmp_path / "m.bvh")
    text = (tmp_path / "m.bvh").read_text()
    (tmp_path / "named.bvh").write_text(text.replace("JOINT LeftArm", "JOINT lShldr"))
    with pytest.raises(FormatError, match=r"another skeleton .*LeftArm.*lShldr.*retarget"):
        read_bvh(tmp_path / "named.bvh")
    lines = text.splitlines()
    place = next(i for i, line in enumerate(lines) if "JOINT LeftForeArm" in line) + 2
    lines[place] = "OFFSET 40.0 0.0 0.0"
    (tmp_path / "bones.bvh").write_text("\n".join(lines))
    with pytest.raises(FormatError, match="our joint names but other bones"):
        read_bvh(tmp_path / "bones.bvh")


def test_damaged_files_are_one_sentence(tmp_path, motion):
    write_bvh(motion, tmp_path / "m.bvh")
    text = (tmp_path / "m.bvh").read_text()
    path = tmp_path / "bad.bvh"
    for content in ("hello", text[: len(text) // 20], text[: len(text) * 2 // 3]):
        path.write_text(content)
        with pytest.raises(FormatError) as caught:
            read_bvh(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
