"""What may be asked for, and what comes back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, isfinite
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np

from motion.errors import RequestError
from motion.formats import Sound, SoundReader, Transcript, open_sound
from motion.generate.mouth import DEFAULT_GAIN, check_gain
from motion.generate.part_plan import SIGNALS, PartsWish, plan_passes
from motion.language import SamplingConfig, label_numbers
from motion.representation import FPS, PART_NAMES, Motion, num_frames_of

SHORTEST_SECONDS, LONGEST_SECONDS = 0.5, 600.0
LONGEST_TEXT = 1000
"""Characters; the text encoder reads about 512 word pieces."""
LARGEST_SEED = 2**63 - 1
MOST_CANDIDATES = 16
SoundSource = Path | str | Sound | SoundReader
"""A sound or film file, samples, or an opened sound."""
SOUNDING_SUFFIXES = (".mp4", ".html")
"""Files that carry the sound which drove the motion."""
_CANDIDATE_STRIDE = 0x9E3779B97F4A7C15
"""Odd constant of splitmix64: spreads the seeds of candidates."""


class GenerationWish(TypedDict, total=False):
    """What ``MotionGenerator.generate`` takes beside the text; None is the same as left out."""

    music: SoundSource | None
    """Music to dance to."""
    speech: SoundSource | None
    """Speech to gesture and move the mouth to."""
    transcript: Transcript | Path | str | Literal[True] | None
    """Words of the speech with their times, or their file; True: Whisper writes it."""
    speaker: str | None
    """Gesture like one of ``SPEAKERS``."""
    emotion: str | None
    """Move with one of ``EMOTIONS``."""
    style: str | None
    """Dance in one of ``STYLES``."""
    seconds: float | int | None
    """Length, 0.5 to 600; left out: that of the sound, else the model ends the motion."""
    parts: PartsWish
    """Parts to make, or for each signal the parts that it drives."""
    keep: Motion | None
    """A motion whose other parts stay."""
    seed: int | None
    """Same request and seed, same motion; 0 if left out."""
    sampling: SamplingConfig
    """How codes are chosen; the checkpoint's own if left out. The next five change it."""
    guidance: float | int | None
    """How strictly text and sound are followed."""
    temperature: float | int | None
    """Variety; 0 is greedy."""
    top_k: int | None
    """Choose among this many likeliest codes."""
    top_p: float | None
    """Choose among the likeliest codes that hold this share of the probability."""
    semantic_temperature: float | None
    """Prefer codes whose vectors are like the likeliest one's; lower is stricter."""
    foot_lock: bool
    """Keep planted feet from sliding; True if left out."""
    beat_lock: bool
    """Bring a dance's accents onto the beats of its music; True if left out."""
    voice_lock: bool
    """Open the mouth with the voice alone; True if left out."""
    candidates: int | None
    """Make this many and keep the best."""
    jaw_gain: float | int | None
    """How much wider a mouth opens than in the captures; 1: as captured."""


