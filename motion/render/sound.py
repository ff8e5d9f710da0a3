"""The sound of films and pages: brought to length, to two channels and to one rate.

Axis letters: ``C`` sound channels, ``N`` samples after a change of length.
"""

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from motion.errors import RequestError
from motion.optional import require

Audio = Float[Tensor, "*C S"] | Float[NDArray[np.floating], "*C S"]
"""Sound from -1 to 1: (samples,) or (channels, samples)."""

OUTPUT_SAMPLE_RATE = 48000
"""Every encoder and player takes it, so sound of any rate is brought to it."""

_FRAME_SAMPLES = 1024


def fit_audio(
    audio: Audio, sample_rate: int | None, seconds: float | Fraction
) -> Float[NDArray[np.float32], "2 N"]:
    """Bring sound to two channels and cut or fill it to ``seconds``.

    Raises:
        RequestError: The rate is missing, or there are more than two channels.
    """
    if sample_rate is None or sample_rate <= 0:
        raise RequestError(f"sound needs its samples per second, got {sample_rate}")
    waves = np.atleast_2d(np.asarray(audio, dtype=np.float32))
    if waves.ndim != 2 or len(waves) not in (1, 2):
        raise RequestError(
            f"sound must be (samples,) or (1 or 2 channels, samples), got {waves.shape}"
        )
    wanted = round(seconds * sample_rate)
    kept = np.nan_to_num(np.clip(waves[:, :wanted], -1.0, 1.0))
    kept = np.broadcast_to(kept, (2, kept.shape[1]))
    return np.pad(kept, ((0, 0), (0, wanted - kept.shape[1])))


def sound_frames(waves: Float[NDArray[np.float32], "2 S"], sample_rate: int) -> Iterator[Any]:
    """Cut sound into PyAV frames of ``OUTPUT_SAMPLE_RATE``, with their times."""
    av = require("av")
    resampler = av.AudioResampler(
        format="fltp", layout="stereo", rate=OUTPUT_SAMPLE_RATE, frame_size=_FRAME_SAMPLES
    )
    for start in range(0, waves.shape[1], _FRAME_SAMPLES):
        piece = np.ascontiguousarray(waves[:, start : start + _FRAME_SAMPLES])
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = sample_rate, start
        frame.time_base = Fraction(1, sample_rate)
        yield from resampler.resample(frame)
    yield from resampler.resample(None)


def encode_mp3(waves: Float[NDArray[np.float32], "2 S"], sample_rate: int) -> bytes:
    """Pack sound as MP3, which every browser plays."""
    av = require("av")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=OUTPUT_SAMPLE_RATE, layout="stereo")
        for frame in sound_frames(waves, sample_rate):
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()
