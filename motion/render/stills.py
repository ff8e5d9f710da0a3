"""Stills: one moment as a png, or one motion at several moments side by side.

Axis letters: ``H``/``W`` picture rows and columns, ``C`` people.
"""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from motion.body import BodyModel
from motion.errors import ConfigError, RequestError
from motion.formats import atomic_path
from motion.render.camera import MARGIN, Lens, direction, follow, look_at
from motion.render.painter import Painter, View
from motion.render.staging import (
    PictureConfig,
    blobs_of,
    facing,
    find_floor,
    floor_radius,
    joints_of,
    load_body,
    plan_shot,
)
from motion.representation import Motion

MAX_PEOPLE = 10
"""People in one filmstrip."""

_SUPERSAMPLING = 2
"""Stills are painted this much larger and averaged: 16 samples a pixel where films have 4."""

_GAPS = (0.22, 0.7)  # metres between neighbours in a filmstrip: at least, and where there is room


@dataclass(frozen=True, kw_only=True)
class FilmstripConfig(PictureConfig):
    """A wide picture taken from afar, so that all people are seen from the same side."""

    width: int = 1800
    height: int = 560
    field_of_view_degrees: float = 12.0
    elevation_degrees: float = 8.0


def write_png(
    motion: Motion,
    path: Path | str,
    body: BodyModel | Path | str | None = None,
    config: PictureConfig | None = None,
    *,
    seconds: float | None = None,
) -> None:
    """Draw one moment of a motion.

    Args:
        motion: What to draw.
        path: File to write.
        body: Body or the file of one; None: the packaged body of the motion's gender.
        config: Size and camera.
        seconds: The moment; None: the middle.

    Raises:
        RenderError: This machine cannot draw; the message names the packages to install.
        RequestError: The motion has no frames, or ends before ``seconds``.
        OutputError: The file cannot be written.
    """
    config = config or PictureConfig()
    frame = _frame_at(motion, seconds)
    body = load_body(body, motion)
    moment = plan_shot(motion.frames(frame, frame + 1), body, config)
    faces, colors = body.faces.numpy(), body.colors_linear.numpy()
    size = (config.width, config.height)
    with atomic_path(Path(path)) as temporary:
        with Painter(*size, faces, colors, supersampling=_SUPERSAMPLING) as painter:
            picture = next(moment.pictures(painter, 0, 1))
        temporary.write_bytes(encode_png(picture))


def write_filmstrip(
    motion: Motion,
    path: Path | str,
    body: BodyModel | Path | str | None = None,
    config: FilmstripConfig | None = None,
    *,
    count: int = 6,
) -> None:
    """Draw a motion at ``count`` evenly spaced moments side by side, first at the left.

    Args:
        motion: What to draw.
        path: File to write.
        body: Body or the file of one; None: the packaged body of the motion's gender.
        config: Size and camera.
        count: People in the picture, 1 to ``MAX_PEOPLE``.

    Raises:
        RenderError: This machine cannot draw; the message names the packages to install.
        RequestError: The motion has no frames.
        ConfigError: ``count`` is out of range.
        OutputError: The file cannot be written.
    """
    config = config or FilmstripConfig()
    if not 1 <= count <= MAX_PEOPLE:
        raise ConfigError(f"a filmstrip shows 1 to {MAX_PEOPLE} people, got {count}")
    body = load_body(body, motion)
    joints = joints_of(motion, body)
    frames = np.linspace(0, motion.num_frames - 1, count).round().astype(int)
    azimuth = facing(joints[0]) + float(np.radians(config.azimuth_degrees))
    right = look_at(direction(azimuth, 0.0), np.zeros(3))[0, :3]
    places = _side_by_side(joints[frames], right, config.lens.aspect)
    view = _overview(joints[frames] + places[:, None], azimuth, find_floor(joints), config)

    meshes, normals = [], []
    for frame, place in zip(frames.tolist(), places, strict=True):
        vertices = body.vertices(motion, frame, frame + 1)
        meshes.append(vertices[0].numpy() + place.astype(np.float32))
        normals.append(body.normals(vertices)[0].numpy())
    steps = np.arange(count)[:, None, None] * body.num_vertices
    faces = (body.faces.numpy()[None] + steps).reshape(-1, 3)
    colors = np.tile(body.colors_linear.numpy(), (count, 1))
    size = (config.width, config.height)
    with atomic_path(Path(path)) as temporary:
        with Painter(*size, faces, colors, supersampling=_SUPERSAMPLING) as painter:
            picture = painter.draw(np.concatenate(meshes), np.concatenate(normals), view)
        temporary.write_bytes(encode_png(picture))


def encode_png(picture: UInt8[NDArray[np.uint8], "H W 3"]) -> bytes:
    """Pack an RGB picture as PNG (ISO/IEC 15948), every row filtered with "Up"."""
    height, width, _ = picture.shape
    rows = picture.reshape(height, -1)
    above = np.concatenate([np.zeros_like(rows[:1]), rows[:-1]])
    kinds = np.full((height, 1), 2, dtype=np.uint8)  # 2: difference to the row above
    packed = zlib.compress(np.concatenate([kinds, rows - above], axis=1).tobytes(), 9)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB
    chunks = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _frame_at(motion: Motion, seconds: float | None) -> int:
    if motion.num_frames < 1:
        raise RequestError("a motion without frames cannot be drawn")
    if seconds is None:
        return motion.num_frames // 2
    frame = int(seconds * motion.fps + 0.5)
    if not (0 <= seconds <= motion.duration_seconds):
        raise RequestError(
            f"the motion lasts {motion.duration_seconds:.2f} s, so there is no moment at "
            f"{seconds:.2f} s"
        )
    return min(frame, motion.num_frames - 1)


def _side_by_side(
    joints: Float[NDArray[np.float64], "C J 3"],
    right: Float[NDArray[np.float64], "3"],
    aspect: float,
) -> Float[NDArray[np.float64], "C 3"]:
    """Shift of each person that lines them up along ``right``, spread over the picture's width."""
    across = joints @ right
    widths = across.max(1) - across.min(1)
    tall = float(np.ptp(joints[..., 1])) + 2 * MARGIN
    gap = np.clip((tall * aspect - widths.sum()) / len(joints), *_GAPS)
    ends = np.cumsum(widths + gap)
    along = ends - widths - across.min(1) - ends[-1] / 2
    middle = (joints.min(1) + joints.max(1)) / 2
    flat = middle - (middle @ right)[:, None] * right  # their place towards the camera
    flat[:, 1] = 0.0
    return np.asarray(along[:, None] * right - flat)


def _overview(
    joints: Float[NDArray[np.float64], "C J 3"],
    azimuth: float,
    floor_height: float,
    config: FilmstripConfig,
) -> View:
    towards_eye = direction(azimuth, float(np.radians(config.elevation_degrees)))
    lens: Lens = config.lens
    everybody = joints.reshape(1, -1, 3)
    path = follow(everybody, 1.0, towards_eye, lens, moving=False)
    return View(
        eye=path.eye[0],
        target=path.target[0],
        lens=lens,
        azimuth=azimuth,
        floor_height=floor_height,
        floor_radius=floor_radius(everybody, path),
        blobs=np.concatenate([blobs_of(person) for person in joints]),
    )
