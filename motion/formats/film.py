"""Pictures out of any film that FFmpeg knows, one by one, with the times at which they are shown.

Axis letters: ``H``/``W`` picture rows and columns.
"""

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from motion.errors import FormatError
from motion.formats.media import decoded_frames, open_media
from motion.optional import require

LONGEST_SIDE = 1280
"""Pixels; larger pictures are reduced to it while they are decoded."""

_KNOWN = "mp4, mov, mkv, webm, avi"
_QUARTER = 90  # degrees
_EARLY = Fraction(1, 4)
"""Share of a period by which a picture may come early: clocks of containers are coarse."""

_TEXT_ART = frozenset(("tty", "bin", "xbin", "adf", "idf"))
"""What FFmpeg takes text files for."""


@dataclass(frozen=True, kw_only=True)
class FilmInfo:
    """What a film says of itself."""

    width: int
    """Pixels, as it is shown."""
    height: int
    """Pixels, as it is shown."""
    fps: float
    """Average pictures a second; 0 where it does not say."""
    seconds: float | None
    """Length; None where it does not say."""


@dataclass(frozen=True, kw_only=True)
class FilmPicture:
    """One picture."""

    seconds: float
    """From the first picture on."""
    pixels: UInt8[Tensor, "H W 3"]
    """RGB, upright, pixels as high as wide."""


def film_info(path: Path) -> FilmInfo:
    """Read what a film says of itself.

    Raises:
        FormatError: There is no such file, no film in it, or it cannot be read.
    """
    with open_media(path, "video", _KNOWN) as container:
        stream = _film_stream(path, container)
        frame = next((frame for frame, _ in decoded_frames(path, container, stream)), None)
        if frame is None:
            raise FormatError(f"{path} holds no picture that can be decoded")
        width, height = _shown_size(frame, _aspect(stream), sys.maxsize)
        ticks = stream.duration and Fraction(stream.duration * stream.time_base)
        whole = container.duration and Fraction(container.duration, require("av").time_base)
        seconds = ticks or whole
        return FilmInfo(
            width=height if _quarters(frame) % 2 else width,
            height=width if _quarters(frame) % 2 else height,
            fps=float(stream.average_rate or 0),
            seconds=float(seconds) if seconds else None,
        )


def read_pictures(
    path: Path, *, fps: float, longest_side: int = LONGEST_SIDE
) -> Iterator[FilmPicture]:
    """Decode a film from its start, a picture at a time.

    Times are those of the film: rates may vary. Of a film with more than ``fps`` pictures a second
    the first of each 1/fps seconds is taken; none is made up for a slower one.

    Args:
        path: The film.
        fps: Most pictures a second.
        longest_side: Larger pictures are reduced to it, pixels.

    Raises:
        FormatError: There is no such file, no film in it, or it is damaged.
    """
    with open_media(path, "video", _KNOWN) as container:
        stream = _film_stream(path, container)
        period = 1 / (stream.average_rate or Fraction(30))
        begin: Fraction | None = None
        slot, last = -1, Fraction(-1)
        for frame, _ in decoded_frames(path, container, stream):
            time = _time_of(frame)
            begin = (time or Fraction(0)) if begin is None else begin
            seconds = last + period if time is None else time - begin
            if seconds <= last:  # a broken clock never runs backwards
                continue
            last = seconds
            if math.floor(seconds * Fraction(fps) + _EARLY) <= slot:
                continue
            slot = math.floor(seconds * Fraction(fps) + _EARLY)
            size = _shown_size(frame, _aspect(stream), longest_side)
            yield FilmPicture(seconds=float(seconds), pixels=_pixels(frame, *size))
        if slot < 0:
            raise FormatError(f"{path} holds no picture that can be decoded")


def _film_stream(path: Path, container: Any) -> Any:
    """The first stream of pictures that is no cover of a sound file."""
    if container.format.name in _TEXT_ART:
        raise FormatError(f"{path} holds no film, only text")
    cover = require("av.stream").Disposition.attached_pic
    streams = [stream for stream in container.streams.video if not stream.disposition & cover]
    if not streams:
        raise FormatError(f"{path} holds no film, only sound or other data")
    return streams[0]


def _time_of(frame: Any) -> Fraction | None:
    """When a picture is shown, in the film's own time."""
    return None if frame.pts is None or not frame.time_base else frame.pts * frame.time_base


def _quarters(frame: Any) -> int:
    """Quarter turns to the left that set the picture upright: phones film in one direction only."""
    degrees: int = frame.rotation
    return round(degrees / _QUARTER) % 4


def _aspect(stream: Any) -> Fraction:
    """Width of a pixel over its height, as it is shown."""
    aspect: Fraction | None = stream.sample_aspect_ratio
    return aspect if aspect else Fraction(1)


def _shown_size(frame: Any, aspect: Fraction, longest_side: int) -> tuple[int, int]:
    """Width and height with square pixels, reduced where needed; before any quarter turn."""
    width, height = frame.width * aspect, Fraction(frame.height)
    share = min(Fraction(1), longest_side / max(width, height))
    return max(1, round(width * share)), max(1, round(height * share))


def _pixels(frame: Any, width: int, height: int) -> UInt8[Tensor, "H W 3"]:
    values = frame.reformat(width=width, height=height, format="rgb24").to_ndarray()
    return torch.from_numpy(np.ascontiguousarray(np.rot90(values, _quarters(frame))))
