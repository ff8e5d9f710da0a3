"""Clean up generated motion: planted feet stand still on the floor, legs bend to let them.

Contacts come from the generator's own labels. Feet are turned flat where heel and ball are planted,
then shifts of root and feet are found by least squares (``foot_solver``), then the legs are bent by
two-bone inverse kinematics. Everything is vectorised over frames. Axes: 2 feet (left, right).
"""

from dataclasses import dataclass, field

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from motion.errors import RequestError
from motion.generate.foot_contacts import (
    ContactConfig,
    edge_taper,
    planted_frames,
    slide_share,
    smooth,
)
from motion.generate.foot_solver import ShiftConfig, height_shifts, still_shifts
from motion.generate.leg_pose import ANKLE, BALL, FOOT, HEEL, HIP, TIP, Legs
from motion.geometry.rotations import axis_angle_to_matrix
from motion.representation import FPS, NUM_BODY_JOINTS, Motion, foot_contact

MIN_FRAMES = 5
"""Shorter motions are left alone: nothing can be blended in them."""

FULL_REACH = 0.98
"""Share of its length to which a leg is stretched before the root is lowered: nearer to straight
the knee moves centimetres for a millimetre of the foot, and pops."""

_DROP_FRAMES = 7
"""Time in which the root is lowered."""

_MAX_TOE_SINE = 0.7
"""Sine of the largest angle by which toes are bent."""


@dataclass(frozen=True, kw_only=True)
class FootLockConfig:
    """What ``foot_lock`` does and how firmly."""

    contacts: ContactConfig = field(default_factory=ContactConfig)
    """How contact labels are read."""
    shifts: ShiftConfig = field(default_factory=ShiftConfig)
    """Stiffness of root and feet."""
    taper_frames: int = 2
    """Frames at both ends of a contact in which a foot is held less firmly."""
    heel_share: float = 0.2
    """Weight of the heel while the ball is planted, too: feet pivot on the ball."""
    flat_degrees: float = 12.0
    """A flat foot's tilt is bent towards less than this; captured feet stand up to 8 tilted."""
    flat_blend_frames: int = 9
    """Time in which a foot is turned flat."""
    max_snap_metres: float = 0.12
    """A foot further above or below the floor stands on something else: its height is kept."""
    max_drop_metres: float = 0.04
    """How far the root may be lowered so that a stretched leg reaches its foot's place."""
    max_lift_metres: float = 0.05
    """How far a free foot may be lifted out of the floor."""

    def __post_init__(self) -> None:
        """Check what would divide by zero."""
        if self.flat_degrees <= 0 or self.flat_blend_frames % 2 == 0 or self.taper_frames < 1:
            raise ValueError(
                "flat_degrees must be positive, flat_blend_frames odd, taper_frames at least 1; got"
                f" {self.flat_degrees}, {self.flat_blend_frames}, {self.taper_frames}"
            )


@torch.no_grad()
def foot_lock(
    motion: Motion,
    contacts: Float[Tensor, "T 4"] | Bool[Tensor, "T 4"] | None = None,
    config: FootLockConfig | None = None,
    *,
    held: Bool[Tensor, " T"] | None = None,
) -> Motion:
    """Keep planted feet from sliding, sinking and floating.

    The frame count stays; a motion without contacts, or without legs of its own, comes back as it
    is. It wants the whole motion: measured on decoded clips, the place of a frame one second
    before a cut changes by 1.7 cm (mean) with what comes after, so separate pieces do not join.

    Args:
        motion: At 30 fps, floor at y = 0.
        contacts: Labels or probabilities of left ankle, left foot, right ankle, right foot being
            planted; None measures them on the motion itself.
        config: What is done; None for the defaults.
        held: Frames that stay as they are: feet come to stand where they stand there. None: all
            frames may change.

    Raises:
        RequestError: The frame rate is another, or contacts have another number of frames.
    """
    config = config or FootLockConfig()
    if motion.fps != FPS:
        raise RequestError(f"foot_lock needs {FPS} frames per second, the motion has {motion.fps}")
    if contacts is not None and len(contacts) != motion.num_frames:
        raise RequestError(
            f"expected contacts for the motion's {motion.num_frames} frames, got {len(contacts)}"
        )
    if motion.num_frames < MIN_FRAMES or "lower" not in motion.parts:
        return motion
    if contacts is None:
        contacts = foot_contact(motion.joints(NUM_BODY_JOINTS))
    planted = planted_frames(contacts.to(motion.transl), config.contacts)
    if held is None:
        held = torch.zeros(motion.num_frames, dtype=torch.bool)
    return _locked(motion, planted, held, config) if planted.any() else motion


def _locked(
    motion: Motion, planted: Bool[Tensor, "T 4"], held: Bool[Tensor, " T"], config: FootLockConfig
) -> Motion:
    before, free = Legs.of(motion), _free(held, config.flat_blend_frames)
    legs = _flat_feet(before, _by_foot(planted), free, config)
    sole = legs.sole()
    root, feet = _shifts(sole, planted, held, config)
    lift = (-(sole[..., 1].amin(2) + feet[..., 1])).clamp(0, config.max_lift_metres)
    feet = feet + torch.nn.functional.pad((free[:, None] * lift)[..., None], (1, 1))
    ankle = legs.position[:, ANKLE] + feet
    root = root - free[:, None] * _drop(before, root, ankle, planted, config)
    return legs.reaching(root, ankle).written_to(motion, root)


