"""Films whose pictures carry a number as bits."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch

from motion.representation import FPS

WIDTH, HEIGHT = 160, 120
BLOCK = 16
"""Pixels of one bit."""
NUM_BITS = 10
GREY = (120, 120, 120)


@dataclass(frozen=True)
class Shown:
    """One picture of a film."""

    number: int
    """Frame of the motion; with ``nobody`` it counts for nothing."""
    nobody: bool = False
    background: tuple[int, int, int] = GREY


def write_film(
    path: Path,
    shown: Sequence[Shown],
    *,
    fps: float = FPS,
    times: Sequence[float] | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    aspect: Fraction | None = None,
) -> Path:
    """Write pictures as H.264.

    Args:
        path: The suffix says which container.
        shown: What each picture carries.
        fps: Rate where no times are given.
        times: Seconds of each picture, for films of a rate that varies (mkv).
        size: Width and height, pixels.
        aspect: Width of a pixel over its height.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "18", "preset": "ultrafast", "bf": "0"}
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for index, picture in enumerate(shown):
            frame = av.VideoFrame.from_ndarray(_drawn(picture, size), format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = round(times[index] * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def read_number(picture: torch.Tensor) -> int | None:
    """Frame that a picture carries; None: nobody is in it."""
    middles = picture[BLOCK // 2, BLOCK // 2 :: BLOCK].float().mean(-1)[:NUM_BITS]
    bits = [bool(value > 128) for value in middles]
    if not bits[-1]:
        return None
    return sum(bit << place for place, bit in enumerate(bits[:-1]))


def _drawn(picture: Shown, size: tuple[int, int]) -> np.ndarray:
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:] = picture.background
    bits = [bool(picture.number >> place & 1) for place in range(NUM_BITS - 1)]
    for place, bit in enumerate([*bits, not picture.nobody]):
        pixels[:BLOCK, place * BLOCK : (place + 1) * BLOCK] = 255 if bit else 0
    return pixels
