"""Regions against hand-made geometry, anchors and boxes against the published formulas."""

import math

import pytest
import torch

from motion.conditioners.pose_regions import (
    DETECTOR_SIDE,
    STRIDES,
    Region,
    anchors,
    cut_out,
    decode_boxes,
    merge_boxes,
)


def test_anchors_are_those_of_the_published_settings() -> None:
    expected, layer = [], 0
    while layer < len(STRIDES):  # MediaPipe's SsdAnchorsCalculator, written out
        same = [s for s in STRIDES[layer:] if s == STRIDES[layer]]
        side = math.ceil(DETECTOR_SIDE / STRIDES[layer])
        for row in range(side):
            for column in range(side):
                place = ((column + 0.5) / side, (row + 0.5) / side)
                expected += [place] * (2 * len(same))
        layer += len(same)
    assert len(expected) == 2254
    torch.testing.assert_close(anchors(), torch.tensor(expected))


@pytest.mark.parametrize(
    ("rim", "angle"),
    [((50, 20), 0.0), ((90, 60), math.pi / 2), ((10, 60), -math.pi / 2), ((50, 100), math.pi)],
)
def test_a_region_turns_with_the_person(rim: tuple[float, float], angle: float) -> None:
    region = Region.around((50, 60), rim)
    assert (region.x, region.y) == (50, 60)
    assert region.size == pytest.approx(2 * 1.25 * 40)
    assert abs(math.remainder(region.angle - angle, 2 * math.pi)) < 1e-6
    top = region.to_picture(torch.tensor([0.5, 0.1]))  # 0.4 of 100 pixels towards the rim
    torch.testing.assert_close(top, torch.tensor([float(x) for x in rim]), atol=1e-4, rtol=0)


def test_cutting_out_finds_the_right_pixels() -> None:
    columns, rows = torch.meshgrid(torch.arange(40), torch.arange(30), indexing="xy")
    picture = torch.stack([columns * 5, rows * 7, columns * 0], dim=-1).byte()
    whole = Region(x=20, y=15, size=20)
    found = cut_out(picture, whole, 20, repeat_border=True) * 255
    torch.testing.assert_close(found[..., 0], columns[:20, 10:30].float() * 5)
    torch.testing.assert_close(found[..., 1], rows[5:25, 10:30].float() * 7)
    turned = cut_out(
        picture, Region(x=20, y=15, size=20, angle=math.pi / 2), 20, repeat_border=True
    )
    torch.testing.assert_close(turned * 255, torch.rot90(found, 1), atol=1e-2, rtol=0)


def test_outside_is_black_or_the_border() -> None:
    picture = torch.full((10, 10, 3), 200, dtype=torch.uint8)
    beyond = Region(x=10, y=5, size=10)
    black = cut_out(picture, beyond, 10, repeat_border=False) * 255
    torch.testing.assert_close(black[:, :5], torch.full((10, 5, 3), 200.0))
    assert float(black[:, 5:].abs().max()) == 0
    same = cut_out(picture, beyond, 10, repeat_border=True) * 255
    torch.testing.assert_close(same, torch.full((10, 10, 3), 200.0))


def test_fine_patterns_are_averaged() -> None:
    picture = torch.zeros(64, 64, 3, dtype=torch.uint8)
    picture[:, ::2] = 255
    found = cut_out(picture, Region(x=32, y=32, size=64), 16, repeat_border=True)
    torch.testing.assert_close(found, torch.full_like(found, 0.5), atol=0.01, rtol=0)


def test_boxes_are_decoded_and_merged() -> None:
    values, scores = torch.zeros(2254, 12), torch.full((2254,), -10.0)
    places = torch.stack([anchors()[k] for k in (100, 2200)])
    for index, shift, score in ((100, 0.0, 2.0), (101, 4.48, 1.0), (2200, 0.0, 0.5)):
        values[index, :2] = shift
        values[index, 2:4] = 56.0
        values[index, 4:] = shift
        scores[index] = score
    boxes, chance = decode_boxes(values, scores, 0.5)
    assert chance.tolist() == pytest.approx([1 / (1 + math.exp(-s)) for s in (2.0, 1.0, 0.5)])
    torch.testing.assert_close(boxes[0, 2:4], torch.tensor([0.25, 0.25]))
    torch.testing.assert_close(boxes[0, 4:6], places[0])
    merged, best = merge_boxes(boxes, chance, 0.3)
    assert best.tolist() == [float(chance[0]), float(chance[2])]
    weight = float(chance[1] / (chance[0] + chance[1]))
    torch.testing.assert_close(merged[0, :2], places[0] + 0.02 * weight)
    torch.testing.assert_close(merged[1], boxes[2])


def test_no_box_no_person() -> None:
    boxes, scores = decode_boxes(torch.zeros(2254, 12), torch.full((2254,), -200.0), 0.5)
    assert [len(part) for part in merge_boxes(boxes, scores, 0.3)] == [0, 0]


@pytest.mark.parametrize("region", [
    Region(x=-300.0, y=5, size=20), Region(x=5, y=5, size=0.5), Region(x=5, y=5, size=math.inf),
])  # fmt: skip
def test_useless_regions_are_known(region: Region) -> None:
    assert not region.overlaps(100, 100)
    assert Region(x=5, y=5, size=20).overlaps(100, 100)
