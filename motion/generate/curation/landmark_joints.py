"""From 33 landmarks of a person to the 22 body joints of SMPL, upright in metres.

The picture says more exactly than the network's metres where a landmark is sideways and up, so the
metres keep only their depth. Joints that are no landmarks (spine, neck, collars, head, balls of the
feet) stand where the rest body has them against the landmarks around. Axis letters: ``N`` pictures
or frames.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from scipy.signal import savgol_filter
from torch import Tensor

from motion.conditioners.blazepose import LANDMARK_INDEX
from motion.formats.joint_positions import frame
from motion.generate.curation.clips import Track
from motion.geometry import axis_angle_to_matrix
from motion.geometry.retarget import swing
from motion.representation import FPS, JOINT_INDEX, NUM_BODY_JOINTS, rest_positions

SIDES = ("left", "right")
SMOOTH_FRAMES = 9
"""Window of the filter of Savitzky and Golay (second order) on landmarks, frames."""

SCALE_FRAMES = 15
"""Window of the same filter (first order) on the scale of the picture."""

SOLE_PITCH = math.radians(30.0)
"""How far the way from ankle to toe points below the sole's direction in a standing foot: 15
degrees are the body's own, by 15 BlazePose sees feet pitched (measured on rendered people)."""

HEAD_PITCH = math.radians(20.0)
"""How far the way from ears to eyes points above the head's direction (measured on rendered
people)."""

STRAIGHT_SHARE = 0.9
"""A leg is straight from this share of its length between hip and ankle; one is enough."""

UPRIGHT_DEGREES = 25.0
"""A body that leans less may be one that stands in a tilted picture."""

UPRIGHT_SHARE = 0.7
"""How much of the lean of somebody who stands is taken for the picture's tilt."""

LEAST_UPRIGHT_FRAMES = 15
_TO_Y_UP = (1.0, -1.0, -1.0)
"""From x right, y down, z away from the camera to y up, z towards it."""

_LEGS = tuple(f"{side}_{joint}" for side in SIDES for joint in ("knee", "ankle"))
_SAME_NAME = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
_EYES_OVER_HEAD = (0.0, 0.002, 0.075)
"""From the head joint to the middle of the eyes in the rest pose, metres."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenBody:
    """A person at 30 fps as the camera saw them."""

    landmarks: Float[Tensor, "T 33 3"]
    """Metres from the middle of the hips; y up, x right and z towards the camera."""
    lift: Float[Tensor, " T"]
    """Height of the lowest landmark in the picture, metres from the picture's middle."""
    legs_seen: float
    """How sure the network is that it sees knees and ankles, 0 to 1."""


def seen_body(track: Track) -> SeenBody:
    """Bring a track to 30 fps, smooth it and set it upright."""
    count = track.num_frames
    times = track.seconds[0] + torch.arange(count, dtype=torch.float64) / FPS
    pixels = at_times(track.seconds, track.pixels.double(), times)
    world = at_times(track.seconds, track.world.double(), times)
    visible = at_times(track.seconds, track.visibility.double(), times)
    scale = picture_scale(world, pixels, visible)
    world = with_picture(world, pixels, visible, scale)
    world = smoothed(world, SMOOTH_FRAMES, 2) * world.new_tensor(_TO_Y_UP)
    legs = [LANDMARK_INDEX[name] for name in _LEGS]
    return SeenBody(
        landmarks=world @ camera_tilt(world).T,
        lift=-(pixels[..., 1] / scale[:, None]).amax(-1),
        legs_seen=float(visible[:, legs].mean()),
    )


def at_times(
    known: Float[Tensor, " N"], values: Float[Tensor, "N *rest"], times: Float[Tensor, " T"]
) -> Float[Tensor, "T *rest"]:
    """Values between known times by linear interpolation; outside, the nearest."""
    after = torch.searchsorted(known, times).clamp(1, max(1, len(known) - 1))
    after = after.clamp(max=len(known) - 1)
    before = (after - 1).clamp(min=0)
    gap = (known[after] - known[before]).clamp(min=1e-9)
    weight = ((times - known[before]) / gap).clamp(0, 1).reshape(-1, *[1] * (values.ndim - 1))
    return values[before] * (1 - weight) + values[after] * weight


