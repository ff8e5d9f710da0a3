"""Open sounds and films with PyAV: only local files, damage counted, errors in one sentence."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from motion.errors import FormatError, reason_of
from motion.optional import require

DAMAGE_LIMIT = 0.05
"""Share of undecodable packets from which a file counts as damaged."""

# A play list that is named like a sound must not make FFmpeg ask the network.
_OPTIONS = {"protocol_whitelist": "file"}

_logger = logging.getLogger(__name__)


@contextmanager
def open_media(path: Path, kind: str, known: str) -> Iterator[Any]:
    """Open a file as an FFmpeg container.

    Args:
        path: The file.
        kind: What it should be, for messages: "sound".
        known: Examples of files of that kind, for messages.

    Raises:
        FormatError: There is no such file, or it cannot be read.
    """
    if path.is_dir():
        raise FormatError(f"{path} is a folder: name a {kind} file in it")
    if not path.is_file():
        raise FormatError(f"there is no {kind} file {path}")
    if path.stat().st_size == 0:
        raise FormatError(f"the {kind} file {path} is empty (0 bytes)")
    av = require("av")
    try:
        with av.open(str(path.absolute()), options=_OPTIONS, metadata_errors="ignore") as container:
            yield container
    except (av.FFmpegError, OSError, ValueError) as error:
        if isinstance(error, FormatError):
            raise
        reason = (isinstance(error, OSError) and error.strerror) or reason_of(error)
        raise FormatError(
            f"{path} cannot be read as {kind} ({reason}): expected {known} or another kind that "
            "FFmpeg knows"
        ) from error


def decoded_frames(path: Path, container: Any, stream: Any) -> Iterator[tuple[Any, Fraction]]:
    """Frames of a stream, each with the seconds that were undecodable just before it.

    Raises:
        FormatError: More of the file than ``DAMAGE_LIMIT`` cannot be decoded.
    """
    av = require("av")
    packets, broken = 0, 0
    lost = Fraction(0)
    for packet in container.demux(stream):
        packets += 1
        try:
            frames = packet.decode()
        except av.FFmpegError:
            broken += 1
            lost += Fraction(packet.duration or 0) * (packet.time_base or 0)
            continue
        for frame in frames:
            yield frame, lost
            lost = Fraction(0)
    if broken > max(1, DAMAGE_LIMIT * packets):
        raise FormatError(f"{path} is damaged: {broken} of its {packets} packets cannot be decoded")
    if broken:
        _logger.warning("%s: %d of %d packets cannot be decoded", path, broken, packets)
