"""Where a person is in a picture: regions, the boxes a detector may give, cutting regions out.

A region is a square that turns with the person. Its size follows from two points, the middle of
the hips and one on a circle around the whole body. Places are pixels from the picture's top left
corner, x right, y down; the middle of the first pixel is (0.5, 0.5).

Source: Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking" (2020), sections 2.1
and 2.2, and the settings in google-ai-edge/mediapipe 0.10.21, ``modules/pose_detection`` and
``modules/pose_landmark`` (Apache-2.0). Axis letters: ``N`` boxes, ``C`` coordinates of a box,
``H``/``W`` picture rows and columns.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Self

import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

DETECTOR_SIDE = 224
"""Pixels of the detector's square picture."""

STRIDES: tuple[int, ...] = (8, 16, 32, 32, 32)
"""Pixels between the boxes of each layer of the detector."""

BOXES_PER_LAYER = 2
"""At each place of a layer: one box of its own size, one of the next layer's."""

ROOM = 1.25
"""A region is so much larger than the circle around the body."""

_CIRCLE_POINTS = 2
"""The second point lies on the circle: its distance from the first is half of the square."""

Picture = UInt8[Tensor, "H W 3"]


@dataclass(frozen=True, kw_only=True)
class Region:
    """A turned square of a picture."""

    x: float
    """Middle, pixels."""
    y: float
    size: float
    """Length of a side, pixels."""
    angle: float = 0.0
    """Radians by which it is turned clockwise in the picture; 0 for an upright person."""

    @classmethod
    def around(cls, centre: tuple[float, float], rim: tuple[float, float]) -> Self:
        """Region of a person.

        Args:
            centre: Middle of the hips, pixels.
            rim: Point on the circle around the body, above the head of an upright person.
        """
        across, down = rim[0] - centre[0], rim[1] - centre[1]
        angle = math.pi / 2 - math.atan2(-down, across)
        size = _CIRCLE_POINTS * ROOM * math.hypot(across, down)
        turned = math.remainder(angle, 2 * math.pi)
        return cls(x=centre[0], y=centre[1], size=size, angle=turned)

    def overlaps(self, height: int, width: int) -> bool:
        """Whether it is of use: finite, not empty, and its middle near the picture."""
        inside = (
            -self.size < self.x < width + self.size and -self.size < self.y < height + self.size
        )
        return math.isfinite(self.angle) and 1.0 < self.size < math.inf and inside

    def turn(self, vectors: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2"]:
        """Turn vectors from the region's axes to the picture's."""
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        x, y = vectors.unbind(-1)
        return torch.stack([cosine * x - sine * y, sine * x + cosine * y], dim=-1)

    def to_picture(self, places: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2"]:
        """Places (shares of the region's side, from its top left corner) in pixels."""
        middle = places.new_tensor([self.x, self.y])
        return middle + self.size * self.turn(places - 0.5)


def cut_out(
    picture: Picture, region: Region, side: int, *, repeat_border: bool
) -> Float[Tensor, "S S 3"]:
    """Draw a region upright as a square of ``side`` pixels (axis ``S``), values 0 to 1.

    Args:
        picture: Where it is cut out.
        region: What is cut out; it may reach over the picture's border.
        side: Pixels.
        repeat_border: What lies outside: the nearest pixel of the picture, or black.
    """
    part, left, top = _neighbourhood(picture, region)
    step = max(1, int(region.size // side))
    values = rearrange(part.float() / 255, "h w c -> 1 c h w")
    if step > 1:  # average before thinning out, or fine patterns would flicker
        values = F.avg_pool2d(values, step, ceil_mode=True, count_include_pad=False)
    axis = (torch.arange(side) + 0.5) / side
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)
    places = (region.to_picture(grid) - torch.tensor([left, top])) / step
    size = places.new_tensor([values.shape[3], values.shape[2]])
    found = F.grid_sample(
        values,
        (2 * places / size - 1)[None],
        mode="bilinear",
        padding_mode="border" if repeat_border else "zeros",
        align_corners=False,
    )
    return rearrange(found, "1 c h w -> h w c")


def _neighbourhood(picture: Picture, region: Region) -> tuple[UInt8[Tensor, "_ _ 3"], int, int]:
    """Upright part of the picture that holds the region, and its left and top edge."""
    height, width = picture.shape[:2]
    half = region.size * math.sqrt(0.5) + 2
    left = min(max(0, math.floor(region.x - half)), width - 1)
    top = min(max(0, math.floor(region.y - half)), height - 1)
    right = min(max(left + 1, math.ceil(region.x + half)), width)
    bottom = min(max(top + 1, math.ceil(region.y + half)), height)
    return picture[top:bottom, left:right], left, top


@cache
def anchors() -> Float[Tensor, "2254 2"]:
    """Middle of each box that the detector corrects, as shares of its picture.

    Layers of the same stride stand together: their boxes follow each other at every place.
    """
    found = []
    for stride in dict.fromkeys(STRIDES):
        count = DETECTOR_SIDE // stride
        axis = (torch.arange(count) + 0.5) / count
        places = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1).reshape(-1, 2)
        found.append(places.repeat_interleave(BOXES_PER_LAYER * STRIDES.count(stride), dim=0))
    return torch.cat(found)


@dataclass(frozen=True, kw_only=True)
class Detection:
    """A person that the detector found."""

    score: float
    """0 to 1."""
    region: Region


def decode_boxes(
    values: Float[Tensor, "N 12"], scores: Float[Tensor, " N"], least_score: float
) -> tuple[Float[Tensor, "M 12"], Float[Tensor, " M"]]:
    """Turn the detector's corrections into boxes: middle, size, four points (axis ``M``: found).

    Args:
        values: Corrections in pixels of the detector's picture.
        scores: Logits.
        least_score: Boxes below it are left out, 0 to 1.

    Returns:
        Boxes in shares of the detector's picture and their scores, best first.
    """
    chance = scores.clamp(-100, 100).sigmoid()
    order = chance.argsort(descending=True)
    order = order[chance[order] >= least_score]
    shift = torch.cat([anchors(), torch.zeros_like(anchors()), anchors().repeat(1, 4)], dim=1)
    return values[order] / DETECTOR_SIDE + shift[order], chance[order]


def merge_boxes(
    boxes: Float[Tensor, "M 12"], scores: Float[Tensor, " M"], overlap: float
) -> tuple[Float[Tensor, "P 12"], Float[Tensor, " P"]]:
    """Let the best box stand for all that overlap it, as their mean weighted by score.

    Args:
        boxes: Best first.
        scores: 0 to 1.
        overlap: Share of the union from which two boxes are of one person. Axis ``P``: people.
    """
    merged, best = [], []
    left = torch.ones(len(boxes), dtype=torch.bool)
    for index in range(len(boxes)):
        if not left[index]:
            continue
        same = left & (_overlap(boxes[index, :4], boxes[:, :4]) > overlap)
        same[index] = True
        merged.append((boxes[same] * scores[same, None]).sum(0) / scores[same].sum())
        best.append(scores[index])
        left = left & ~same
    if not merged:
        return boxes[:0], scores[:0]
    return torch.stack(merged), torch.stack(best)


def _overlap(box: Float[Tensor, " 4"], others: Float[Tensor, "M 4"]) -> Float[Tensor, " M"]:
    """Intersection over union of boxes given by middle and size."""
    low = torch.maximum(box[:2] - box[2:] / 2, others[:, :2] - others[:, 2:] / 2)
    high = torch.minimum(box[:2] + box[2:] / 2, others[:, :2] + others[:, 2:] / 2)
    common = (high - low).clamp(min=0).prod(-1)
    total = box[2:].prod() + others[:, 2:].prod(-1) - common
    return common / total.clamp(min=1e-9)
