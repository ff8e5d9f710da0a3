"""How root and feet have to move so that planted feet stand: one banded least-squares problem.

Unknown are, for every frame, the shift r of the root and the extra shifts f1, f2 of the two feet
(a foot moves by r + f). Planted feet cost where they move, or where they leave their height; shifts
cost where they are large and where they accelerate. The minimum is a smooth natural spline outside
contacts, so blending in and out needs no windows, and slow drift goes to the root because its
stiffness is lowest. The normal equations are banded (second differences of three interleaved
unknowns), so time is linear in the frames.

Axes: 2 feet, A coordinates that share the weights, U = 3 T unknowns.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

_UNKNOWNS = 3
"""Unknowns a frame: root, left foot, right foot."""

_BANDS = 2 * _UNKNOWNS + 1

_HELD_COST = 1e4
"""Cost of shifting anything in a frame that is to stay as it is, against a planted foot's 1."""

Rows = Float[NDArray[np.float64], "T A"]


@dataclass(frozen=True, kw_only=True)
class ShiftConfig:
    """Stiffness of shifts against a planted foot's cost of 1; frames are the unit of time."""

    leg_size: float = 1e-4
    """Cost of moving a foot against the root."""
    leg_blend_frames: float = 3.2
    """Time in which a foot's shift comes and goes outside contacts, at 30 fps."""
    root_size: float = 5e-5
    """Cost of moving the whole body: lower follows drift longer, higher keeps the path. Measured
    on CMU walks: from 1e-6 to 1e-4 feet stand equally still, the body moves 1.8 to 0.7 cm."""
    root_height_size: float = 1e-5
    """The same for height; floating is a constant offset more often than feet that are wrong."""
    root_blend_frames: float = 10.0
    """Time in which the root answers to a shift of its feet."""
    root_height_blend_frames: float = 20.0
    """The same for height: a foot that comes down late must not pull the body down."""

    @property
    def leg_bend(self) -> float:
        """Cost of a foot's acceleration."""
        return self.leg_size * self.leg_blend_frames**4

    def root_bend(self, blend_frames: float) -> float:
        """Cost of the root's acceleration."""
        return self.leg_size * blend_frames**4


@dataclass(frozen=True)
class Shifts:
    """Shifts (metres) of root and feet."""

    root: Float[NDArray[np.float64], "T A"]
    feet: Float[NDArray[np.float64], "T 2 A"]
    """Of each foot, with the root's."""


def still_shifts(
    places: Float[NDArray[np.float64], "T 2 2 A"],
    weights: Float[NDArray[np.float64], "T 2 2"],
    config: ShiftConfig,
    held: Bool[NDArray[np.bool_], " T"] | None = None,
) -> Shifts:
    """Shifts after which weighted points of the feet do not move.

    Args:
        places: Where heel and ball of both feet are, metres.
        weights: From 0 (free) to 1 (planted).
        config: Stiffness.
        held: Frames that stay as they are.
    """
    pairs = weights[1:] * weights[:-1]  # (T-1, 2, 2)
    steps = np.diff(places, axis=0)
    pull = -(pairs[..., None] * steps).sum(2)  # (T-1, 2, A)
    weight = pairs.sum(2)
    matrix = _stiffness(len(places), config.root_size, config.root_blend_frames, config)
    _hold(matrix, held)
    right = np.zeros((len(places), _UNKNOWNS, places.shape[-1]))
    for foot in range(2):
        w, b = weight[:, foot], pull[:, foot]
        for unknown in (0, foot + 1):
            right[1:, unknown] += b
            right[:-1, unknown] -= b
            matrix[0, unknown::3][1:] += w
            matrix[0, unknown::3][:-1] += w
            matrix[3, unknown::3][:-1] -= w
        matrix[foot + 1, 0::3][1:] += w
        matrix[foot + 1, 0::3][:-1] += w
        matrix[4 + foot, 0::3][:-1] -= w  # foot after root
        matrix[2 - foot, foot + 1 :: 3][:-1] -= w  # root after foot
    return _solved(matrix, right)


def height_shifts(
    heights: Float[NDArray[np.float64], "T 2"],
    weights: Float[NDArray[np.float64], "T 2"],
    config: ShiftConfig,
    held: Bool[NDArray[np.bool_], " T"] | None = None,
) -> Shifts:
    """Shifts after which weighted feet are at height zero (A = 1).

    Args:
        heights: Height of the lowest point of each foot over the floor, metres.
        weights: From 0 (free) to 1 (planted).
        config: Stiffness.
        held: Frames that stay as they are.
    """
    matrix = _stiffness(
        len(heights), config.root_height_size, config.root_height_blend_frames, config
    )
    _hold(matrix, held)
    right = np.zeros((len(heights), _UNKNOWNS, 1))
    for foot in range(2):
        w = weights[:, foot]
        for unknown in (0, foot + 1):
            matrix[0, unknown::3] += w
            right[:, unknown, 0] -= w * heights[:, foot]
        matrix[foot + 1, 0::3] += w
    return _solved(matrix, right)


def _stiffness(
    num_frames: int, root_size: float, blend_frames: float, config: ShiftConfig
) -> Float[NDArray[np.float64], "7 U"]:
    """Bands (lower form) of the cost of size and of squared second differences."""
    matrix = np.zeros((_BANDS, _UNKNOWNS * num_frames))
    root, leg = (root_size, config.root_bend(blend_frames)), (config.leg_size, config.leg_bend)
    for unknown, (size, bend) in enumerate((root, leg, leg)):
        diagonal = matrix[0, unknown::3]
        diagonal += size
        for shift, square in enumerate((1.0, 4.0, 1.0)):
            diagonal[shift : num_frames - 2 + shift] += bend * square
        near = matrix[3, unknown::3]
        near[: num_frames - 2] -= 2 * bend
        near[1 : num_frames - 1] -= 2 * bend
        matrix[6, unknown::3][: num_frames - 2] += bend
    return matrix


def _hold(
    matrix: Float[NDArray[np.float64], "7 U"], held: Bool[NDArray[np.bool_], " T"] | None
) -> None:
    if held is not None:
        matrix[0] += np.repeat(held, _UNKNOWNS) * _HELD_COST


def _solved(
    matrix: Float[NDArray[np.float64], "7 U"], right: Float[NDArray[np.float64], "T 3 A"]
) -> Shifts:
    flat = right.reshape(-1, right.shape[-1])
    found = solveh_banded(matrix, flat, lower=True, overwrite_ab=True, check_finite=False)
    found = found.reshape(right.shape)
    return Shifts(root=found[:, 0], feet=found[:, :1] + found[:, 1:])
