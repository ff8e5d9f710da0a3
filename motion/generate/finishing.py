"""From codes to a finished motion: decode, clean up, say where it comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from jaxtyping import Float, Int
from torch import Tensor

from motion.generate.beat_lock import beat_lock
from motion.generate.cleanup import FootLockConfig, foot_lock
from motion.generate.foot_contacts import ContactConfig
from motion.generate.hearing import SoundCurves
from motion.generate.keeping import motion_of_parts, root_of, splice
from motion.generate.mouth import open_mouth
from motion.generate.requests import GenerationRequest
from motion.generate.writer import Clock, Rows, codes_by_part
from motion.language import Stream
from motion.representation import PARTS, Motion
from motion.tokenizer import MotionTokenizer

DECODE_CHUNK = 200
"""Steps decoded together: bounds the memory of long motions."""
GENERATED_FEET = FootLockConfig(contacts=ContactConfig(max_slide_speed=1.6))
"""A generated foot that is labelled planted is never meant to slide; captured ones may be."""


@dataclass(frozen=True)
class Finisher:
    """Makes motions of a language model's codes."""

    tokenizer: MotionTokenizer
    streams: tuple[Stream, ...]

    def parts_of(self, rows: Rows) -> dict[str, Int[Tensor, "L K"]]:
        """Codes by part."""
        return codes_by_part(
            rows, [stream.part for stream in self.streams], [s.level for s in self.streams]
        )

    def features(self, rows: Rows) -> dict[str, Float[Tensor, "T _"]]:
        """Feature vectors of every part that has codes."""
        return self.tokenizer.decode_features(self.parts_of(rows), DECODE_CHUNK)

    def finish(
        self,
        request: GenerationRequest,
        rows: Rows,
        made: Sequence[str],
        curves: SoundCurves,
        clock: Clock,
    ) -> Motion:
        """The motion of a request.

        Args:
            request: What was asked for.
            rows: Its codes.
            made: Parts that are taken from them.
            curves: What is known of its sounds.
            clock: Counts CPU seconds.
        """
        keep = request.keep
        with clock.stage("decode"):
            count = request.num_frames or len(rows) * self.tokenizer.frames_per_code
            features = {n: values[:count] for n, values in self.features(rows).items()}
            features = {n: values for n, values in features.items() if keep or n in made}
            motion, _ = motion_of_parts(features, None if keep is None else root_of(keep))
        if request.foot_lock and "lower" in made:
            with clock.stage("foot_lock"):
                motion = foot_lock(motion, contacts_of(features), GENERATED_FEET)
        dances = set(request.sounds) == {"music"}
        if request.beat_lock and dances and keep is None:
            with clock.stage("beat_lock"):
                beats = curves.beats()
                motion = motion if beats is None else beat_lock(motion, beats)
        voice = curves.voice(motion.num_frames) if request.voice_lock else None
        motion = self.dressed(motion, request, voice)
        return motion if keep is None else splice(motion, keep, made)

    def dressed(
        self, motion: Motion, request: GenerationRequest, voice: Float[Tensor, "T 2"] | None = None
    ) -> Motion:
        """Say where the motion comes from; hands that were not made rest relaxed."""
        made_hands = bool(motion.parts & {"left_hand", "right_hand"})
        source = f"generated: {request.title}"
        motion = open_mouth(motion, request.jaw_gain, voice)
        return replace(motion, source=source, flat_hand_mean=made_hands)


def contacts_of(features: Mapping[str, Float[Tensor, "T D"]]) -> Float[Tensor, "T 4"]:
    """How sure the tokenizer is that each foot joint is planted, 0 to 1."""
    lower = features["lower"]
    return lower[:, PARTS["lower"].slices["foot_contact"]].clamp(0, 1)
