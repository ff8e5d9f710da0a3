"""What may be asked for, and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from motion.errors import RequestError
from motion.language import SamplingConfig
from motion.representation import FPS, Motion, num_frames_of

SHORTEST_SECONDS, LONGEST_SECONDS = 0.5, 600.0
LONGEST_TEXT = 1000
"""Characters; the text encoder reads about 512 word pieces."""
LARGEST_SEED = 2**63 - 1
MOST_CANDIDATES = 16
_CANDIDATE_STRIDE = 0x9E3779B97F4A7C15
"""Odd constant of splitmix64: spreads the seeds of candidates."""


@dataclass(frozen=True, kw_only=True)
class GenerationRequest:
    """One motion asked for; checked when made."""

    text: str
    """What the person does, in any of the text encoder's languages."""
    seconds: float | None = None
    """Length; None lets the model end the motion."""
    seed: int = 0
    """Same request and seed, same motion."""
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    """How codes are chosen."""
    foot_lock: bool = True
    """Keep planted feet from sliding."""
    candidates: int = 1
    """Make this many motions and keep the one nearest to the text in the shared space."""

    def __post_init__(self) -> None:
        """Say in one sentence what is wrong."""
        if not self.text.strip():
            raise RequestError("the text is empty; say what the person does, e.g. 'a person waves'")
        if len(self.text) > LONGEST_TEXT:
            raise RequestError(
                f"the text has {len(self.text)} characters, at most {LONGEST_TEXT} can be read; "
                "shorten it or make several motions"
            )
        if self.seconds is not None:
            self._check_seconds(self.seconds)
        if not 1 <= self.candidates <= MOST_CANDIDATES:
            raise RequestError(
                f"candidates must lie between 1 and {MOST_CANDIDATES}, got {self.candidates}"
            )
        if not 0 <= self.seed <= LARGEST_SEED:
            raise RequestError(f"the seed must lie in 0 to 2^63-1, got {self.seed}")

    @staticmethod
    def _check_seconds(seconds: float) -> None:
        if not isfinite(seconds) or not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
            raise RequestError(
                f"seconds must lie between {SHORTEST_SECONDS:g} and {LONGEST_SECONDS:g}, "
                f"got {seconds:g}"
            )

    @property
    def candidate_seeds(self) -> tuple[int, ...]:
        """One seed for each candidate, the first is the request's own; greedy ones are equal."""
        strides = range(1 if self.sampling.temperature == 0 else self.candidates)
        return tuple((self.seed + k * _CANDIDATE_STRIDE) % (LARGEST_SEED + 1) for k in strides)

    @property
    def num_frames(self) -> int | None:
        """Frames of the result, if the length is known: round(seconds x fps)."""
        return None if self.seconds is None else num_frames_of(float(self.seconds), FPS)


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
    plan: tuple[str, ...] = ()
    """Steps of a plan, when one was made."""

    def save(self, path: Path | str, **options: Any) -> Path:
        """Write the motion as .npz, .bvh, .glb, .html, .mp4 or .png, by suffix.

        Args:
            path: Target; folders are made.
            options: For the writer: ``body``, ``width``, ``height``, ``audio``.

        Raises:
            RequestError: The suffix is not known.
            OutputError: The file cannot be written there.
        """
        from motion.render import write_motion

        target = Path(path)
        if target.suffix.lower() == ".html":
            options.setdefault("caption", self.text)
        write_motion(self.motion, target, **options)
        return target
