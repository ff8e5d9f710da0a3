"""Where a gap has to lead: what the model is told of the way between two given motions."""

from math import cos, sin

import torch
from jaxtyping import Float
from torch import Tensor

from motion.errors import RequestError

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
