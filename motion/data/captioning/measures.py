"""Measurements of what a motion does: geometry of joint positions, no learned judge.

A ``Track`` holds the 22 body joints in the frame of the start: the person begins at the origin
facing +z with the left side at +x, so directions are relative to the initial facing. The floor is
y = 0. Metres, radians, seconds; positive angles turn to the left.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.ndimage import uniform_filter1d

from motion.representation import JOINT_INDEX, NUM_BODY_JOINTS, Motion

Side = Literal["left", "right"]
BOTH_SIDES: tuple[Side, Side] = ("left", "right")
Floats = Float[np.ndarray, " T"]
Flags = Bool[np.ndarray, " T"]

_START_FRAMES = 3
"""Frames whose mean says how the person faces at the start, and at the end."""

_SMOOTH_SECONDS = 0.4
"""Window that takes the sway of single steps out of the path."""

_STANDING_PERCENTILE = 90
"""Heights that the body has for a tenth of the time count as standing."""

_SWING_METRES = 0.04
"""The forearm must move so far back for a swing to count (wrist against elbow)."""

_WAVING_HEIGHT = -0.15
"""A hand waves when it is at least this far above the shoulder, metres."""

_KICK_HEIGHT = 0.35
"""Height of the toes in a kick; a walking step lifts them 0.2 at most."""

_SIDE_KICK_HEIGHT = 0.6
_AIR_HEIGHT = 0.05
"""Both feet higher than this above their usual lowest height: off the floor."""

_JUMP_RISE = 0.11
"""The pelvis rises so far above standing in a jump; 0.09 at most in nine tenths of all runs."""

_STRETCHED = 0.85
"""Share of the arm's length between shoulder and wrist of a punch."""

_PUNCH_SPEED = 2.0
"""Speed of the wrist away from the shoulder, metres a second."""

_PUNCH_GAP_SECONDS = 0.25
_SEATED_KNEE = 0.2
"""Pelvis above the knees when seated, at most."""

_SEATED_BEHIND = 0.22
"""Horizontal distance from the ankles to the pelvis of a seated person, at least."""


