"""What the evaluator sees of motions: joint positions and velocities in the heading frame.

Joints of the mean body at 10 fps. The first frame decides where the origin lies and where +z
points, so nothing depends on where a motion starts or which way it faces. Axes: T here counts
steps of 0.1 s; F features of a step.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from motion.errors import RequestError
from motion.geometry.resample import resample_linear
from motion.representation import JOINT_INDEX, NUM_BODY_JOINTS, Motion

EVALUATOR_FPS = 10
"""Steps a second: what people do is told by it; how smoothly is the matter of other metrics."""
JOINTS_WIDTH = 3 * NUM_BODY_JOINTS
FEATURE_WIDTH = 2 * JOINTS_WIDTH + 5
"""Positions, velocities, yaw rate, cosine and sine of the turn and the way since the start."""
_LATERAL = (("left_hip", "right_hip"), ("left_shoulder", "right_shoulder"))


@dataclass
class JointClips:
    """Body joints of a batch at 10 fps (not frozen: Lightning moves its tensors in place)."""

    joints: Float[Tensor, "B T 66"]
    """World positions, metres, y up; anything where a step is not real."""
    mask: Bool[Tensor, "B T"]
    """True where a step is real; real steps come first."""

    @classmethod
    def collate(cls, clips: Sequence[Float[Tensor, "_ 66"]]) -> "JointClips":
        """Pad clips to the longest."""
        lengths = torch.tensor([len(clip) for clip in clips])
        joints = torch.nn.utils.rnn.pad_sequence(list(clips), batch_first=True)
        mask: Bool[Tensor, "B T"] = torch.arange(joints.shape[1])[None] < lengths[:, None]
        return cls(joints, mask)

    @classmethod
    def of(cls, motions: Sequence[Motion]) -> "JointClips":
        """Take the joints of motions of any frame rate and length.

        Raises:
            RequestError: There is no motion, one without a frame, or one that is not finite.
        """
        empty = [index for index, motion in enumerate(motions) if not motion.num_frames]
        if empty or not motions:
            raise RequestError(
                f"the evaluator needs motions with at least one frame, got {len(motions)} motions; "
                f"without frames are the numbers {empty} (from 0)"
            )
        clips = []
        for index, motion in enumerate(motions):
            joints = motion.joints(NUM_BODY_JOINTS).float().flatten(1)
            if not bool(torch.isfinite(joints).all()):
                raise RequestError(f"motion number {index} (from 0) has values that are not finite")
            clips.append(resample_linear(joints, motion.fps, EVALUATOR_FPS))
        return cls.collate(clips)


def evaluator_features(clips: JointClips) -> Float[Tensor, "B T F"]:
    """Describe each step by what it is and how it moves, seen from the person.

    Velocities and yaw rate lead from the step before to this one; both are zero in the first.
    """
    joints = rearrange(clips.joints, "B T (J three) -> B T J three", three=3)
    yaw = facing(joints)
    pelvis = joints[:, :, 0] * joints.new_tensor([1.0, 0.0, 1.0])
    step = torch.diff(joints, dim=1, prepend=joints[:, :1]) * EVALUATOR_FPS
    turned = yaw - yaw[:, :1]
    rate = torch.diff(yaw, dim=1, prepend=yaw[:, :1])
    rate = torch.remainder(rate + torch.pi, 2 * torch.pi) - torch.pi
    way = _seen_from(yaw[:, :1, None], (pelvis - pelvis[:, :1])[:, :, None])[:, :, 0]
    return torch.cat(
        [
            _seen_from(yaw[..., None], joints - pelvis[:, :, None]).flatten(2),
            _seen_from(yaw[..., None], step).flatten(2),
            (rate * EVALUATOR_FPS)[..., None],
            turned.cos()[..., None],
            turned.sin()[..., None],
            way[..., [0, 2]],
        ],
        dim=-1,
    )


def facing(joints: Float[Tensor, "B T J 3"]) -> Float[Tensor, "B T"]:
    """Where the person looks, radians from +z to +x: across the line of hips and shoulders.

    Source: the facing of HumanML3D (Guo et al., CVPR 2022; motion_representation.ipynb).
    """
    pairs = [(JOINT_INDEX[left], JOINT_INDEX[right]) for left, right in _LATERAL]
    lateral = torch.stack([joints[:, :, a] - joints[:, :, b] for a, b in pairs]).sum(0)
    return torch.atan2(-lateral[..., 2], lateral[..., 0])


def _seen_from(
    yaw: Float[Tensor, "B #T #J"], vectors: Float[Tensor, "B T J 3"]
) -> Float[Tensor, "B T J 3"]:
    """Turn vectors so that ``yaw`` becomes +z."""
    x, y, z = vectors.unbind(-1)
    cosine, sine = yaw.cos(), yaw.sin()
    return torch.stack([x * cosine - z * sine, y, x * sine + z * cosine], dim=-1)
