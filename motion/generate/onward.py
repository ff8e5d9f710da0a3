"""Motion that goes on from what was: the model reads the last steps and writes the next ones.

The frames before are decoded together with the new ones, so that the decoder sees no edge there;
then the new ones are put where the person stands. What still differs at the seam is the caller's.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motion.generate.beat_lock import beat_lock
from motion.generate.finishing import Finisher, contacts_of
from motion.generate.hearing import SoundCurves
from motion.generate.keeping import motion_of_parts
from motion.generate.part_plan import plan_passes
from motion.generate.poses import placed
from motion.generate.requests import GenerationRequest
from motion.generate.seams import root_at
from motion.generate.writer import CLAUSE_CONTEXT_STEPS, Clock, CodeWriter
from motion.geometry import yaw_to_matrix
from motion.representation import Motion, RootState

DECODED_STEPS = 8
"""Steps of the past that are decoded with the new ones: more than a code's reach."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """Frames as the model wrote them."""

    motion: Motion
    contacts: Float[Tensor, "T 4"] | None
    """How sure it is that each foot joint is planted, 0 to 1; None: feet are left as they are."""

    def frames(self, start: int, stop: int) -> "Written":
        """Frames ``start`` to ``stop`` (half-open)."""
        contacts = None if self.contacts is None else self.contacts[start:stop]
        return Written(motion=self.motion.frames(start, stop), contacts=contacts)


@dataclass(frozen=True)
class Onward:
    """Writes on from given motion."""

    writer: CodeWriter
    finisher: Finisher
    codes_of: Callable[[Motion], Int[Tensor, "L S"]]

    def make(self, request: GenerationRequest, past: Motion) -> Written:
        """Frames that follow on ``past``, where they belong.

        Args:
            request: What happens next, and for how long.
            past: At least one step of motion; the last frames count.
        """
        stride = self.finisher.tokenizer.frames_per_code
        trained = self.writer.engine.model.vocabulary.part_names
        passes = plan_passes(request.parts, request.signals, trained)
        steps = min(DECODED_STEPS, past.num_frames // stride)
        seen = past.frames(past.num_frames - steps * stride, past.num_frames)
        made = sorted({part for drive in passes for part in drive.parts})
        seen = replace(seen, parts=frozenset(made) & past.parts)
        before, clock, curves = self.codes_of(seen), Clock(), SoundCurves()
        opening = before[-CLAUSE_CONTEXT_STEPS:]
        rows = self.writer.write([request], passes, [{}], clock, [curves], opening)[0]
        count = len(before) * stride
        wanted = request.num_frames or len(rows) * stride
        features = self.finisher.features(torch.cat([before, rows]))
        features = {n: v[: count + wanted] for n, v in features.items() if n in made}
        whole, _ = motion_of_parts(features, root_at(seen, 0))
        contacts = contacts_of(features)[count : count + wanted] if "lower" in made else None
        new = _brought(whole, root_at(whole, count - 1), root_at(past, -1))
        new = new.frames(count, count + wanted)
        beats = curves.beats() if request.beat_lock and set(request.sounds) == {"music"} else None
        new = new if beats is None else beat_lock(new, beats)
        return Written(motion=self.finisher.dressed(new, request), contacts=contacts)


def _brought(motion: Motion, at: RootState, to: RootState) -> Motion:
    """The motion moved about the floor so that the place ``at`` of its own comes to be ``to``."""
    begin = root_at(motion, 0)
    turn = to.yaw - at.yaw
    rotation = yaw_to_matrix(turn)[0][[0, 2]][:, [0, 2]]
    position = to.position + (begin.position - at.position) @ rotation.T
    return placed(motion, RootState(yaw=begin.yaw + turn, position=position))