@dataclass(frozen=True, eq=False)
class Track:
    """Joint positions of one motion, turned to how it starts."""

    joints: Float[np.ndarray, "T 22 3"]
    fps: float

    @classmethod
    def of(cls, motion: Motion) -> Self:
        """Measure a motion."""
        with torch.no_grad():
            joints = motion.joints(NUM_BODY_JOINTS).double().cpu().numpy()
        return cls(joints=_from_start(joints), fps=motion.fps)

    def at(self, name: str) -> Float[np.ndarray, "T 3"]:
        """Positions of a joint."""
        return self.joints[:, JOINT_INDEX[name]]

    def frames(self, start: int, stop: int) -> "Track":
        """Frames ``start`` to ``stop`` as a track of their own, facing +z at its start."""
        return Track(joints=_from_start(self.joints[start:stop]), fps=self.fps)

    @property
    def seconds(self) -> float:
        """How long the motion lasts."""
        return len(self.joints) / self.fps

    # Where it goes ---------------------------------------------------------------------------

    @cached_property
    def yaw(self) -> Floats:
        """Facing, without jumps of a full turn."""
        lateral = _lateral(self.joints)
        return np.asarray(np.unwrap(np.arctan2(-lateral[:, 2], lateral[:, 0])))

    @property
    def turn(self) -> float:
        """Facing at the end minus facing at the start."""
        return float(self.yaw[-_START_FRAMES:].mean() - self.yaw[:_START_FRAMES].mean())

    @cached_property
    def path(self) -> Float[np.ndarray, "T 2"]:
        """Smoothed way of the pelvis over the floor: left, forward."""
        window = max(1, round(_SMOOTH_SECONDS * self.fps))
        floor = self.at("pelvis")[:, [0, 2]]
        return np.asarray(uniform_filter1d(floor, window, axis=0, mode="nearest"))

    @property
    def travel(self) -> tuple[float, float]:
        """Net way to the left and forward."""
        way = self.at("pelvis")[-1] - self.at("pelvis")[0]
        return float(way[0]), float(way[2])

    @property
    def travel_metres(self) -> float:
        """Distance between start and end."""
        return float(np.hypot(*self.travel))

    @property
    def travel_angle(self) -> float:
        """Direction of the net way against the initial facing: 0 forward, positive to the left."""
        return float(np.arctan2(*self.travel))

    @property
    def path_metres(self) -> float:
        """Length of the way."""
        return float(self.steps.sum())

    @property
    def steps(self) -> Floats:
        """Way from frame to frame (one shorter than the motion)."""
        return np.asarray(np.linalg.norm(np.diff(self.path, axis=0), axis=1))

    @property
    def speed(self) -> float:
        """Cruising speed: upper quartile over the frames, metres a second."""
        return float(np.percentile(self.steps, 75) * self.fps) if len(self.joints) > 1 else 0.0

    def body_way(self) -> tuple[float, float]:
        """Way summed up in the person's own, turning frame: to the left and forward."""
        step, yaw = np.diff(self.path, axis=0), self.yaw[1:]
        left = step[:, 0] * np.cos(yaw) - step[:, 1] * np.sin(yaw)
        forward = step[:, 0] * np.sin(yaw) + step[:, 1] * np.cos(yaw)
        return float(left.sum()), float(forward.sum())

    def ahead(self, vector: Float[np.ndarray, "T 3"]) -> Floats:
        """Component of a vector along the current facing."""
        return np.asarray(vector[:, 0] * np.sin(self.yaw) + vector[:, 2] * np.cos(self.yaw))

    def leftward(self, vector: Float[np.ndarray, "T 3"]) -> Floats:
        """Component of a vector to the person's current left."""
        return np.asarray(vector[:, 0] * np.cos(self.yaw) - vector[:, 2] * np.sin(self.yaw))

    # Arms ------------------------------------------------------------------------------------

    def hand_above_shoulder(self, side: Side) -> Floats:
        """Wrist height above the shoulder, and above where the shoulder is when upright."""
        shoulder = self.at(f"{side}_shoulder")[:, 1]
        upright = np.maximum(shoulder, np.percentile(shoulder, _STANDING_PERCENTILE))
        return np.asarray(self.at(f"{side}_wrist")[:, 1] - upright)

    def hand_above_head(self, side: Side) -> Floats:
        """Wrist height above the head joint (about the height of the ears)."""
        return np.asarray(self.at(f"{side}_wrist")[:, 1] - self.at("head")[:, 1])

    def wave_swings(self, side: Side) -> int:
        """Times that the forearm of a raised hand swings back; raising it once has one at most."""
        forearm = self.at(f"{side}_wrist") - self.at(f"{side}_elbow")
        raised = self.hand_above_shoulder(side) > _WAVING_HEIGHT
        return max(
            _swings(signal, raised) for signal in (self.leftward(forearm), self.ahead(forearm))
        )

    def punches(self, side: Side) -> int:
        """Times that the fist shoots away from the shoulder at chest to head height."""
        arm = self.at(f"{side}_wrist") - self.at(f"{side}_shoulder")
        reach = np.linalg.norm(arm, axis=1)
        upper = self.at(f"{side}_elbow") - self.at(f"{side}_shoulder")
        fore = self.at(f"{side}_wrist") - self.at(f"{side}_elbow")
        length = float(np.median(np.linalg.norm(upper, axis=1) + np.linalg.norm(fore, axis=1)))
        gap = max(1, round(_PUNCH_GAP_SECONDS * self.fps))
        speed = np.gradient(reach) * self.fps if len(reach) > 1 else np.zeros(len(reach))
        fast = np.array([speed[max(0, t - gap) : t + 1].max() for t in range(len(speed))])
        height = self.at(f"{side}_wrist")[:, 1] - self.at(f"{side}_shoulder")[:, 1]
        level = (height > -0.3) & (height < 0.25)
        hit = (
            (reach > _STRETCHED * length) & (fast > _PUNCH_SPEED) & level & (self.ahead(arm) > 0.2)
        )
        return count_runs(hit, gap)

    # Legs and trunk --------------------------------------------------------------------------

    def kick_reach(self, side: Side) -> float:
        """How far a lifted foot reaches from the pelvis, forward (or sideways if lifted high)."""
        foot = self.at(f"{side}_foot")
        way, height = foot - self.at("pelvis"), foot[:, 1]
        forward = np.where(height > _KICK_HEIGHT, self.ahead(way), 0.0)
        sideways = np.where(height > _SIDE_KICK_HEIGHT, np.abs(self.leftward(way)), 0.0)
        return float(max(forward.max(), sideways.max()))

    @cached_property
    def feet_height(self) -> Floats:
        """Height of the lowest joint of both feet above where it usually stands."""
        names = ("left_ankle", "right_ankle", "left_foot", "right_foot")
        lowest = np.stack([self.at(name)[:, 1] for name in names]).min(0)
        return np.asarray(lowest - np.percentile(lowest, 5))

    @cached_property
    def airborne(self) -> Flags:
        """Frames of jumps: both feet off the floor and the pelvis above standing height."""
        return np.asarray((self.feet_height > _AIR_HEIGHT) & (self.pelvis_rise > _JUMP_RISE))

    @cached_property
    def pelvis_rise(self) -> Floats:
        """Pelvis height above standing; standing is its median while a foot is on the floor."""
        height = self.at("pelvis")[:, 1]
        on_floor = self.feet_height <= _AIR_HEIGHT
        return np.asarray(height - np.median(height[on_floor] if on_floor.any() else height))

    @property
    def jumps(self) -> int:
        """Count of jumps."""
        return count_runs(self.airborne, max(1, round(0.1 * self.fps)))

    @property
    def jump_metres(self) -> float:
        """Highest lift of both feet off the floor in a jump; 0 without one."""
        return float(self.feet_height[self.airborne].max()) if self.airborne.any() else 0.0

    @property
    def pitch(self) -> Floats:
        """Forward lean of the trunk, pelvis to neck."""
        trunk = self.at("neck") - self.at("pelvis")
        return np.asarray(np.arctan2(self.ahead(trunk), trunk[:, 1]))

    @property
    def pelvis_drop(self) -> float:
        """How far the pelvis goes below where it stands upright."""
        height = self.at("pelvis")[:, 1]
        return float(np.percentile(height, _STANDING_PERCENTILE) - height.min())

    @property
    def thigh_share(self) -> Floats:
        """Pelvis height above the ankles as a share of the stretched leg."""
        ankle = (self.at("left_ankle") + self.at("right_ankle"))[:, 1] / 2
        leg = sum(
            np.linalg.norm(self.at(a) - self.at(b), axis=1)
            for a, b in (("left_hip", "left_knee"), ("left_knee", "left_ankle"))
        )
        return np.asarray((self.at("pelvis")[:, 1] - ankle) / leg)

    @property
    def seated(self) -> Flags:
        """Frames with level thighs and the pelvis well behind the feet."""
        pelvis = self.at("pelvis")
        knee = (self.at("left_knee") + self.at("right_knee"))[:, 1] / 2
        ankles = (self.at("left_ankle") + self.at("right_ankle")) / 2
        behind = np.hypot(*(ankles - pelvis)[:, [0, 2]].T)
        return np.asarray((pelvis[:, 1] - knee < _SEATED_KNEE) & (behind > _SEATED_BEHIND))

    @property
    def crouching(self) -> Flags:
        """Frames with strongly bent knees over the feet."""
        upright = self.at("neck")[:, 1] - self.at("pelvis")[:, 1] > 0.2
        return np.asarray((self.thigh_share < 0.75) & ~self.seated & upright)

    @property
    def sway_metres(self) -> float:
        """Farthest that pelvis, head, hands or feet get from their middle place."""
        names = ("pelvis", "head", "left_wrist", "right_wrist", "left_foot", "right_foot")
        places = np.stack([self.at(name) for name in names], axis=1)
        return float(np.linalg.norm(places - np.median(places, axis=0), axis=-1).max())


