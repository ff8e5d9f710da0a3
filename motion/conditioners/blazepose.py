"""BlazePose: 33 body landmarks of one person in a picture, in pixels and in metres.

A detector finds people, a second network finds the landmarks in a turned square around one of them
and says where the square of the next picture lies. Both are tflite files of the package
``mediapipe`` (only data is read from it), run by ``ai-edge-litert``.

Source: Bazarevsky et al., "BlazePose" (2020); Grishchenko et al., "BlazePose GHUM Holistic" (2022)
for the places in metres; settings of google-ai-edge/mediapipe 0.10.21 (Apache-2.0),
``modules/pose_landmark``. The One-Euro filter of its live mode is left out: who reads a whole film
smooths better with both sides of a moment. Axis letters: ``H``/``W`` picture rows and columns.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from motion.conditioners.baking import PackagedWeights, content_hash, fetch_weights, read_member
from motion.conditioners.download import Wheel
from motion.conditioners.pose_regions import (
    DETECTOR_SIDE,
    Detection,
    Picture,
    Region,
    cut_out,
    decode_boxes,
    merge_boxes,
)
from motion.errors import WeightsError, reason_of
from motion.optional import require

LANDMARKS: tuple[str, ...] = (
    *("nose", "left_eye_inner", "left_eye", "left_eye_outer"),
    *("right_eye_inner", "right_eye", "right_eye_outer", "left_ear", "right_ear"),
    *("left_mouth", "right_mouth", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow"),
    *("left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index"),
    *("left_thumb", "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee"),
    *("left_ankle", "right_ankle", "left_heel", "right_heel", "left_toe", "right_toe"),
)
"""The 33 landmarks; left is the person's own left."""

LANDMARK_INDEX: dict[str, int] = {name: index for index, name in enumerate(LANDMARKS)}
NUM_LANDMARKS = len(LANDMARKS)
LEAST_SCORE = 0.5
"""Score from which a detection is a person (the published setting)."""

LEAST_PRESENCE = 0.5
"""Presence from which landmarks are a person (the published setting)."""

_MERGE_OVERLAP = 0.3
_LANDMARK_SIDE = 256
_NUM_OUTPUTS = 39
"""Landmarks, the two points of the next region, and four that nobody uses."""
_CENTRE, _RIM = 33, 34
_HEAT_CELLS = 64
_HEAT_REACH = 3
"""Cells around a landmark in which its heat map is averaged: 7 x 7."""
_LEAST_HEAT = 0.5
_FILES = {
    "pose_detection.tflite": "mediapipe/modules/pose_detection/pose_detection.tflite",
    "pose_landmark_full.tflite": "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
}
"""Baked file and member of the wheel."""


@dataclass(frozen=True, kw_only=True)
class PoseLandmarks:
    """What was found of one person in one picture."""

    pixels: Float[Tensor, "33 3"]
    """x right and y down in pixels; z away from the camera from the hips on, of the same scale."""
    world: Float[Tensor, "33 3"]
    """Metres from the middle of the hips; x right, y down, z away from the camera."""
    visibility: Float[Tensor, " 33"]
    """Chance that a landmark is in the picture and not hidden, 0 to 1."""
    presence: float
    """Chance that there is a person at all, 0 to 1."""
    next_region: Region
    """Where to look in the next picture."""


class BlazePose:
    """Detector and landmark network, ready to run; one thread may use it at a time."""

    def __init__(self, folder: Path, *, num_threads: int | None = None) -> None:
        """Open both networks.

        Args:
            folder: Where the tflite files lie.
            num_threads: Threads of each network; None: as many as torch uses.

        Raises:
            WeightsError: A file is missing or damaged.
            MissingDependencyError: ``ai-edge-litert`` is not installed.
        """
        threads = num_threads or torch.get_num_threads()
        networks = [_Network(folder / name, threads) for name in _FILES]
        self._detector, self._landmarker = networks
        self.fingerprint = content_hash(folder)[:16]
        """Names the weights."""

    @classmethod
    def load(cls, folder: Path | None = None, *, progress: bool = True) -> Self:
        """Load the packaged weights, fetching them if need be, or those of a folder."""
        require("ai_edge_litert.interpreter", extra="video")  # before anything is fetched
        return cls(folder or fetch_weights(BLAZEPOSE, progress=progress))

    def detect(self, picture: Picture) -> list[Detection]:
        """Find people, best score first."""
        height, width = picture.shape[:2]
        side = float(max(height, width))
        whole = Region(x=width / 2, y=height / 2, size=side)
        square = cut_out(picture, whole, DETECTOR_SIDE, repeat_border=False)
        values, scores = self._detector.run(2 * square - 1)
        found = decode_boxes(values[0], scores[0, :, 0], LEAST_SCORE)
        people = []
        for box, score in zip(*merge_boxes(*found, _MERGE_OVERLAP), strict=True):
            points = whole.to_picture(box[4:8].reshape(2, 2)).tolist()
            region = Region.around(tuple(points[0]), tuple(points[1]))
            people.append(Detection(score=float(score), region=region))
        return [person for person in people if person.region.overlaps(height, width)]

    def landmarks(self, picture: Picture, region: Region) -> PoseLandmarks | None:
        """Find the landmarks of the person in a region; None if there is nobody."""
        square = cut_out(picture, region, _LANDMARK_SIDE, repeat_border=True)
        outputs = self._landmarker.run(square)
        rows, flag, _, heat, world = outputs
        presence = float(flag[0, 0])
        if not presence >= LEAST_PRESENCE:
            return None
        points = rows[0].reshape(_NUM_OUTPUTS, 5)
        shares = refine(points[:, :2] / _LANDMARK_SIDE, heat[0])
        places = region.to_picture(shares)
        depth = points[:, 2:3] / _LANDMARK_SIDE * region.size
        metres = world[0].reshape(_NUM_OUTPUTS, 3)[:NUM_LANDMARKS]
        turned = torch.cat([region.turn(metres[:, :2]), metres[:, 2:]], dim=-1)
        centre, rim = places[_CENTRE].tolist(), places[_RIM].tolist()
        return PoseLandmarks(
            pixels=torch.cat([places, depth], dim=-1)[:NUM_LANDMARKS],
            world=turned,
            visibility=points[:NUM_LANDMARKS, 3:].sigmoid().amin(-1),
            presence=presence,
            next_region=Region.around(tuple(centre), tuple(rim)),
        )