@dataclass(frozen=True, kw_only=True)
class GenerationRequest:
    """One motion asked for, by text, music, speech or any mix of them; checked when made."""

    text: str | None = None
    """What the person does, in any of the text encoder's languages."""
    music: SoundReader | None = None
    """Music to dance to."""
    speech: SoundReader | None = None
    """Speech to gesture and move the mouth to."""
    transcript: Transcript | None = None
    """Words of the speech, with their times."""
    speaker: str | None = None
    """Gesture like one of ``SPEAKERS``."""
    emotion: str | None = None
    """Move with one of ``EMOTIONS``."""
    style: str | None = None
    """Dance in one of ``STYLES``."""
    seconds: float | None = None
    """Length; None takes that of the sound or the kept motion, or lets the model end the motion."""
    parts: PartsWish = None
    """Parts to make, or for each signal the parts that it drives; None: all that fit."""
    keep: Motion | None = None
    """A motion at 30 fps whose other parts are kept as they are."""
    seed: int = 0
    """Same request and seed, same motion."""
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    """How codes are chosen."""
    foot_lock: bool = True
    """Keep planted feet from sliding."""
    beat_lock: bool = True
    """Bring a dance's accents onto the beats of its music, by bending time a little."""
    voice_lock: bool = True
    """Open the mouth with the voice, and shut it in silence."""
    jaw_gain: float = DEFAULT_GAIN
    """How much wider a mouth opens than in the captures, whose jaw hardly moves; 1: as captured."""
    candidates: int = 1
    """Make this many motions and keep the one nearest to what is asked in the shared space."""

    def __post_init__(self) -> None:
        """Say in one sentence what is wrong."""
        if not self.signals:
            raise RequestError(
                "nothing says how to move; give a text such as 'a person waves', music or speech"
            )
        check_text(self.text)
        if self.transcript is not None:
            if self.speech is None:
                raise RequestError("a transcript needs its speech; give the sound file as well")
            self.transcript.check_fits(self.speech.duration)
        label_numbers(self.labels)
        plan_passes(self.parts, self.signals, PART_NAMES)
        check_gain(self.jaw_gain)
        if self.seconds is not None:
            check_seconds(self.seconds, "seconds")
        else:
            for sound in self.sounds.values():
                check_seconds(float(sound.duration), f"without seconds, the length of {sound.name}")
        if self.keep is not None:
            self._check_keep(self.keep)
        if not 1 <= self.candidates <= MOST_CANDIDATES:
            raise RequestError(
                f"candidates must lie between 1 and {MOST_CANDIDATES}, got {self.candidates}"
            )
        check_seed(self.seed)

    def _check_keep(self, keep: Motion) -> None:
        if self.parts is None or isinstance(self.parts, Mapping):
            raise RequestError("with a motion to keep, name the parts to make anew, e.g. upper")
        if keep.fps != FPS or keep.num_frames == 0:
            raise RequestError(
                f"the motion to keep must have frames at {FPS} fps, got {keep.num_frames} at "
                f"{keep.fps:g}; convert it first"
            )
        if self.num_frames != keep.num_frames:
            raise RequestError(
                f"the motion to keep has {keep.num_frames} frames, asked for are "
                f"{self.num_frames}; leave the length out or cut one of them"
            )

    @property
    def signals(self) -> tuple[str, ...]:
        """Names of what is given: text, music, speech."""
        return tuple(name for name in SIGNALS if getattr(self, name) is not None)

    @property
    def sounds(self) -> dict[str, SoundReader]:
        """Music and speech, as far as they are given, by those names."""
        given = {"music": self.music, "speech": self.speech}
        return {name: sound for name, sound in given.items() if sound is not None}

    @property
    def labels(self) -> dict[str, str | None]:
        """Who moves, and how."""
        return {"speaker": self.speaker, "emotion": self.emotion, "style": self.style}

    @property
    def title(self) -> str:
        """What the motion is called in files."""
        return self.text or " + ".join(Path(sound.name).stem for sound in self.sounds.values())

    @property
    def candidate_seeds(self) -> tuple[int, ...]:
        """One seed for each candidate, the first is the request's own; greedy ones are equal."""
        return spread_seeds(self.seed, 1 if self.sampling.temperature == 0 else self.candidates)

    @property
    def num_frames(self) -> int | None:
        """Frames of the result, if the length is known: round(seconds x fps).

        Without ``seconds`` it is that of the kept motion, else of the longer sound.
        """
        if self.seconds is not None:
            return num_frames_of(float(self.seconds), FPS)
        if self.keep is not None:
            return self.keep.num_frames
        return max((sound.num_frames(FPS) for sound in self.sounds.values()), default=None)

    def num_steps(self, frames_per_step: int) -> int | None:
        """Motion steps that hold ``num_frames``."""
        return None if self.num_frames is None else ceil(self.num_frames / frames_per_step)


