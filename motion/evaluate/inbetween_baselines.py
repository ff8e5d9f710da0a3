"""What prediction and in-betweening have to beat: ways to fill a gap that know nothing of motion.

Source: Harvey et al., "Robust Motion In-betweening" (SIGGRAPH 2020), section 5: "zero velocity" and
"interpolation", linear for positions and spherical for rotations. Constant velocity is that of
prediction tables since Martinez et al., "On human motion prediction using recurrent neural
networks" (CVPR 2017), whose strongest baseline is the held pose.
"""

import torch

from motion.generate.poses import Poses
from motion.geometry import axis_angle_to_matrix, slerp, turn_between
from motion.representation import NUM_JOINTS, Motion, join_motions


def hold_last(start: Motion, num_frames: int) -> Motion:
    """The last frame, held."""
    return join_motions([start.frames(start.num_frames - 1, start.num_frames)] * num_frames)


def constant_velocity(start: Motion, num_frames: int) -> Motion:
    """Every joint turns on, and the root moves on, as from the last but one frame to the last."""
    last = start.frames(start.num_frames - 1, start.num_frames)
    pair = Poses.of(start.frames(max(0, start.num_frames - 2), start.num_frames))
    frames = torch.arange(1, num_frames + 1).to(pair.position)
    turn = turn_between(pair.matrix[0], pair.matrix[-1])  # (J, 3)
    poses = Poses(
        pair.matrix[-1] @ axis_angle_to_matrix(frames[:, None, None] * turn),
        pair.position[-1] + frames[:, None] * (pair.position[-1] - pair.position[0]),
    )
    return poses.motion(last, last.expression.expand(num_frames, -1))


def straight(start: Motion, end: Motion, num_frames: int) -> Motion:
    """Straight lines: the root's place linear, every rotation spherical."""
    last, first = start.frames(start.num_frames - 1, start.num_frames), end.frames(0, 1)
    share = torch.arange(1, num_frames + 1) / (num_frames + 1)
    sides = [Poses.of(side) for side in (last, first)]
    begin, finish = (side.matrix.expand(num_frames, -1, -1, -1) for side in sides)
    poses = Poses(
        slerp(begin, finish, share[:, None].expand(-1, NUM_JOINTS)),
        torch.lerp(sides[0].position, sides[1].position, share[:, None]),
    )
    expression = torch.lerp(last.expression, first.expression, share[:, None])
    return poses.motion(last, expression)
