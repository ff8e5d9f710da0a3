"""From a track of landmarks to an SMPL-X motion: pose, root, planted feet.

What is seen are torso, head, arms and legs. Hands and face are absent parts; legs are, too, where
the film does not show them (the network guesses them all the same).
"""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from motion.formats import motion_from_joints
from motion.generate.cleanup import foot_lock
from motion.generate.curation.clips import Track
from motion.generate.curation.landmark_joints import (
    SIDES,
    SeenBody,
    body_joints,
    hand_rotation,
    head_rotation,
    seen_body,
)
from motion.generate.curation.root_path import walked
from motion.generate.poses import placed
from motion.geometry import (
    axis_angle_to_matrix,
    forward_kinematics,
    local_from_world,
    matrix_to_axis_angle,
)
from motion.representation import (
    FPS,
    JOINT_INDEX,
    NUM_BODY_JOINTS,
    PARENTS,
    SOLE_HEIGHT,
    Motion,
    RootState,
    rest_offsets,
)

LEGS_SEEN = 0.5
"""Mean visibility of knees and ankles from which the legs are in the film."""

MOST_HEAD_TURN = 1.2
"""Radians between head and neck; more is a mistake."""

MOST_WRIST_BEND = 1.2
"""Radians between hand and forearm; more is a mistake."""

MOST_TWIST = 1.6
"""Radians by which a hand is turned about the forearm; more is a mistake."""

FOREARM_SHARE = 0.5
"""How much of that the forearm takes part in."""

_LEGS = tuple(
    JOINT_INDEX[f"{side}_{name}"] for side in SIDES for name in ("hip", "knee", "ankle", "foot")
)


def motion_of_track(track: Track, source: str) -> Motion:
    """Give the motion of a clip: 30 fps, begins at the origin facing +z, feet on y = 0.

    Args:
        track: Landmarks of the clip.
        source: Where it comes from.
    """
    seen = seen_body(track)
    joints = body_joints(seen.landmarks)
    motion = motion_from_joints(joints, float(FPS), source=source)
    motion = _with_head_and_hands(motion, seen)
    if seen.legs_seen < LEGS_SEEN:
        return _begun(_without_legs(motion))
    return _begun(foot_lock(walked(motion, seen.lift)))


def _begun(motion: Motion) -> Motion:
    """At the origin, facing +z; hands, which nobody saw, rest relaxed."""
    begun = placed(motion, RootState.origin(1, motion.transl))
    return replace(begun, flat_hand_mean=False)


def _without_legs(motion: Motion) -> Motion:
    """Straight legs on the spot, marked as absent."""
    pose = motion.body_pose.clone()
    for joint in _LEGS:
        pose[:, 3 * (joint - 1) : 3 * joint] = 0
    transl = torch.zeros_like(motion.transl)
    transl[:, 1] = -SOLE_HEIGHT
    return replace(motion, body_pose=pose, transl=transl, parts=motion.parts - {"lower"})


def _with_head_and_hands(motion: Motion, seen: SeenBody) -> Motion:
    """Turn the head as eyes and ears say, and bend the wrists as the hands do."""
    world, _ = forward_kinematics(
        motion.local_matrix(NUM_BODY_JOINTS),
        motion.root_position,
        rest_offsets()[:NUM_BODY_JOINTS],
        PARENTS[:NUM_BODY_JOINTS],
    )
    world = world.clone()
    landmarks = seen.landmarks.to(world)
    neck = world[:, JOINT_INDEX["neck"]]
    world[:, JOINT_INDEX["head"]] = _within(neck, head_rotation(landmarks), MOST_HEAD_TURN)
    for side in SIDES:
        elbow, wrist = (JOINT_INDEX[f"{side}_{name}"] for name in ("elbow", "wrist"))
        axis = rest_offsets()[wrist]
        hand = hand_rotation(landmarks, side)
        twist = _twist(world[:, elbow], hand, axis)
        world[:, elbow] = world[:, elbow] @ axis_angle_to_matrix(twist * FOREARM_SHARE)
        world[:, wrist] = _within(world[:, elbow], hand, MOST_WRIST_BEND)
    local = local_from_world(world, PARENTS[:NUM_BODY_JOINTS])
    body = matrix_to_axis_angle(local).flatten(-2)
    return replace(motion, body_pose=body[:, 3:])


def _within(
    base: Float[Tensor, "T 3 3"], wanted: Float[Tensor, "T 3 3"], most: float
) -> Float[Tensor, "T 3 3"]:
    """A rotation as near to ``wanted`` as it may be from ``base``, radians."""
    turn = matrix_to_axis_angle(base.transpose(-1, -2) @ wanted)
    angle = turn.norm(dim=-1, keepdim=True)
    return base @ axis_angle_to_matrix(turn * (most / angle.clamp(min=1e-6)).clamp(max=1))


def _twist(
    forearm: Float[Tensor, "T 3 3"], hand: Float[Tensor, "T 3 3"], axis: Float[Tensor, " 3"]
) -> Float[Tensor, "T 3"]:
    """Part of a hand's turn that is about the forearm, as axis and angle in the forearm's frame."""
    unit = torch.nn.functional.normalize(axis, dim=-1)
    turn = matrix_to_axis_angle(forearm.transpose(-1, -2) @ hand)
    return (turn @ unit).clamp(-MOST_TWIST, MOST_TWIST)[:, None] * unit
