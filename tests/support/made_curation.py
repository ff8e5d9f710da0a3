"""A pose finder that knows the motion in a film, and a describer that follows two rules.

What a pose network would see of a motion is computed from its joints, so everything behind the
network can be tested without its weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from made_films import read_number

from motion.conditioners.blazepose import LANDMARK_INDEX, NUM_LANDMARKS, PoseLandmarks
from motion.conditioners.pose_regions import Detection, Region
from motion.generate.curation import Clip, Said
from motion.geometry import forward_kinematics
from motion.render.camera import direction, look_at
from motion.representation import (
    JOINT_INDEX,
    NUM_BODY_JOINTS,
    PARENTS,
    Motion,
    rest_offsets,
    sole_points,
)

PIXELS_PER_METRE = 40.0
_EARS = {"left": (0.07, -0.025, 0.01), "right": (-0.07, -0.025, 0.01)}
"""From the head joint, metres: eyes stand 20 degrees above them, as BlazePose sees them."""

_TOE = (0.0, -0.1, 0.1732)
"""From the ankle, metres: 30 degrees below the sole's direction, as BlazePose sees toes."""


@dataclass
class MadeFinder:
    """A pose finder that knows the motion."""

    motion: Motion
    azimuth: float = 0.0
    """Of the camera, radians to the person's left."""
    elevation: float = 0.0
    visibility: dict[str, float] = field(default_factory=dict)
    """Of landmarks by a part of their name; 1 if not said."""
    num_looked: int = 0
    fingerprint: str = "made"
    shift: dict[int, float] = field(default_factory=dict)
    """Pixels to the right from a frame on: somebody else."""

    def __post_init__(self) -> None:
        self._seen = landmarks_of(self.motion, self.azimuth, self.elevation)

    def detect(self, picture: torch.Tensor) -> list[Detection]:
        number = read_number(picture)
        return [] if number is None else [Detection(score=0.9, region=self._region(number))]

    def landmarks(self, picture: torch.Tensor, region: Region) -> PoseLandmarks | None:
        self.num_looked += 1
        number = read_number(picture)
        if number is None:
            return None
        places = self._seen[number] * PIXELS_PER_METRE
        middle = places.new_tensor([picture.shape[1] / 2 + self._shift(number), 60.0, 0.0])
        hips = (self._seen[number, LANDMARK_INDEX["left_hip"]]
                + self._seen[number, LANDMARK_INDEX["right_hip"]]) / 2  # fmt: skip
        visibility = torch.ones(NUM_LANDMARKS)
        for part, value in self.visibility.items():
            rows = [index for name, index in LANDMARK_INDEX.items() if part in name]
            visibility[rows] = value
        return PoseLandmarks(
            pixels=places + middle,
            world=self._seen[number] - hips,
            visibility=visibility,
            presence=0.9,
            next_region=self._region(number),
        )

    def _shift(self, number: int) -> float:
        return next((s for start, s in reversed(self.shift.items()) if number >= start), 0.0)

    def _region(self, number: int) -> Region:
        return Region(x=80.0 + self._shift(number), y=60.0, size=100.0)


def landmarks_of(motion: Motion, azimuth: float = 0.0, elevation: float = 0.0) -> torch.Tensor:
    """What BlazePose means by its landmarks, metres (T, 33, 3): x right, y down, z away."""
    joints = motion.joints()
    head = joints[:, JOINT_INDEX["head"]]
    turn = _world(motion, "head")
    found = torch.zeros(len(joints), NUM_LANDMARKS, 3)

    def put(name: str, places: torch.Tensor) -> None:
        found[:, LANDMARK_INDEX[name]] = places

    soles = sole_points(motion)
    for row, side in enumerate(("left", "right")):
        for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
            put(f"{side}_{name}", joints[:, JOINT_INDEX[f"{side}_{name}"]])
        for name, joint in (("index", "index1"), ("pinky", "pinky1"), ("thumb", "thumb1")):
            put(f"{side}_{name}", joints[:, JOINT_INDEX[f"{side}_{joint}"]])
        eye = joints[:, JOINT_INDEX[f"{side}_eye_smplhf"]]
        for name in ("eye", "eye_inner", "eye_outer", "mouth"):
            put(f"{side}_{name}", eye)
        put(f"{side}_ear", head + (turn @ torch.tensor(_EARS[side])))
        put(f"{side}_heel", soles[:, 3 * row])
        foot = _world(motion, f"{side}_ankle")
        put(f"{side}_toe", joints[:, JOINT_INDEX[f"{side}_ankle"]] + foot @ torch.tensor(_TOE))
    put(
        "nose", found[:, LANDMARK_INDEX["left_eye"]] / 2 + found[:, LANDMARK_INDEX["right_eye"]] / 2
    )
    return (found @ _camera(azimuth, elevation).T) * torch.tensor([1.0, -1.0, -1.0])


def _world(motion: Motion, joint: str) -> torch.Tensor:
    world, _ = forward_kinematics(
        motion.local_matrix(NUM_BODY_JOINTS),
        motion.root_position,
        rest_offsets()[:NUM_BODY_JOINTS],
        PARENTS[:NUM_BODY_JOINTS],
    )
    return world[:, JOINT_INDEX[joint]]


def _camera(azimuth: float, elevation: float) -> torch.Tensor:
    """World to camera: x right, y up, z towards the camera."""
    return torch.from_numpy(look_at(direction(azimuth, elevation), np.zeros(3))[:3, :3]).float()


class RuleDescriber:
    """Describes by two rules, for tests; remembers how often it was asked."""

    name = "rules 1"
    prompt_version = "1"

    def __init__(self) -> None:
        self.asked = 0

    def detail(self, clip: Clip, attempt: int) -> Said:
        self.asked += 1
        way = clip.motion.transl[-1] - clip.motion.transl[0]
        walks = float(way.norm()) > 0.3
        text = "a person walks forward, then stops" if walks else "a person stands still"
        return Said(text=text, confidence=0.5)

    def steps(self, clip: Clip, detail: str, attempt: int) -> tuple[str, ...]:
        return ("walk forward", "stop") if "walks" in detail else ("stand still",)

    def summary(self, steps: Sequence[str], attempt: int) -> str:
        return f"take a walk {attempt}" if "walk forward" in steps else f"wait {attempt}"

    def scene(self, steps: Sequence[str], attempt: int) -> str:
        return f"an empty room {attempt}"