def picture_scale(
    world: Float[Tensor, "T 33 3"],
    pixels: Float[Tensor, "T 33 3"],
    visible: Float[Tensor, "T 33"],
) -> Float[Tensor, " T"]:
    """Pixels a metre at the person's distance, by least squares over the visible landmarks."""
    metres, places = (_centred(values, visible) for values in (world[..., :2], pixels[..., :2]))
    weight = visible[..., None]
    product = (metres * places * weight).sum((1, 2))
    square = (metres.square() * weight).sum((1, 2)).clamp(min=1e-9)
    return smoothed((product / square).clamp(min=1e-3), SCALE_FRAMES, 1).clamp(min=1e-3)


def with_picture(
    world: Float[Tensor, "T 33 3"],
    pixels: Float[Tensor, "T 33 3"],
    visible: Float[Tensor, "T 33"],
    scale: Float[Tensor, " T"],
) -> Float[Tensor, "T 33 3"]:
    """Take sideways and down from the picture, as far as a landmark is visible in it."""
    middle = _middle(world[..., :2], visible)
    seen = _centred(pixels[..., :2], visible) / scale[:, None, None] + middle
    flat = world[..., :2] + visible[..., None] * (seen - world[..., :2])
    return torch.cat([flat, world[..., 2:]], dim=-1)


def smoothed(values: Float[Tensor, "T *rest"], width: int, order: int) -> Float[Tensor, "T *rest"]:
    """Filter of Savitzky and Golay (1964) over time; short sequences get a shorter window."""
    width = min(width, len(values) - 1 + len(values) % 2)
    if width <= order:
        return values
    return torch.from_numpy(savgol_filter(values.numpy(), width, order, axis=0, mode="interp"))


def camera_tilt(world: Float[Tensor, "T 33 3"]) -> Float[Tensor, "3 3"]:
    """Rotation that sets a picture upright in which a standing person leans.

    People who stand on straight legs stand upright on average; the rest of their lean is the
    camera's, which looks down or is held askew. Without such frames nothing is changed.
    """
    soles = torch.stack([_pair(world, name) for name in ("heel", "toe")]).mean((0, 2))
    axis = torch.nn.functional.normalize(_pair(world, "shoulder").mean(1) - soles, dim=-1)
    upright = axis[:, 1] > math.cos(math.radians(UPRIGHT_DEGREES))
    upright &= (_straightness(world) > STRAIGHT_SHARE).any(-1)
    if int(upright.sum()) < LEAST_UPRIGHT_FRAMES:
        return torch.eye(3, dtype=world.dtype)
    up = world.new_tensor([0.0, 1.0, 0.0])
    lean = torch.nn.functional.normalize(axis[upright].median(0).values, dim=0)
    return swing((1 - UPRIGHT_SHARE) * up + UPRIGHT_SHARE * lean, up)


def body_joints(landmarks: Float[Tensor, "T 33 3"]) -> Float[Tensor, "T 22 3"]:
    """Places of SMPL's 22 joints.

    Args:
        landmarks: Metres, y up.
    """
    rest = rest_positions()[:NUM_BODY_JOINTS].to(landmarks)
    joints = landmarks.new_zeros(len(landmarks), NUM_BODY_JOINTS, 3)
    for side in SIDES:
        for name in _SAME_NAME:
            joints[:, JOINT_INDEX[f"{side}_{name}"]] = _at(landmarks, f"{side}_{name}")
        joints[:, JOINT_INDEX[f"{side}_foot"]] = _ball(landmarks, rest, side)
    hips, shoulders = (_pair(landmarks, name) for name in ("hip", "shoulder"))
    up = shoulders.mean(1) - hips.mean(1)
    for pair, name, carried in (
        (hips, "hip", ("pelvis", "spine1")),
        (shoulders, "shoulder", ("spine3", "neck", "left_collar", "right_collar")),
    ):
        ends = [JOINT_INDEX[f"{side}_{name}"] for side in SIDES]
        base = rest[ends].mean(0)
        turn = frame(pair[:, 0] - pair[:, 1], up)
        for joint in carried:
            offset = rest[JOINT_INDEX[joint]] - base
            joints[:, JOINT_INDEX[joint]] = pair.mean(1) + turn @ offset
    spine = [JOINT_INDEX[name] for name in ("spine1", "spine3")]
    joints[:, JOINT_INDEX["spine2"]] = joints[:, spine].mean(1)
    head = head_rotation(landmarks)
    eyes = _pair(landmarks, "eye").mean(1)
    joints[:, JOINT_INDEX["head"]] = eyes - head @ landmarks.new_tensor(_EYES_OVER_HEAD)
    return joints


