"""Set the stage for a motion: size of the picture, camera, floor, and the mesh of each frame.

Axis letters: ``H``/``W`` picture rows and columns.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from motion.body import BodyModel
from motion.errors import ConfigError, RequestError
from motion.render.camera import CameraPath, Lens, direction, follow, heading
from motion.render.painter import Painter, View
from motion.representation import JOINT_INDEX, NUM_BODY_JOINTS, SOLE_HEIGHT, Motion, rest_positions

BLOB_RADIUS = 0.09
"""Radius (metres) of the spheres that darken the floor under the 22 body joints."""

FLOOR_TRUST = (-0.25, 1.0)
"""The floor is at height 0 when the lowest point of the clip lies in this range (metres): above it
somebody hovers or jumps. Outside, the motion has another origin and the floor goes under it."""

CHUNK_FRAMES = 32
"""Frames whose meshes are in memory at once: 11 MB with their normals."""

_MAX_PIXELS = 8192


@dataclass(frozen=True, kw_only=True)
class PictureConfig:
    """Size of a picture and place of its camera."""

    width: int = 1280
    """Pixels; films round an odd number up, as H.264 wants even ones."""
    height: int = 720
    """Pixels; as ``width``."""
    azimuth_degrees: float = 28.0
    """Where the camera stands: 0 in front of the person (of the first frame), 90 at their left."""
    elevation_degrees: float = 9.0
    """How far the camera looks down; -5 to 80."""
    field_of_view_degrees: float = 30.0
    """Vertical, 5 to 100."""
    follow: bool = True
    """Move with the person when the whole path does not fit well into one picture."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        limits = {
            "width": (16, _MAX_PIXELS),
            "height": (16, _MAX_PIXELS),
            "elevation_degrees": (-5.0, 80.0),
            "field_of_view_degrees": (5.0, 100.0),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{name} must be {low} to {high}, got {value}")

    @property
    def lens(self) -> Lens:
        """Field of view and aspect."""
        angle = float(np.radians(self.field_of_view_degrees))
        return Lens(aspect=self.width / self.height, field_of_view=angle)


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A motion with its body, floor and camera."""

    motion: Motion
    body: BodyModel
    joints: Float[NDArray[np.float64], "T J 3"]
    path: CameraPath
    azimuth: float
    """Of the camera, radians from +z towards +x."""
    floor_height: float
    floor_radius: float

    def view(self, frame: int) -> View:
        """Camera and joints of one frame."""
        return View(
            eye=self.path.eye[frame],
            target=self.path.target[frame],
            lens=self.path.lens,
            azimuth=self.azimuth,
            floor_height=self.floor_height,
            floor_radius=self.floor_radius,
            blobs=blobs_of(self.joints[frame]),
        )

    def pictures(
        self, painter: Painter, start: int, stop: int
    ) -> Iterator[UInt8[NDArray[np.uint8], "H W 3"]]:
        """Paint frames ``start`` to ``stop``, a chunk of meshes in memory at a time."""
        for first in range(start, stop, CHUNK_FRAMES):
            vertices = self.body.vertices(self.motion, first, min(first + CHUNK_FRAMES, stop))
            normals = self.body.normals(vertices).numpy()
            for index, mesh in enumerate(vertices.numpy()):
                yield painter.draw(mesh, normals[index], self.view(first + index))


def plan_shot(motion: Motion, body: BodyModel, config: PictureConfig) -> Shot:
    """Find floor and camera for a motion.

    Raises:
        RequestError: The motion has no frames, or numbers in it are not finite.
    """
    joints = joints_of(motion, body)
    azimuth = facing(joints[0]) + float(np.radians(config.azimuth_degrees))
    towards_eye = direction(azimuth, float(np.radians(config.elevation_degrees)))
    path = follow(joints, motion.fps, towards_eye, config.lens, moving=config.follow)
    return Shot(
        motion=motion,
        body=body,
        joints=joints,
        path=path,
        azimuth=azimuth,
        floor_height=find_floor(joints),
        floor_radius=floor_radius(joints, path),
    )


def load_body(body: BodyModel | Path | str | None, motion: Motion) -> BodyModel:
    """Give the body itself, or load the one that is named; None: the default of this gender."""
    if isinstance(body, BodyModel):
        return body
    return BodyModel.load(body, gender=motion.gender)


def joints_of(motion: Motion, body: BodyModel) -> Float[NDArray[np.float64], "T J 3"]:
    """World positions of all joints, metres.

    Raises:
        RequestError: The motion has no frames, or numbers in it are not finite.
    """
    if motion.num_frames < 1:
        raise RequestError("a motion without frames cannot be drawn")
    joints = body.joints(motion).double().numpy()
    broken = ~np.isfinite(joints).all(axis=(1, 2))
    if broken.any():
        raise RequestError(
            f"the motion {motion.source or 'given'} cannot be drawn: {int(broken.sum())} of "
            f"{len(joints)} frames hold numbers that are not finite, first frame {broken.argmax()}"
        )
    return joints


def facing(joints: Float[NDArray[np.float64], "J 3"]) -> float:
    """Azimuth that the person faces, radians."""
    return heading(joints[JOINT_INDEX["left_hip"]], joints[JOINT_INDEX["right_hip"]])


def find_floor(joints: Float[NDArray[np.float64], "T J 3"]) -> float:
    """Height of the floor, metres: 0 unless the motion has another origin (``FLOOR_TRUST``)."""
    sole = float(rest_positions()[JOINT_INDEX["left_foot"], 1]) - SOLE_HEIGHT
    lowest = float(joints[..., 1].min()) - sole
    low, high = FLOOR_TRUST
    return 0.0 if low <= lowest <= high else lowest


def floor_radius(joints: Float[NDArray[np.float64], "T J 3"], path: CameraPath) -> float:
    """Greatest distance over the floor between joints and the camera's target, metres."""
    away = joints[..., [0, 2]] - path.target[:, None, [0, 2]]
    return float(np.linalg.norm(away, axis=-1).max())


def blobs_of(joints: Float[NDArray[np.float64], "J 3"]) -> Float[NDArray[np.float64], "N 4"]:
    """Spheres at the body joints, for the darkness where body and floor meet."""
    centres = joints[:NUM_BODY_JOINTS]
    return np.concatenate([centres, np.full((len(centres), 1), BLOB_RADIUS)], axis=1)
