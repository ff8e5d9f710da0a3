"""Samples out of any file that FFmpeg knows, block by block, through PyAV.

Samples are counted, not timed: what a decoder gives first is time 0. Encoder delays that a file
declares (mp3, AAC, Opus) are cut off by FFmpeg. Axis letters: ``C`` sound channels.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from motion.errors import FormatError
from motion.formats.media import decoded_frames, open_media

Waves = Float[NDArray[np.float32], "C S"]

MAX_PADDING_SAMPLES = 4096
"""Encoders fill their last frame; mp4 files say where the sound ends (AAC frames: 1024, 2048)."""


def decode_blocks(path: Path) -> Iterator[tuple[int, Waves]]:
    """Decode the first sound of a file from its start.

    Yields:
        Samples per second, the same in every block, and some thousand samples at -1 to 1.

    Raises:
        FormatError: There is no such file, no sound in it, or it is damaged.
    """
    with open_media(path, "sound", "wav, flac, mp3, ogg, m4a, a film") as container:
        if not container.streams.audio:
            raise FormatError(f"{path} holds no sound")
        frames = decoded_frames(path, container, container.streams.audio[0])
        yield from _without_padding(_even_blocks(path, frames), _declared_seconds(container))


def _even_blocks(path: Path, frames: Iterator[tuple[Any, Fraction]]) -> Iterator[tuple[int, Waves]]:
    """Blocks of one rate and one number of channels; what was lost is silence."""
    rate, channels = 0, 0
    for frame, lost in frames:
        waves = _floats(frame)
        rate, channels = rate or frame.sample_rate, channels or len(waves)
        if frame.sample_rate != rate:
            raise FormatError(
                f"{path} changes from {rate} to {frame.sample_rate} samples per second on its "
                "way: convert it to one rate first"
            )
        if len(waves) != channels:
            waves = np.repeat(waves.mean(axis=0, keepdims=True), channels, axis=0)
        if lost:
            yield rate, np.zeros((channels, round(lost * rate)), dtype=np.float32)
        yield rate, waves


def _declared_seconds(container: Any) -> Fraction | None:
    """Length that mp4 and mov files keep beside the frames; FFmpeg applies it in all others."""
    stream = container.streams.audio[0]
    if "mp4" not in container.format.name.split(",") or not stream.duration:
        return None
    return Fraction(stream.duration * stream.time_base)


def _without_padding(
    blocks: Iterator[tuple[int, Waves]], seconds: Fraction | None
) -> Iterator[tuple[int, Waves]]:
    """Leave out what follows the declared end, unless it is more than padding can be."""
    held: list[tuple[int, Waves]] = []
    place = 0
    for rate, waves in blocks:
        end = None if seconds is None else round(seconds * rate)
        if end is None or place + waves.shape[1] <= end:
            yield rate, waves
        else:
            inside = max(end - place, 0)
            if inside:
                yield rate, waves[:, :inside]
            held.append((rate, waves[:, inside:]))
        place += waves.shape[1]
        if end is not None and place > end + MAX_PADDING_SAMPLES:
            yield from held
            held, seconds = [], None


def _floats(frame: Any) -> Waves:
    """Samples of a PyAV frame. Whole numbers are scaled as FFmpeg does: full scale is -1."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    if values.dtype.kind == "u":
        values = values.astype(np.float32) - np.float32(128)
        return np.ascontiguousarray(values / np.float32(128))
    if values.dtype.kind == "i":
        values = values / float(-np.iinfo(values.dtype).min)
    return np.ascontiguousarray(values, dtype=np.float32)
