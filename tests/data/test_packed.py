import numpy as np
import pytest
import torch
from made_corpora import write_packed
from scipy.spatial.transform import Rotation

from motion.data.packed import read_packed
from motion.errors import DataError


@pytest.fixture
def packed_path(tmp_path, walk_motion):
    path = tmp_path / "walk.npz"
    write_packed(path, "bandai", walk_motion, clips={"a": 20, "b": 40})
    return path


def test_forward_kinematics_agree_with_scipy(packed_path):
    found = read_packed(packed_path).motion
    rotations, positions = found.world()
    arrays = np.load(packed_path)
    for frame in (0, 31):
        turns, places = [], []
        for joint, parent in enumerate(arrays["parents"]):
            turn = Rotation.from_rotvec(arrays["rot"][frame, joint] * np.pi / 8192)
            place = arrays["root"][frame]
            if parent >= 0:
                place = places[parent] + turns[parent].apply(arrays["offsets"][joint])
                turn = turns[parent] * turn
            turns.append(turn)
            places.append(place)
        wanted = np.stack([turn.as_matrix() for turn in turns])
        np.testing.assert_allclose(rotations[frame].numpy(), wanted, atol=1e-4)
        np.testing.assert_allclose(positions[frame].numpy(), np.stack(places), atol=1e-4)


def test_clips_lie_end_to_end(packed_path):
    assert read_packed(packed_path).spans() == {"a": (0, 20), "b": (20, 60)}


def test_a_cut_off_file_is_named(packed_path):
    packed_path.write_bytes(packed_path.read_bytes()[:500])
    with pytest.raises(DataError, match=r"walk\.npz"):
        read_packed(packed_path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("rot", np.zeros((3, 2, 3), np.int16), "do not fit"),
        ("parents", np.arange(21), "parents"),
        ("lengths", np.array([20, 41]), "61 frames in all"),
        ("fps", np.float32(0), "fps positive"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(packed_path, key, value, message):
    arrays = dict(np.load(packed_path))
    np.savez(packed_path, **{**arrays, key: value})
    with pytest.raises(DataError, match=message):
        read_packed(packed_path)


def test_missing_keys_are_listed(packed_path):
    arrays = dict(np.load(packed_path))
    del arrays["root"], arrays["fps"]
    np.savez(packed_path, **arrays)
    with pytest.raises(DataError, match=r"missing: \['fps', 'root'\]"):
        read_packed(packed_path)


_REFERENCES = {
    "cmu_asf_02_01": ("cmu_mocap/motions/02_01.npz", None),
    "cmu_mb_35_17": ("cmu_mocap/motions/35_17.npz", None),
    "cmu_daz_60_10": ("cmu_mocap/motions/60_10.npz", None),
    "bandai_dataset-1_walk_active_001": (
        "bandai_namco/motions/dataset-1_walk.npz",
        "dataset-1_walk_active_001",
    ),
}


@pytest.mark.parametrize("key", _REFERENCES)
def test_real_files_give_the_reference_positions(corpora, key):
    import json

    file, clip = _REFERENCES[key]
    packed = read_packed(corpora / file)
    start = packed.spans()[clip][0] if clip else 0
    motion = packed.motion.frames(start, start + 60)
    tables = json.loads((corpora / "joint_maps.json").read_text("utf-8"))
    table = tables["maps"][motion.skeleton]
    places = dict(zip(motion.joint_names, motion.world()[1].unbind(1), strict=True))
    found = [sum(w * places[n] for n, w in table[joint]) for joint in tables["joint_order"]]
    wanted = torch.from_numpy(np.load(corpora / "fk_reference.npz")[key])
    assert (torch.stack(found, 1) - wanted).abs().max() < 0.001
