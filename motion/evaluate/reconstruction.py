"""How well a tokenizer gives motions back: joint errors, drift, hands, face, use of codebooks.

Every motion is encoded and decoded whole. Truth and reconstruction both start at the origin facing
+z, so nothing but the codes decides the error; joints are those of the mean body.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from motion.errors import DataError
from motion.evaluate.codebook_metrics import CodebookCounts, CodebookUse
from motion.evaluate.hands_face import FaceErrors, HandErrors, HandsFaceSums
from motion.representation import (
    FPS,
    JOINT_NAMES,
    NUM_BODY_JOINTS,
    Motion,
    extract_features,
    motion_from_features,
)
from motion.tokenizer import Codes

DRIFT_SECONDS = 3
"""Where the drift of the root is read off."""
BODY_PARTS = frozenset({"lower", "upper"})
MILLIMETRES = 1000.0
WRISTS, TOES = ("left_wrist", "right_wrist"), ("left_foot", "right_foot")

PROTOCOL = (
    "each clip encoded and decoded whole; truth and reconstruction start at the origin facing +z; "
    "joints by forward kinematics on the mean SMPL-X body; means over all frames of all clips; "
    f"at {DRIFT_SECONDS} s: mean over the clips that are longer; hands and face: of the clips that "
    "have them, angles between local joint rotations, beside the mean pose of the measured frames "
    "and each clip's first frame held"
)


@runtime_checkable
class BodyTokenizer(Protocol):
    """What is measured: ``MotionTokenizer``, or anything that turns motions to codes and back."""

    def encode(self, motion: Motion) -> Codes:
        """Codes of a motion."""
        ...

    def decode(self, codes: Codes) -> Motion:
        """Motion of codes."""
        ...

    def code_vectors(self, name: str) -> Float[Tensor, "K N D"]:
        """Codebooks of one part."""
        ...


@dataclass(frozen=True, kw_only=True)
class ReconstructionReport:
    """Errors in millimetres unless another unit is named; see ``PROTOCOL``."""

    data_set: str
    split: str
    num_clips: int
    num_frames: int
    mpjpe_mm: float
    """Joint error from the root."""
    mpjpe_of_clips_mm: float
    """The same, each clip counting once."""
    wrist_mm: float
    toe_mm: float
    global_first_mm: float
    """Joint error in the world over the first three seconds."""
    global_at_mm: float | None
    """Joint error in the world at three seconds; None: no clip is as long."""
    num_clips_at: int
    """Clips that reach three seconds."""
    global_mm: float
    """Joint error in the world over whole clips; grows with their length."""
    acceleration_error: float
    """Mean difference of joint accelerations from the root, metres per second squared."""
    acceleration: float
    """Mean acceleration of the truth, for comparison."""
    joints_mm: dict[str, float]
    """Error from the root of every joint."""
    codebooks: tuple[CodebookUse, ...]
    hands: dict[str, HandErrors] = field(default_factory=dict)
    """Errors of each hand that the tokenizer and at least one clip have."""
    face: FaceErrors | None = None
    """Errors of jaw and expression; None: the tokenizer or every clip lacks them."""
    fps: int = FPS
    num_joints: int = NUM_BODY_JOINTS
    protocol: str = PROTOCOL

    def __str__(self) -> str:
        """One line with its protocol stamp."""
        at = "none" if self.global_at_mm is None else f"{self.global_at_mm:.1f} mm"
        return (
            f"{self.data_set} {self.split} ({self.num_clips} clips, {self.num_frames} frames, "
            f"{self.num_joints} joints, {self.fps} fps): MPJPE {self.mpjpe_mm:.1f} mm, global at "
            f"{DRIFT_SECONDS} s {at}, acceleration error {self.acceleration_error:.2f} m/s2"
            + "".join(f"; {name} {errors}" for name, errors in self.hands.items())
            + ("" if self.face is None else f"; face {self.face}")
        )


@torch.no_grad()
def evaluate_reconstruction(
    tokenizer: BodyTokenizer,
    motions: Iterable[Motion],
    *,
    data_set: str = "unnamed",
    split: str = "unnamed",
) -> ReconstructionReport:
    """Encode and decode motions and compare 22 body joints, and hands and face where they are.

    Args:
        tokenizer: Trained.
        motions: At 30 fps, with lower and upper body.
        data_set: Name of the corpus, for the report.
        split: Name of its split, for the report.

    Raises:
        DataError: There is no motion, or one of them lacks the body.
    """
    sums = _Sums()
    for motion in motions:
        if not motion.parts >= BODY_PARTS or motion.num_frames == 0:
            raise DataError(
                f"expected motions with frames and the parts {sorted(BODY_PARTS)}, "
                f"'{motion.source}' has {motion.num_frames} frames and {sorted(motion.parts)}"
            )
        codes = tokenizer.encode(motion)
        found, truth = tokenizer.decode(codes), motion_from_features(extract_features(motion))[0]
        sums.add(found.joints(NUM_BODY_JOINTS), truth.joints(NUM_BODY_JOINTS))
        sums.hands_face.add(found, motion)
        sums.codes.add(codes, {part: tokenizer.code_vectors(part).shape[1] for part in codes.parts})
    if sums.clips == 0:
        raise DataError(f"there is no motion in '{data_set}' {split} to measure the tokenizer on")
    return sums.report(data_set, split)


def drift(
    found: Float[Tensor, "T J 3"], truth: Float[Tensor, "T J 3"], fps: float = FPS
) -> float | None:
    """Joint error in the world, metres, three seconds after both started alike; None: shorter."""
    place = round(DRIFT_SECONDS * fps)
    if len(found) <= place:
        return None
    return float(torch.linalg.vector_norm(found[place] - truth[place], dim=-1).mean())


class _Sums:
    """Running sums over clips, metres."""

    def __init__(self) -> None:
        self.clips = self.frames = self.first_frames = self.accelerations = 0
        self.joints = torch.zeros(NUM_BODY_JOINTS, dtype=torch.float64)
        self.clip_means = self.world = self.first = self.acceleration = self.jerky = 0.0
        self.at: list[float] = []
        self.codes = CodebookCounts()
        self.hands_face = HandsFaceSums()

    def add(self, found: Float[Tensor, "T J 3"], truth: Float[Tensor, "T J 3"]) -> None:
        """Count one clip."""
        relative, aim = found - found[:, :1], truth - truth[:, :1]
        errors = torch.linalg.vector_norm(relative - aim, dim=-1)  # (T, J)
        world = torch.linalg.vector_norm(found - truth, dim=-1).mean(-1)
        place = DRIFT_SECONDS * FPS
        self.clips += 1
        self.frames += len(errors)
        self.joints += errors.double().sum(0)
        self.clip_means += float(errors.mean())
        self.world += float(world.sum())
        self.first += float(world[:place].sum())
        self.first_frames += min(place, len(world))
        if (at := drift(found, truth)) is not None:
            self.at.append(at)
        change, aimed = (torch.diff(x, n=2, dim=0) * FPS**2 for x in (relative, aim))
        self.acceleration += float(torch.linalg.vector_norm(change - aimed, dim=-1).mean(-1).sum())
        self.jerky += float(torch.linalg.vector_norm(aimed, dim=-1).mean(-1).sum())
        self.accelerations += len(aimed)

    def report(self, data_set: str, split: str) -> ReconstructionReport:
        """Divide and name."""
        means = (self.joints / self.frames * MILLIMETRES).tolist()
        table = dict(zip(JOINT_NAMES[:NUM_BODY_JOINTS], means, strict=True))
        accelerations = max(self.accelerations, 1)
        return ReconstructionReport(
            data_set=data_set,
            split=split,
            num_clips=self.clips,
            num_frames=self.frames,
            mpjpe_mm=sum(means) / len(means),
            mpjpe_of_clips_mm=self.clip_means / self.clips * MILLIMETRES,
            wrist_mm=sum(table[name] for name in WRISTS) / len(WRISTS),
            toe_mm=sum(table[name] for name in TOES) / len(TOES),
            global_first_mm=self.first / self.first_frames * MILLIMETRES,
            global_at_mm=sum(self.at) / len(self.at) * MILLIMETRES if self.at else None,
            num_clips_at=len(self.at),
            global_mm=self.world / self.frames * MILLIMETRES,
            acceleration_error=self.acceleration / accelerations,
            acceleration=self.jerky / accelerations,
            joints_mm=table,
            codebooks=self.codes.uses(),
            hands=self.hands_face.hands(),
            face=self.hands_face.face(),
        )