def head_rotation(landmarks: Float[Tensor, "T 33 3"]) -> Float[Tensor, "T 3 3"]:
    """How the head is turned, from eyes and ears."""
    eyes, ears = (_pair(landmarks, name) for name in ("eye", "ear"))
    left = (eyes[:, 0] - eyes[:, 1]) + (ears[:, 0] - ears[:, 1])
    ahead = eyes.mean(1) - ears.mean(1)
    nod = axis_angle_to_matrix(landmarks.new_tensor([HEAD_PITCH, 0.0, 0.0]))
    return frame(left, torch.linalg.cross(ahead, left)) @ nod


def hand_rotation(landmarks: Float[Tensor, "T 33 3"], side: str) -> Float[Tensor, "T 3 3"]:
    """How a hand is turned, from the wrist and the roots of index and little finger."""
    wrist, index, pinky = (_at(landmarks, f"{side}_{name}") for name in ("wrist", "index", "pinky"))
    rest = rest_positions().to(landmarks)
    names = ("wrist", "index1", "pinky1")
    rest_wrist, rest_index, rest_pinky = (rest[JOINT_INDEX[f"{side}_{name}"]] for name in names)
    turn = frame((index + pinky) / 2 - wrist, index - pinky)
    rest_turn = frame((rest_index + rest_pinky) / 2 - rest_wrist, rest_index - rest_pinky)
    return turn @ rest_turn.T


def _ball(
    landmarks: Float[Tensor, "T 33 3"], rest: Float[Tensor, "22 3"], side: str
) -> Float[Tensor, "T 3"]:
    """Ball of a foot: the rest foot turned so that its toe is seen where it is."""
    ankle, knee, toe = (_at(landmarks, f"{side}_{name}") for name in ("ankle", "knee", "toe"))
    # columns of the frame: towards the toe, towards the knee, to the right
    turn = frame(toe - ankle, knee - ankle)
    offset = rest[JOINT_INDEX[f"{side}_foot"]] - rest[JOINT_INDEX[f"{side}_ankle"]]
    cosine, sine = math.cos(SOLE_PITCH), math.sin(SOLE_PITCH)
    ahead = cosine * offset[2] - sine * offset[1]
    above = sine * offset[2] + cosine * offset[1]
    return ankle + turn @ torch.stack([ahead, above, -offset[0]])


def _straightness(world: Float[Tensor, "T 33 3"]) -> Float[Tensor, "T 2"]:
    """Distance from hip to ankle over the length of the leg, for each leg."""
    hip, knee, ankle = (_pair(world, name) for name in ("hip", "knee", "ankle"))
    length = (knee - hip).norm(dim=-1) + (ankle - knee).norm(dim=-1)
    share: Tensor = (ankle - hip).norm(dim=-1) / length.clamp(min=1e-6)
    return share


def _at(landmarks: Float[Tensor, "T 33 3"], name: str) -> Float[Tensor, "T 3"]:
    return landmarks[:, LANDMARK_INDEX[name]]


def _pair(landmarks: Float[Tensor, "T 33 3"], name: str) -> Float[Tensor, "T 2 3"]:
    """A landmark of the left and of the right side."""
    return landmarks[:, [LANDMARK_INDEX[f"{side}_{name}"] for side in SIDES]]


def _middle(
    values: Float[Tensor, "T 33 D"], weight: Float[Tensor, "T 33"]
) -> Float[Tensor, "T 1 D"]:
    total = weight.sum(1).clamp(min=1e-6)[:, None, None]
    return (values * weight[..., None]).sum(1, keepdim=True) / total


def _centred(
    values: Float[Tensor, "T 33 D"], weight: Float[Tensor, "T 33"]
) -> Float[Tensor, "T 33 D"]:
    return values - _middle(values, weight)
