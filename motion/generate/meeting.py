"""What the model wrote for a gap, made to continue both sides in pose, place and heading.

The model's root path is bent and moved so that it arrives where the end stands, most where it moves
most; its poses are turned towards the given ones near either side; and right beside a side, where
the past speed says more than a code can, a smooth interpolation takes over (``geometry.bridges``).
Axes: T frames from the last one before the gap to the first one after it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from motion.errors import RequestError
from motion.generate.keeping import root_of
from motion.generate.poses import Poses, placed
from motion.geometry import axis_angle_to_matrix, turn_between
from motion.representation import (
    FPS,
    NUM_BODY_JOINTS,
    NUM_JOINTS,
    PARTS,
    Motion,
    RootPath,
    RootState,
    integrate_root,
    local_rotations,
)

Features = Mapping[str, Float[Tensor, "T _"]]


@dataclass(frozen=True, kw_only=True)
class MeetingConfig:
    """How a written motion is fitted between two given ones; measured on validation clips."""

    offset_frames: float = 20.0
    """Time in which the difference between written and given pose is faded out."""
    takeover_frames: float = 7.0
    """Time after which the written motion counts fully; before it, interpolation does."""
    idle_speed: float = 0.2
    """Metres a second added to the root's speed where a miss of the end is spread over the gap."""
    doubt_metres: float = 0.08
    """Miss of the end's pose at which a written motion and interpolation count equally."""

    def __post_init__(self) -> None:
        """Check what would divide by zero."""
        sizes = (self.offset_frames, self.takeover_frames, self.idle_speed, self.doubt_metres)
        if min(sizes) <= 0:
            raise RequestError(f"the sizes of a meeting must be positive, got {sizes}")

    def trust(self, pose_miss: float) -> float:
        """Share of a written motion far from both sides, where the least error is wanted.

        A model that comes to another pose than the end's does not know this kind of motion, and
        interpolation errs less. Measured on validation clips (60 gaps of each length, mean of five
        written motions; straight lines, this, full trust), joint error in millimetres: gaps of
        0.5 s Bandai Namco 33, 13, 12, CMU 70, 35, 41; 1 s 51, 23, 23 and 125, 85, 112; 2 s 84, 42,
        41 and 172, 158, 179. The miss of the place says much less: places are led right.
        """
        return 1 / (1 + (pose_miss / self.doubt_metres) ** 2)


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """Where a written motion comes to by itself."""

    root: RootState
    """At the end's first frame."""
    pose: Poses
    """The same for all joints (one frame)."""


def mean_features(drawn: Sequence[Features]) -> dict[str, Float[Tensor, "T _"]]:
    """Mean of several motions that were written for one gap.

    Rotations are averaged as the two columns of their 6D form, which are made orthonormal when
    they are read: for rotations that are near to each other this is their geodesic mean up to
    second order.
    """
    return {name: torch.stack([one[name] for one in drawn]).mean(0) for name in drawn[0]}


def arrival(features: Features, start: Motion) -> Arrival:
    """Follow a written motion from the last given frame.

    Args:
        features: Of that frame, the gap, and the first frame after it.
        start: The given motion before the gap.
    """
    lower = _leading_on(features["lower"], ends=True)
    path = integrate_root(lower[None], _last_root(start))
    pose = _poses(features, path)
    return Arrival(root=path.end, pose=Poses(pose.matrix[-1:], pose.position[-1:]))


def miss(arrived: Arrival, end: Motion) -> float:
    """Mean distance of the body's joints from a motion's first frame, metres."""
    first = end.frames(0, 1)
    return _apart(arrived.pose.motion(first, first.expression), first)


def pose_miss(arrived: Arrival, end: Motion) -> float:
    """The same without what lies in place and heading."""
    first = end.frames(0, 1)
    return _apart(placed(arrived.pose.motion(first, first.expression), root_of(first)), first)


def _apart(one: Motion, other: Motion) -> float:
    gap = one.joints(NUM_BODY_JOINTS) - other.joints(NUM_BODY_JOINTS)
    return float(torch.linalg.vector_norm(gap, dim=-1).mean())


