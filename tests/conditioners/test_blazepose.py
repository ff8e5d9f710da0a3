"""BlazePose: refinement against a naive loop, baking, damage, and the true networks."""

import math
import sys
from pathlib import Path

import pytest
import torch
from made_weights import make_wheel

from motion.conditioners.baking import is_baked
from motion.conditioners.blazepose import (
    BLAZEPOSE,
    LANDMARK_INDEX,
    LANDMARKS,
    BlazePose,
    refine,
)
from motion.conditioners.packaged import find_packaged
from motion.errors import MissingDependencyError, WeightsError
from motion.formats.film import read_pictures

GREETING = Path(__file__).parents[1] / "fixtures" / "curation" / "greeting.mp4"


@pytest.fixture(scope="module")
def pose() -> BlazePose:
    pytest.importorskip("ai_edge_litert")
    if not is_baked(BLAZEPOSE.folder):
        pytest.skip("blazepose is not in the cache")
    return BlazePose.load()


def naive_refine(shares: torch.Tensor, heat: torch.Tensor) -> torch.Tensor:
    out = shares.clone()
    for index, (x, y) in enumerate(shares.tolist()):
        column, row = int(x * 64), int(y * 64)
        if not (x >= 0 and y >= 0 and column < 64 and row < 64):
            continue
        total, place, most = 0.0, [0.0, 0.0], 0.0
        for r in range(max(0, row - 3), min(64, row + 4)):
            for c in range(max(0, column - 3), min(64, column + 4)):
                chance = 1 / (1 + math.exp(-float(heat[r, c, index])))
                total, most = total + chance, max(most, chance)
                place = [place[0] + c * chance, place[1] + r * chance]
        if most >= 0.5:
            out[index] = torch.tensor([p / 64 / total for p in place])
    return out


def test_refinement_is_the_published_one() -> None:
    shares = torch.rand(39, 2) * 1.2 - 0.1
    heat = torch.randn(64, 64, 39) * 2 - 1
    heat[..., 5] = -4.0  # an unsure map moves nothing
    torch.testing.assert_close(refine(shares, heat), naive_refine(shares, heat))


def test_names_of_the_landmarks() -> None:
    assert len(LANDMARKS) == 33
    expected = {"nose": 0, "left_ear": 7, "right_mouth": 10, "left_shoulder": 11, "right_wrist": 16}
    expected |= {"left_hip": 23, "right_knee": 26, "left_heel": 29, "right_toe": 32}
    assert {name: LANDMARK_INDEX[name] for name in expected} == expected


def test_baking_copies_the_two_networks(tmp_path: Path) -> None:
    assert find_packaged("blazepose") is BLAZEPOSE
    members = {f"mediapipe/modules/{name}": name.encode() for name in (
        "pose_detection/pose_detection.tflite", "pose_landmark/pose_landmark_full.tflite",
        "face_landmark/face_landmark.tflite",
    )}  # fmt: skip
    wheel = make_wheel(tmp_path, members)
    out = tmp_path / "baked"
    out.mkdir()
    BLAZEPOSE.bake([tmp_path / wheel.filename], out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        "pose_detection.tflite": b"pose_detection/pose_detection.tflite",
        "pose_landmark_full.tflite": b"pose_landmark/pose_landmark_full.tflite",
    }


def test_damage_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"there is no pose_detection\.tflite"):
        BlazePose(tmp_path)
    pytest.importorskip("ai_edge_litert")
    (tmp_path / "pose_detection.tflite").write_bytes(b"no network")
    with pytest.raises(WeightsError, match="damaged"):
        BlazePose(tmp_path)


def test_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(MissingDependencyError, match=r"motionlm\[video\]"):
        BlazePose.load()


def test_a_waving_person_is_found(pose: BlazePose, capfd: pytest.CaptureFixture[str]) -> None:
    pictures = list(read_pictures(GREETING, fps=30))
    person = pose.detect(pictures[24].pixels)[0]
    assert person.score > 0.9
    found = pose.landmarks(pictures[24].pixels, person.region)
    assert found is not None
    assert found.presence > 0.99
    place = {name: found.pixels[index].tolist() for name, index in LANDMARK_INDEX.items()}
    # the right hand waves above the elbow, the left one is on the hip, both feet below the knees
    assert place["right_wrist"][1] < place["right_elbow"][1]
    assert abs(place["left_wrist"][1] - place["left_hip"][1]) < 20
    assert place["left_ankle"][1] > place["left_knee"][1] > place["left_hip"][1]
    assert place["left_shoulder"][0] > place["right_shoulder"][0]  # faces the camera
    hips = found.world[[LANDMARK_INDEX["left_hip"], LANDMARK_INDEX["right_hip"]]]
    torch.testing.assert_close(hips.mean(0), torch.zeros(3), atol=0.02, rtol=0)
    again = pose.landmarks(pictures[25].pixels, found.next_region)
    assert again is not None
    assert float((again.world - found.world).norm(dim=-1).max()) < 0.1
    assert capfd.readouterr().err == ""


def test_a_turned_picture_gives_turned_landmarks(pose: BlazePose) -> None:
    picture = next(read_pictures(GREETING, fps=30)).pixels
    plain = pose.landmarks(picture, pose.detect(picture)[0].region)
    assert plain is not None
    on_its_side = torch.rot90(picture, -1)  # to the right: (x, y) goes to (256 - y, x)
    region = plain.next_region
    lying = type(region)(
        x=256 - region.y, y=region.x, size=region.size, angle=region.angle + math.pi / 2
    )
    turned = pose.landmarks(on_its_side, lying)
    upright = pose.landmarks(picture, region)
    assert turned is not None
    assert upright is not None
    expected = torch.stack([-upright.world[:, 1], upright.world[:, 0], upright.world[:, 2]], dim=-1)
    assert float((turned.world - expected).norm(dim=-1).mean()) < 0.02


def test_nobody_is_found_in_noise(pose: BlazePose) -> None:
    noise = torch.randint(0, 256, (120, 160, 3), dtype=torch.uint8)
    assert pose.detect(noise) == []