def check_text(text: str | None) -> None:
    """Refuse a text that says nothing or is longer than what can be read; None is no text.

    Raises:
        RequestError: It is empty or too long.
    """
    if text is None:
        return
    if not text.strip():
        raise RequestError("the text is empty; say what the person does, e.g. 'a person waves'")
    if len(text) > LONGEST_TEXT:
        raise RequestError(
            f"the text has {len(text)} characters, at most {LONGEST_TEXT} can be read; "
            "shorten it or make several motions"
        )


def check_seed(seed: int) -> None:
    """Refuse a seed that random generators do not take.

    Raises:
        RequestError: It is negative or too large.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise RequestError(f"the seed must lie in 0 to 2^63-1, got {seed}")


def spread_seeds(seed: int, count: int) -> tuple[int, ...]:
    """Give ``count`` seeds that lie far apart; the first is ``seed``."""
    return tuple((seed + k * _CANDIDATE_STRIDE) % (LARGEST_SEED + 1) for k in range(count))


def check_seconds(seconds: float, name: str) -> None:
    """Refuse lengths that are not made.

    Raises:
        RequestError: Too short, too long, or no number.
    """
    if not isfinite(seconds) or not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise RequestError(
            f"{name} must lie between {SHORTEST_SECONDS:g} and {LONGEST_SECONDS:g}, got {seconds:g}"
        )


@dataclass(frozen=True, kw_only=True)
class GenerationResult:
    """A generated motion and how it came about."""

    motion: Motion
    text: str
    seed: int
    timings: Mapping[str, float]
    """CPU seconds by stage."""
    warnings: tuple[str, ...] = ()
    """What the motion does not hold, such as parts without trained weights."""
    parts: tuple[str, ...] = ()
    """Parts that were made, in the order of ``PART_NAMES``; others are kept or rest."""
    plan: tuple[str, ...] = ()
    """Steps of a plan, when one was made."""
    sounds: tuple[SoundReader, ...] = ()
    """Music and speech that drove the motion; films and pages carry them."""

    def save(self, path: Path | str, **options: Any) -> Path:
        """Write the motion as .npz, .bvh, .glb, .html, .mp4 or .png, by suffix.

        Args:
            path: Target; folders are made.
            options: For the writer: ``body``, ``width``, ``height``, ``audio``.

        Raises:
            RequestError: The suffix is not known.
            OutputError: The file cannot be written there.
        """
        return write_with_sounds(self.motion, Path(path), self.text, self.sounds, options)


def write_with_sounds(
    motion: Motion,
    target: Path,
    caption: str,
    sounds: Sequence[SoundReader],
    options: Mapping[str, Any],
) -> Path:
    """Write a motion; pages get the caption, films and pages the sounds.

    Args:
        motion: What to write.
        target: The suffix says what is written; folders are made.
        caption: What the person does.
        sounds: Heard from the first frame on, all together.
        options: For the writer; they come before caption and sounds.
    """
    from motion.render import write_motion

    kind, chosen = target.suffix.lower(), dict(options)
    if kind == ".html":
        chosen.setdefault("caption", caption)
    if sounds and kind in SOUNDING_SUFFIXES:
        chosen.setdefault("audio", _together(sounds))
    write_motion(motion, target, **chosen)
    return target


def _together(sounds: Sequence[SoundReader]) -> SoundReader:
    """Several sounds as one, quieter only where they would be too loud together."""
    if len(sounds) == 1:
        return sounds[0]
    rate = max(sound.sample_rate for sound in sounds)
    waves = np.zeros((1, max(round(sound.duration * rate) for sound in sounds)), np.float32)
    for sound in sounds:
        samples = sound.samples(rate).numpy()
        waves[0, : len(samples)] += samples
    waves /= max(1.0, float(np.abs(waves).max(initial=0.0)))
    return open_sound(Sound(waves=waves, sample_rate=rate))
