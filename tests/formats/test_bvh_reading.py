from fractions import Fraction

import pytest
import torch
from made_bvh import write_foreign_bvh
from made_corpora import write_packed

from motion.data.packed import read_packed
from motion.errors import FormatError
from motion.formats.bvh_reading import read_bvh_file


@pytest.fixture
def files(tmp_path, walk_motion):
    packed, bvh = tmp_path / "walk.npz", tmp_path / "walk.bvh"
    write_packed(packed, "mb", walk_motion)
    write_foreign_bvh(bvh, packed)
    return packed, bvh


def test_world_rotations_and_positions_come_back(files):
    wanted = read_packed(files[0]).motion
    found = read_bvh_file(files[1])
    assert found.fps == Fraction(30)
    places = [found.names.index(name) for name in wanted.joint_names]
    rotations, positions = found.world()
    wanted_rotations, wanted_positions = wanted.world()
    torch.testing.assert_close(rotations[:, places], wanted_rotations, atol=1e-4, rtol=0)
    torch.testing.assert_close(positions[:, places] / 100, wanted_positions, atol=1e-4, rtol=0)


def test_end_sites_are_joints_that_never_turn(files):
    found = read_bvh_file(files[1])
    end = found.names.index("LeftToeBase end")
    assert found.names[found.parents[end]] == "LeftToeBase"
    assert found.offsets[end].tolist() == [0, 0, 1]
    assert torch.equal(found.local_matrix[:, end], torch.eye(3).expand(60, 3, 3))


def break_line(text, start, replacement):
    lines = text.splitlines()
    at = next(k for k, line in enumerate(lines) if line.strip().startswith(start))
    lines[at] = replacement
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: "", "is cut off: expected HIERARCHY"),
        (lambda text: "hello", "line 1: expected HIERARCHY, found 'hello'"),
        (lambda text: text[: len(text) // 60], "is cut off"),
        (lambda text: text[: len(text) * 3 // 4], r"frame \d+ of 60 has \d+ numbers, expected 72"),
        (lambda text: break_line(text, "OFFSET", "OFFSET 1 2"), "three finite numbers"),
        (lambda text: break_line(text, "OFFSET", "OFFSET 1 2 x"), "line 4: expected OFFSET"),
        (lambda text: break_line(text, "CHANNELS", "CHANNELS 3 Xrotation"), "as many channels"),
        (lambda text: break_line(text, "Frames:", "Frames: many"), "'Frames: N'"),
        (lambda text: break_line(text, "Frame Time:", "Frame Time: 0"), "positive frame time"),
        (lambda text: break_line(text, "JOINT", "BONE x"), "found 'BONE x'"),
        (lambda text: text.rstrip().rsplit(" ", 1)[0] + " nan", "frame 60 holds a number that"),
        (lambda text: text.rstrip().rsplit(" ", 1)[0] + " 1,5", "something else"),
    ],
)
def test_broken_files_say_what_is_wrong_and_where(files, damage, message):
    path = files[1]
    path.write_text(damage(path.read_text("utf-8")), "utf-8")
    with pytest.raises(FormatError, match=message):
        read_bvh_file(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FormatError, match=r"none\.bvh"):
        read_bvh_file(tmp_path / "none.bvh")
