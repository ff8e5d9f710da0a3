"""Cameras: where the eye stands so that the whole person stays in the picture, quietly.

Axis letters: ``C`` people in one picture.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

UP = np.array([0.0, 1.0, 0.0])
MARGIN = 0.17
"""Room around the joints, metres: the crown, fingertips and soles stand out this far."""

AIR = 1.12
"""The needed distance is multiplied by this, so that nobody touches the edge."""

MIN_DISTANCE = 2.6
SMOOTH_SECONDS = 0.55
"""Standard deviation of the Gaussian that quiets the camera's path."""

STILL_RATIO = 1.3
"""A camera that does not move at all is taken when it needs at most this much more distance."""


@dataclass(frozen=True, kw_only=True)
class Lens:
    """What the camera sees of the world."""

    aspect: float
    """Width over height."""
    field_of_view: float = np.radians(30.0)
    """Vertical, radians."""

    @property
    def slopes(self) -> tuple[float, float]:
        """Tangent of half the horizontal and of half the vertical field of view."""
        vertical = float(np.tan(self.field_of_view / 2))
        return vertical * self.aspect, vertical


@dataclass(frozen=True, kw_only=True)
class CameraPath:
    """One eye and one target for each frame, metres."""

    eye: Float[NDArray[np.float64], "T 3"]
    target: Float[NDArray[np.float64], "T 3"]
    lens: Lens


def look_at(
    eye: Float[NDArray[np.float64], "3"], target: Float[NDArray[np.float64], "3"]
) -> Float[NDArray[np.float64], "4 4"]:
    """World to camera space: the camera looks along -z, x right, y up."""
    back = (eye - target) / np.linalg.norm(eye - target)
    right = np.cross(UP, back)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(back, right), back])
    matrix[:3, 3] = -matrix[:3, :3] @ eye
    return matrix


def direction(azimuth: float, elevation: float) -> Float[NDArray[np.float64], "3"]:
    """Unit vector at ``azimuth`` (radians from +z towards +x) and ``elevation`` over the floor."""
    flat = np.cos(elevation)
    return np.array([flat * np.sin(azimuth), np.sin(elevation), flat * np.cos(azimuth)])


def heading(
    left_hip: Float[NDArray[np.float64], "3"], right_hip: Float[NDArray[np.float64], "3"]
) -> float:
    """Azimuth (radians) that a person with these hips faces."""
    across = left_hip - right_hip
    return float(np.arctan2(-across[2], across[0]))


def needed_distance(
    points: Float[NDArray[np.float64], "... J 3"],
    target: Float[NDArray[np.float64], "... 3"],
    towards_eye: Float[NDArray[np.float64], "3"],
    lens: Lens,
) -> Float[NDArray[np.float64], "..."]:
    """Least distance from ``target`` at which all points and ``MARGIN`` around them are seen."""
    axes = look_at(towards_eye, np.zeros(3))[:3, :3]
    local = (points - target[..., None, :]) @ axes.T
    horizontal, vertical = lens.slopes
    wide = (np.abs(local[..., 0]) + MARGIN) / horizontal
    tall = (np.abs(local[..., 1]) + MARGIN) / vertical
    return np.asarray((np.maximum(wide, tall) + local[..., 2]).max(-1))


def follow(
    points: Float[NDArray[np.float64], "T J 3"],
    fps: float,
    towards_eye: Float[NDArray[np.float64], "3"],
    lens: Lens,
    *,
    moving: bool = True,
) -> CameraPath:
    """Plan a camera that keeps all points in the picture in every frame.

    It stands still when that costs little size; otherwise its target is the smoothed middle of the
    points. Distances are an upper envelope: a running maximum smoothed by a kernel no wider than
    the maximum's window never falls below what a frame needs.

    Args:
        points: Joints of the person, metres.
        fps: Frames per second of ``points``.
        towards_eye: Unit vector from the target to the eye.
        lens: Field of view and aspect.
        moving: False keeps the camera where it is for the whole clip.
    """
    low, high = points.min(1), points.max(1)
    middle = (low + high) / 2
    half_width = max(1, round(2.5 * SMOOTH_SECONDS * fps))
    target = _smooth(middle, SMOOTH_SECONDS * fps, half_width, going_on=True)
    needs = needed_distance(points, target, towards_eye, lens)
    distance = _smooth(_running_maximum(needs, half_width), half_width / 2, half_width)
    still = np.broadcast_to((low.min(0) + high.max(0)) / 2, target.shape)
    still_need = float(needed_distance(points, still, towards_eye, lens).max())
    if not moving or still_need <= STILL_RATIO * float(distance.max()):
        target, distance = still, np.full(len(points), still_need)
    distance = np.maximum(distance * AIR, MIN_DISTANCE)
    return CameraPath(eye=target + distance[:, None] * towards_eye, target=target, lens=lens)


def _smooth(
    values: Float[NDArray[np.float64], "T *rest"],
    sigma: float,
    half_width: int,
    *,
    going_on: bool = False,
) -> Float[NDArray[np.float64], "T *rest"]:
    """Average over time with a Gaussian cut at ``half_width`` frames.

    Beyond the ends the values are held, or go on as they went (odd reflection) so that the camera
    does not lag behind somebody who walks in or out.
    """
    offsets = np.arange(-half_width, half_width + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    kernel /= kernel.sum()
    padding = [(half_width, half_width)] + [(0, 0)] * (values.ndim - 1)
    if going_on:
        padded = np.pad(values, padding, mode="reflect", reflect_type="odd")
    else:
        padded = np.pad(values, padding, mode="edge")
    columns = padded.reshape(len(padded), -1).T
    smooth = np.stack([np.convolve(column, kernel, mode="valid") for column in columns], axis=-1)
    return smooth.reshape(values.shape)


def _running_maximum(
    values: Float[NDArray[np.float64], " T"], half_width: int
) -> Float[NDArray[np.float64], " T"]:
    padded = np.pad(values, half_width, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half_width + 1)
    return np.asarray(windows.max(-1))
