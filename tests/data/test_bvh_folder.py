import pytest
import torch
from made_bvh import write_foreign_bvh
from made_corpora import write_packed

from motion.data import PreparedCorpus, prepare
from motion.data.bvh_folder import bvh_motion
from motion.data.packed import read_packed
from motion.data.retargeting import retarget
from motion.errors import DataError
from motion.formats import write_bvh


def error(found, wanted):
    """Mean distance of body joints, metres, apart from where the path starts."""
    one, other = found.joints(22), wanted.joints(22)
    shift = (one[:, :1] - other[:, :1]).mean(0) * torch.tensor([1.0, 0.0, 1.0])
    return float(torch.linalg.norm(one - shift - other, dim=-1).mean())


@pytest.mark.parametrize(
    ("kind", "z_up", "prefix"),
    [("mb", False, ""), ("mb", True, "mixamorig:"), ("bandai", False, "")],
)
def test_a_bvh_file_gives_what_the_packed_file_gives(tmp_path, walk_motion, kind, z_up, prefix):
    packed, bvh = tmp_path / "walk.npz", tmp_path / "walk.bvh"
    write_packed(packed, kind, walk_motion)
    write_foreign_bvh(bvh, packed, z_up=z_up, prefix=prefix)
    found = bvh_motion(bvh)
    assert error(found, retarget(read_packed(packed).motion)) < 0.01
    assert found.num_frames == 60


def test_our_own_bvh_files_come_back(tmp_path, walk_motion):
    write_bvh(walk_motion, tmp_path / "walk.bvh")
    found = bvh_motion(tmp_path / "walk.bvh")
    assert error(found, walk_motion) < 0.02


def test_a_folder_is_prepared_with_its_captions(tmp_path, walk_motion):
    packed, folder = tmp_path / "walk.npz", tmp_path / "my clips"
    write_packed(packed, "mb", walk_motion)
    for number in range(6):
        write_foreign_bvh(folder / "sub" / f"walk{number}.bvh", packed)
    (folder / "sub" / "walk0.txt").write_text("a person walks to the left.\n\n", "utf-8")
    (folder / "broken.bvh").write_text("HIERARCHY\n", "utf-8")
    report = prepare("bvh", folder, tmp_path / "out")
    assert report.accepted == 6
    assert list(report.rejected) == ["broken"]
    assert "cut off" in report.rejected["broken"]
    record = PreparedCorpus.load(tmp_path / "out").clips[0]
    assert (record.clip_id, record.corpus) == ("sub/walk0", "my clips")
    assert record.captions[0].text == "a person walks to the left."
    assert record.mirrored_captions[0].text == "a person walks to the right."


def test_skeletons_that_are_not_understood_are_refused(tmp_path, walk_motion):
    packed, bvh = tmp_path / "walk.npz", tmp_path / "walk.bvh"
    write_packed(packed, "mb", walk_motion)
    write_foreign_bvh(bvh, packed)
    text = bvh.read_text("utf-8")
    bvh.write_text(text.replace("LeftForeArm", "Tentacle"), "utf-8")
    with pytest.raises(DataError, match=r"no joints found for \['left_elbow'\]"):
        bvh_motion(bvh)
    write_packed(packed, "bandai", walk_motion)
    write_foreign_bvh(bvh, packed)
    bvh.write_text(bvh.read_text("utf-8").replace("Chest", "Ribs"), "utf-8")
    with pytest.raises(DataError, match="rest pose is no standing pose"):
        bvh_motion(bvh)