def count_runs(flags: Flags, gap: int) -> int:
    """Count stretches of True; pauses up to ``gap`` frames do not part them."""
    places = np.flatnonzero(flags)
    return int(len(places) > 0) + int((np.diff(places) > gap).sum())


def longest_run(flags: Flags) -> int:
    """Frames of the longest stretch of True."""
    best = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        best = max(best, run)
    return best


def _from_start(joints: Float[np.ndarray, "T 22 3"]) -> Float[np.ndarray, "T 22 3"]:
    """Turn and move everything so that the start is at the origin and faces +z."""
    lateral = _lateral(joints[:_START_FRAMES]).mean(0)
    left = lateral / max(float(np.linalg.norm(lateral)), 1e-9)
    axes = np.stack([left, [0.0, 1.0, 0.0], np.cross(left, [0.0, 1.0, 0.0])])
    origin = joints[0, 0] * np.array([1.0, 0.0, 1.0])
    return np.asarray((joints - origin) @ axes.T)


def _lateral(joints: Float[np.ndarray, "T 22 3"]) -> Float[np.ndarray, "T 3"]:
    """Direction to the person's left over the floor, from hips and shoulders."""
    hips = joints[:, JOINT_INDEX["left_hip"]] - joints[:, JOINT_INDEX["right_hip"]]
    shoulders = joints[:, JOINT_INDEX["left_shoulder"]] - joints[:, JOINT_INDEX["right_shoulder"]]
    return np.asarray((hips + shoulders) * np.array([1.0, 0.0, 1.0]))


def _swings(signal: Floats, active: Flags) -> int:
    """Count turning points of a signal that lie more than a swing apart, while active."""
    count, direction = 0, 0
    extreme = None
    for value, on in zip(signal, active, strict=True):
        if not on or extreme is None:
            direction, extreme = 0, value if on else None
        elif direction == 0:
            direction = int(np.sign(value - extreme)) if abs(value - extreme) > _SWING_METRES else 0
            extreme = value if direction else extreme
        elif (value - extreme) * direction > 0:
            extreme = value
        elif abs(value - extreme) > _SWING_METRES:
            direction, extreme, count = -direction, value, count + 1
    return count
