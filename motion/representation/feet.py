"""Where the soles of the feet are: heel, ball and toe tip under each foot."""

import torch
from jaxtyping import Float
from torch import Tensor

from motion.geometry import forward_kinematics
from motion.representation.motion import Motion
from motion.representation.skeleton import (
    JOINT_INDEX,
    NUM_BODY_JOINTS,
    PARENTS,
    SOLE_HEIGHT,
    rest_offsets,
    rest_positions,
)

HEEL_BEHIND_ANKLE = 0.05
"""Metres from the ankle joint back to the heel's contact point on the sole."""

BALL_TO_TIP = 0.06
"""Metres from the foot joint forward to the contact point under the toes."""

_FOOT = ("ankle", "foot")


def sole_offsets(side: str) -> Float[Tensor, "3 3"]:
    """Heel from the ankle joint, ball from the foot joint, toe tip from the foot joint (metres).

    Heel and ball turn with the ankle, the tip with the foot joint.
    """
    ankle, foot = (float(rest_positions()[JOINT_INDEX[f"{side}_{n}"], 1]) for n in _FOOT)
    return torch.tensor(
        [
            [0.0, SOLE_HEIGHT - ankle, -HEEL_BEHIND_ANKLE],
            [0.0, SOLE_HEIGHT - foot, 0.0],
            [0.0, SOLE_HEIGHT - foot, BALL_TO_TIP],
        ]
    )


def sole_points(motion: Motion) -> Float[Tensor, "T 6 3"]:
    """World positions (metres) of heel, ball and toe tip of the left, then the right foot."""
    world, positions = forward_kinematics(
        motion.local_matrix(NUM_BODY_JOINTS),
        motion.root_position,
        rest_offsets()[:NUM_BODY_JOINTS].to(motion.transl),
        PARENTS[:NUM_BODY_JOINTS],
    )
    points = []
    for side in ("left", "right"):
        ankle, foot = (JOINT_INDEX[f"{side}_{name}"] for name in _FOOT)
        heel, ball, tip = sole_offsets(side).to(positions)
        points.append(positions[:, ankle] + world[:, ankle] @ heel)
        points.append(positions[:, foot] + world[:, ankle] @ ball)
        points.append(positions[:, foot] + world[:, foot] @ tip)
    return torch.stack(points, dim=1)