def _shifts(
    sole: Float[Tensor, "T 2 3 3"],
    planted: Bool[Tensor, "T 4"],
    held: Bool[Tensor, " T"],
    config: FootLockConfig,
) -> tuple[Float[Tensor, "T 3"], Float[Tensor, "T 2 3"]]:
    """Shifts of the root, and of the feet (root's included), metres."""
    points = sole[:, :, [HEEL, BALL]]
    taper = _by_foot(edge_taper(planted, config.taper_frames)).to(sole)
    still = taper * slide_share(points, config.contacts.max_slide_speed, FPS)
    heel, ball = still.unbind(-1)
    still = torch.stack([heel * (1 - (1 - config.heel_share) * ball), ball], dim=-1)
    planar = still_shifts(
        points[..., [0, 2]].double().numpy(), still.double().numpy(), config.shifts, held.numpy()
    )
    low = sole[..., 1].amin(2)
    near = (low.abs() < config.max_snap_metres).to(low)
    height = height_shifts(
        low.double().numpy(),
        (taper.amax(-1) * near).double().numpy(),
        config.shifts,
        held.numpy(),
    )
    root_x, root_z = torch.from_numpy(planar.root).to(sole).unbind(-1)
    foot_x, foot_z = torch.from_numpy(planar.feet).to(sole).unbind(-1)
    root_y = torch.from_numpy(height.root).to(sole)[..., 0]
    foot_y = torch.from_numpy(height.feet).to(sole)[..., 0]
    return (
        torch.stack([root_x, root_y, root_z], dim=-1),
        torch.stack([foot_x, foot_y, foot_z], dim=-1),
    )


def _free(held: Bool[Tensor, " T"], blend_frames: int) -> Float[Tensor, " T"]:
    """How freely a frame may change: 0 where it is held, 1 some frames away."""
    if not held.any():
        return torch.ones(len(held))
    frames = torch.arange(len(held))
    nearest = (frames[:, None] - frames[held][None]).abs().amin(1)
    share = (nearest / blend_frames).clamp(max=1)
    return share.square() * (3 - 2 * share)


def _flat_feet(
    legs: Legs,
    planted: Bool[Tensor, "T 2 2"],
    free: Float[Tensor, " T"],
    config: FootLockConfig,
) -> Legs:
    """Turn feet whose heel and ball are planted towards the floor, and toes up out of it."""
    matrix = legs.matrix[:, ANKLE]
    up = matrix[..., 1]
    tilt = torch.acos(up[..., 1].clamp(-1, 1))
    limit = torch.deg2rad(torch.tensor(config.flat_degrees))
    wanted = limit * torch.tanh(tilt / limit)
    flat = smooth(planted.all(-1).to(up), config.flat_blend_frames) * free[:, None]
    share = flat * (1 - wanted / tilt.clamp(min=1e-6)).clamp(min=0)
    axis = torch.stack([-up[..., 2], torch.zeros_like(tilt), up[..., 0]], dim=-1)
    axis = torch.nn.functional.normalize(axis, dim=-1)
    ankle = axis_angle_to_matrix(axis * (share * tilt)[..., None]) @ matrix
    foot = ankle @ matrix.transpose(-1, -2) @ legs.matrix[:, FOOT]
    return _bent_toes(legs.with_feet(ankle, foot), planted[..., 1], free, config)


def _bent_toes(
    legs: Legs,
    ball_planted: Bool[Tensor, "T 2"],
    free: Float[Tensor, " T"],
    config: FootLockConfig,
) -> Legs:
    """Bend toes up where they point below the planted ball of their foot."""
    sole, ball = legs.sole(), legs.position[:, FOOT]
    below = (sole[:, :, BALL, 1] - sole[:, :, TIP, 1]).clamp(min=0)
    length = torch.linalg.vector_norm(sole[:, :, TIP] - ball, dim=-1)
    share = smooth(ball_planted.to(ball), config.flat_blend_frames) * free[:, None]
    angle = -share * torch.asin((below / length).clamp(max=_MAX_TOE_SINE))
    foot = legs.matrix[:, FOOT]
    foot = axis_angle_to_matrix(foot[..., 0] * angle[..., None]) @ foot
    return legs.with_feet(legs.matrix[:, ANKLE], foot)


def _drop(
    before: Legs,
    root: Float[Tensor, "T 3"],
    ankle: Float[Tensor, "T 2 3"],
    planted: Bool[Tensor, "T 4"],
    config: FootLockConfig,
) -> Float[Tensor, "T 3"]:
    """How far the root goes down, smoothly, so that planted feet are within reach (metres)."""
    hip = before.position[:, HIP]
    length = torch.linalg.vector_norm(before.position[:, ANKLE] - hip, dim=-1)
    reach = ankle - hip - root[:, None]
    wanted = torch.linalg.vector_norm(reach, dim=-1)
    over = (wanted - length.clamp(min=FULL_REACH * before.length)).clamp(min=0)
    steep = (-reach[..., 1] / wanted).clamp(min=0.5)
    need = (over / steep * _by_foot(planted).any(-1)).amax(-1)
    need = need.clamp(max=config.max_drop_metres)[None]
    widest = torch.nn.functional.max_pool1d(need, _DROP_FRAMES, 1, _DROP_FRAMES // 2)[0]
    drop = smooth(widest, _DROP_FRAMES)
    return torch.stack([drop * 0, drop, drop * 0], dim=-1)


def _by_foot(values: Shaped[Tensor, "T 4"]) -> Shaped[Tensor, "T 2 2"]:
    """Foot joints as feet and their points (heel, ball)."""
    return rearrange(values, "t (foot point) -> t foot point", foot=2)
