"""The part table: which joints and feature blocks each part holds; widths derive from it.

Adding a part is adding a row. Parts are tokenized on their own; the language model sees their
codes together.
"""

from dataclasses import dataclass
from functools import cached_property

from motion.representation.motion import NUM_EXPRESSIONS
from motion.representation.skeleton import FOOT_JOINTS, JOINT_INDEX, JOINT_NAMES

SIXD = 6


@dataclass(frozen=True)
class FeatureBlock:
    """A named run of numbers in the feature vector of one frame."""

    name: str
    width: int


@dataclass(frozen=True)
class Part:
    """A unit of tokenization: its joints and the blocks of its feature vector."""

    name: str
    joints: tuple[str, ...]
    """Joints whose local rotation stands in block ``joints_6d``."""
    leading: tuple[FeatureBlock, ...] = ()
    trailing: tuple[FeatureBlock, ...] = ()

    @cached_property
    def blocks(self) -> tuple[FeatureBlock, ...]:
        """All blocks in order."""
        rotations = FeatureBlock("joints_6d", SIXD * len(self.joints))
        return (*self.leading, rotations, *self.trailing)

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Where each block stands in the feature vector."""
        result, start = {}, 0
        for block in self.blocks:
            result[block.name] = slice(start, start + block.width)
            start += block.width
        return result

    @property
    def feature_dim(self) -> int:
        """Width of the feature vector of one frame."""
        return sum(block.width for block in self.blocks)

    @property
    def joint_indices(self) -> list[int]:
        """SMPL-X indices of ``joints``."""
        return [JOINT_INDEX[name] for name in self.joints]


_LOWER = ("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle")
_ROOT_BLOCKS = (
    FeatureBlock("root_height", 1),  # metres above the floor
    FeatureBlock("planar_velocity", 2),  # x, z in metres a second, in the heading frame
    FeatureBlock("yaw_rate", 1),  # radians a second
    FeatureBlock("root_orient_6d", SIXD),  # root orientation without its heading
)

PARTS: dict[str, Part] = {
    part.name: part
    for part in (
        Part(
            "lower",
            (*_LOWER, "left_foot", "right_foot"),
            _ROOT_BLOCKS,
            (FeatureBlock("foot_contact", len(FOOT_JOINTS)),),
        ),
        Part(
            "upper",
            tuple(n for n in JOINT_NAMES[1:22] if n not in (*_LOWER, "left_foot", "right_foot")),
        ),
        Part("left_hand", JOINT_NAMES[25:40]),
        Part("right_hand", JOINT_NAMES[40:55]),
        Part("face", ("jaw",), (), (FeatureBlock("expression", NUM_EXPRESSIONS),)),
    )
}
"""Every part by name, in the order in which codes of one step are predicted."""