def met(features: Features, start: Motion, end: Motion | None, config: MeetingConfig) -> Poses:
    """Poses in the gap that continue the start and lead into the end.

    Args:
        features: Of the last frame of the start, the gap and, with an end, its first frame.
        start: Given motion before the gap.
        end: Given motion after it, where it stands.
        config: How.
    """
    lower = _leading_on(features["lower"], ends=end is not None)
    path = integrate_root(lower[None], _last_root(start))
    if end is not None:
        path = _led_to(root_of(end), lower, path, start, config)
    written = _poses(features, path)
    given = [(0, Poses.of(start.frames(start.num_frames - 1, start.num_frames)))]
    if end is not None:
        given.append((len(lower) - 1, Poses.of(end.frames(0, 1))))
    matrix, position = written.matrix, written.position
    turn, shift = torch.zeros(len(lower), NUM_JOINTS, 3), torch.zeros(len(lower), 3)
    for frame, pose in given:
        fade = _fade(len(lower), frame, config.offset_frames)
        turn = turn + fade[:, None, None] * turn_between(matrix[frame], pose.matrix[0])
        shift = shift + fade[:, None] * (pose.position[0] - position[frame])
    last = len(lower) - 1 if end is not None else len(lower)
    return Poses((matrix @ axis_angle_to_matrix(turn))[1:last], (position + shift)[1:last])


def takeover(
    num_frames: int, config: MeetingConfig, trust: float = 1.0, *, ends: bool
) -> Float[Tensor, " G"]:
    """Share of the written motion in each frame of a gap; the rest is interpolated.

    Args:
        num_frames: Of the gap.
        config: How.
        trust: The share far from both sides.
        ends: Whether something follows the gap.
    """
    place = torch.arange(1, num_frames + 1).float()
    nearest = torch.minimum(place, place.flip(0)) if ends else place
    return trust * _smooth_step(nearest / config.takeover_frames)


def _led_to(
    aim: RootState,
    lower: Float[Tensor, "T D"],
    path: RootPath,
    start: Motion,
    config: MeetingConfig,
) -> RootPath:
    """The path turned and moved, little by little, so that it ends at ``aim``."""
    root = PARTS["lower"].slices
    speed = torch.linalg.vector_norm(lower[:, root["planar_velocity"]], dim=-1)
    speed = torch.cat([speed.new_zeros(1), speed[1:] + config.idle_speed])
    share = speed.cumsum(0) / speed.sum()  # 0 at the start, 1 at the end
    missed = torch.remainder(aim.yaw - path.yaw[:, -1] + torch.pi, 2 * torch.pi) - torch.pi
    turned = lower.clone()
    turned[:, root["yaw_rate"]] += (speed / speed.sum() * missed * FPS)[:, None]
    path = integrate_root(turned[None], _last_root(start))
    position = path.position.clone()
    position[0, :, [0, 2]] += share[:, None] * (aim.position[0] - position[0, -1, [0, 2]])
    return RootPath(path.orientation, position, path.yaw)


def _leading_on(lower: Float[Tensor, "T D"], *, ends: bool) -> Float[Tensor, "T D"]:
    """Nothing leads to the first frame; the end was encoded as if nothing led to it, either."""
    root = PARTS["lower"].slices
    lower = lower.clone()
    for block in ("planar_velocity", "yaw_rate"):
        lower[0, root[block]] = 0.0
        if ends:
            lower[-1, root[block]] = lower[-2, root[block]]
    return lower


def _last_root(start: Motion) -> RootState:
    return root_of(start.frames(start.num_frames - 1, start.num_frames))


def _poses(features: Features, path: RootPath) -> Poses:
    batch = {name: values[None].float() for name, values in features.items()}
    local = local_rotations(batch, NUM_JOINTS)[0]
    matrix = torch.cat([path.orientation[0, :, None], local[:, 1:]], dim=1)
    return Poses(matrix, path.position[0])


def _fade(count: int, frame: int, reach: float) -> Float[Tensor, " T"]:
    """1 at one end of a gap, 0 from ``reach`` frames on, at the other end at the latest."""
    distance = (torch.arange(count) - frame).abs().float()
    return 1 - _smooth_step(distance / min(reach, count - 1))


def _smooth_step(place: Float[Tensor, " T"]) -> Float[Tensor, " T"]:
    """From 0 to 1 without a jump in speed."""
    place = place.clamp(0, 1)
    return place.square() * (3 - 2 * place)
