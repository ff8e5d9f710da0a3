import numpy as np
import pytest

from motion.body import BODY_VARIABLE, GENDERS, BodyModel, find_body_file, read_body
from motion.body.files import REQUIRED_KEYS
from motion.errors import WeightsError


@pytest.fixture(scope="module")
def arrays():
    with np.load(find_body_file("neutral")) as file:
        wanted = {key: file[key] for key in REQUIRED_KEYS if key not in ("posedirs", "shapedirs")}
    wanted["shapedirs"] = np.zeros((14030, 3, 20), np.float32)
    wanted["posedirs"] = np.zeros((14030, 3, 486), np.float32)
    return wanted


@pytest.mark.parametrize("gender", GENDERS)
def test_packaged_bodies_load(gender):
    body = BodyModel.load(gender)
    assert body.arrays.is_packaged
    assert body.arrays.pose_dirs is None
    assert body.arrays.shape_dirs.shape[2] == body.arrays.expression_dirs.shape[2] == 10
    assert body.arrays.expression_names[9] == "eye_blink"
    assert body.faces.max() < body.num_vertices
    assert body.colors.shape == (body.num_vertices, 3)


def test_a_licensed_folder_is_found_by_argument_and_variable(tmp_path, monkeypatch, arrays):
    folder = tmp_path / "models" / "smplx"
    folder.mkdir(parents=True)
    np.savez_compressed(folder / "SMPLX_MALE.npz", **arrays)
    path = find_body_file(tmp_path, "male")
    assert path == folder / "SMPLX_MALE.npz"
    body = read_body(path)
    assert not body.is_packaged
    assert tuple(body.colors[0]) == (178, 174, 170)
    monkeypatch.setenv(BODY_VARIABLE, str(path))
    assert find_body_file() == path
    assert find_body_file("neutral").name == "smplx_mh_neutral.npz"
    monkeypatch.setenv(BODY_VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(WeightsError, match=r"MOTION_SMPLX points to .*nowhere.*SMPLX_NEUTRAL\.npz"):
        find_body_file()


def test_unknown_gender_and_missing_file():
    with pytest.raises(WeightsError, match="unknown body gender 'robot'; known are neutral"):
        find_body_file(None, "robot")
    with pytest.raises(WeightsError, match="points to /nowhere"):
        BodyModel.load("/nowhere/body.npz")


def test_missing_keys_are_all_named(tmp_path, arrays):
    path = tmp_path / "body.npz"
    kept = {key: value for key, value in arrays.items() if key not in ("weights", "hands_meanl")}
    np.savez_compressed(path, **kept)
    with pytest.raises(WeightsError, match="lacks weights, hands_meanl; expected an SMPL-X model"):
        read_body(path)


def test_wrong_shapes_are_named(tmp_path, arrays):
    path = tmp_path / "body.npz"
    np.savez_compressed(path, **{**arrays, "weights": np.zeros((14030, 24), np.float32)})
    with pytest.raises(WeightsError, match=r"weights of shape \(14030, 24\) where \(14030, 55\)"):
        read_body(path)


def test_another_tree_is_refused(tmp_path, arrays):
    path = tmp_path / "body.npz"
    tree = arrays["kintree_table"].copy()
    tree[0, 5] = 4
    np.savez_compressed(path, **{**arrays, "kintree_table": tree})
    with pytest.raises(WeightsError, match="another joint tree"):
        read_body(path)


def test_damaged_files_are_refused(tmp_path, arrays):
    path = tmp_path / "body.npz"
    np.savez_compressed(path, **arrays)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match="cannot be read"):
        read_body(path)
    path.write_text("not a zip")
    with pytest.raises(WeightsError, match="cannot be read"):
        read_body(path)
    with path.open("wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(WeightsError, match="a single array"):
        read_body(path)
    np.savez_compressed(path, **{**arrays, "weights": np.array([{}], dtype=object)})
    with pytest.raises(WeightsError, match="cannot be read"):
        read_body(path)
