"""Where a gap has to lead: what the model is told of the way between two given motions."""

from math import cos, sin

import torch
from jaxtyping import Float
from torch import Tensor

from motion.errors import RequestError
from motion.representation import RootState

GOAL_DIM = 6
"""Left and forward metres, the same a second, sine and cosine of the turn."""


def goal_features(
    displacement: Float[Tensor, " 2"], turn: float, seconds: float
) -> Float[Tensor, " 6"]:
    """Describe the way from the last frame before a gap to the first frame after it.

    Args:
        displacement: Metres to the left (x) and forward (z), in the heading of the frame before.
        turn: Radians to the left, about y.
        seconds: Length of the gap, above 0.

    Raises:
        RequestError: The gap has no length.
    """
    if not seconds > 0:
        raise RequestError(f"a gap needs a length above 0 seconds, got {seconds}")
    direction = torch.tensor([sin(turn), cos(turn)])
    return torch.cat([displacement.float(), displacement.float() / seconds, direction])


def goal_between(start: RootState, end: RootState, seconds: float) -> Float[Tensor, " 6"]:
    """Describe the way between two places of the root.

    Args:
        start: Root at the last frame before the gap (one row).
        end: Root at the first frame after it.
        seconds: Length of the gap.
    """
    yaw = float(start.yaw)
    x, z = (end.position.reshape(2) - start.position.reshape(2)).tolist()
    left = x * cos(yaw) - z * sin(yaw)
    forward = x * sin(yaw) + z * cos(yaw)
    turn = float(end.yaw) - yaw
    return goal_features(torch.tensor([left, forward]), turn, seconds)
