"""Read the sound of any file that FFmpeg knows, through PyAV.

Axis letters: ``C`` sound channels.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from motion.errors import FormatError
from motion.optional import require


@dataclass(frozen=True, kw_only=True)
class Sound:
    """Sound as numbers from -1 to 1."""

    waves: Float[NDArray[np.float32], "C S"]
    sample_rate: int
    """Samples per second."""


def read_sound(path: Path | str) -> Sound:
    """Read a sound file, or the sound of a film, at its own rate.

    Raises:
        FormatError: There is no such file, or no sound in it.
    """
    path = Path(path)
    if not path.is_file():
        raise FormatError(f"there is no sound file {path}")
    av = require("av")
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise FormatError(f"{path} holds no sound")
            stream = container.streams.audio[0]
            rate = int(stream.rate)
            floats = av.AudioResampler(format="fltp", layout=stream.layout, rate=rate)
            pieces = [
                piece.to_ndarray()
                for frame in [*container.decode(stream), None]  # None flushes the resampler
                for piece in floats.resample(frame)
            ]
    except (av.FFmpegError, OSError) as error:
        raise FormatError(f"the sound file {path} cannot be read: {error}") from error
    if not pieces:
        raise FormatError(f"{path} holds no sound")
    return Sound(waves=np.concatenate(pieces, axis=1).astype(np.float32), sample_rate=rate)