def refine(shares: Float[Tensor, "39 2"], heat: Float[Tensor, "64 64 39"]) -> Float[Tensor, "39 2"]:
    """Move landmarks to the middle of the heat near them, where the heat map is sure.

    Args:
        shares: Places as shares of the region.
        heat: Logits of each landmark over the region's cells.
    """
    cells = (shares * _HEAT_CELLS).long()  # towards zero, as the original
    inside = ((shares >= 0) & (cells < _HEAT_CELLS)).all(-1)
    reach = torch.arange(-_HEAT_REACH, _HEAT_REACH + 1)
    columns, rows = (cells[:, axis, None] + reach for axis in (0, 1))  # (39, 7)
    valid = ((columns >= 0) & (columns < _HEAT_CELLS))[:, None, :]
    valid = valid & ((rows >= 0) & (rows < _HEAT_CELLS))[:, :, None]
    limit = _HEAT_CELLS - 1
    which = torch.arange(len(shares))[:, None, None]
    values = heat[rows.clamp(0, limit)[:, :, None], columns.clamp(0, limit)[:, None, :], which]
    values = values.sigmoid() * valid
    total = values.sum((1, 2)).clamp(min=1e-12)
    x = (values.sum(1) * columns).sum(-1) / total
    y = (values.sum(2) * rows).sum(-1) / total
    sure = inside & (values.amax((1, 2)) >= _LEAST_HEAT)
    return torch.where(sure[:, None], torch.stack([x, y], dim=-1) / _HEAT_CELLS, shares)


class _Network:
    """A tflite file with one picture as input."""

    def __init__(self, path: Path, num_threads: int) -> None:
        if not path.is_file():
            raise WeightsError(f"there is no {path.name} in {path.parent}")
        litert = require("ai_edge_litert.interpreter", extra="video")
        try:
            with _quiet():
                self._interpreter = litert.Interpreter(
                    model_content=path.read_bytes(), num_threads=num_threads
                )
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise WeightsError(
                f"{path} is damaged ({reason_of(error)}); delete {path.parent} and fetch the "
                "weights again"
            ) from error
        self._input: dict[str, Any] = self._interpreter.get_input_details()[0]
        self._outputs: list[dict[str, Any]] = self._interpreter.get_output_details()

    def run(self, picture: Float[Tensor, "S S 3"]) -> list[Tensor]:
        """All outputs for one picture."""
        self._interpreter.set_tensor(self._input["index"], picture.numpy()[None])
        self._interpreter.invoke()
        found = (self._interpreter.get_tensor(detail["index"]) for detail in self._outputs)
        return [torch.from_numpy(np.ascontiguousarray(values)) for values in found]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the C++ library writes to the error stream, about itself, from the user."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _bake_wheels(wheels: Sequence[Path], folder: Path) -> None:
    for name, member in _FILES.items():
        (folder / name).write_bytes(read_member(wheels[0], member))


BLAZEPOSE = PackagedWeights(
    name="blazepose",
    description="people in pictures: detector and 33 body landmarks (BlazePose GHUM full)",
    licence="Apache-2.0",
    wheels=(
        Wheel(
            distribution="mediapipe",
            version="0.10.21",
            filename="mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl",
            sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
            num_bytes=35622638,
            platform="manylinux_2_28_x86_64",
            python="3.11",
        ),
    ),
    bake=_bake_wheels,
)
