"""What captions are asked for by, and what comes back: configuration, texts, segments."""

from dataclasses import dataclass
from typing import Literal

from motion.errors import RequestError
from motion.generate.requests import MOST_CANDIDATES

Origin = Literal["model", "retrieval", "none"]
"""Who wrote a text: the language model, a known motion's annotator, or nobody."""
SHORTEST_SEGMENT, LONGEST_SEGMENT = 1.0, 60.0
"""Seconds; the model reads no more than a minute at once."""
MOST_NEIGHBOURS = 256


@dataclass(frozen=True, kw_only=True)
class CaptionConfig:
    """How captions are written and chosen.

    Candidates, temperature and weights were tuned on validation clips (``docs/captions.md``).
    """

    candidates: int = 12
    """Texts per segment; the first is the likeliest, the others are sampled."""
    temperature: float = 0.5
    """Of the sampled ones."""
    max_tokens: int = 40
    """Longest caption; one in 400 of the corpora's captions has more."""
    retries: int = 4
    """Sampled once more where nothing was written."""
    segment_seconds: float = 10.0
    """Longest stretch that one caption tells of."""
    likelihood_weight: float = 1.0
    """Of the mean log-likelihood of a text's tokens."""
    similarity_weight: float = 4.0
    """Of its cosine to the motion in the shared space."""
    agreement_weight: float = 16.0
    """Of its expected overlap with what the model writes and what is recalled."""
    neighbours: int = 16
    """Known motions whose captions are recalled; 0: the language model alone."""
    neighbour_temperature: float = 0.05
    """Of the softmax over their cosines to the motion: how much more the nearest ones count."""
    memory_share: float = 0.7
    """Of the evidence that is recalled; the rest is what the model writes."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 1 <= self.candidates <= MOST_CANDIDATES:
            raise RequestError(
                f"candidates must lie between 1 and {MOST_CANDIDATES}, got {self.candidates}"
            )
        if not SHORTEST_SEGMENT <= self.segment_seconds <= LONGEST_SEGMENT:
            raise RequestError(
                f"segments must last between {SHORTEST_SEGMENT:g} and {LONGEST_SEGMENT:g} seconds, "
                f"got {self.segment_seconds:g}"
            )
        if not 0 <= self.neighbours <= MOST_NEIGHBOURS:
            raise RequestError(
                f"neighbours must lie between 0 and {MOST_NEIGHBOURS}, got {self.neighbours}"
            )


@dataclass(frozen=True, kw_only=True)
class ScoredText:
    """A text and how well it fits."""

    text: str
    origin: Origin
    log_likelihood: float
    """Mean per token, natural logarithm."""
    similarity: float | None
    """Cosine to the motion in the shared space; None: the checkpoint has none."""
    agreement: float
    """Expected overlap with what might be said, 0 to 1."""

    def score(self, config: CaptionConfig) -> float:
        """Weighted sum; higher is better."""
        found = config.likelihood_weight * self.log_likelihood
        found += config.similarity_weight * (self.similarity or 0.0)
        return found + config.agreement_weight * self.agreement


@dataclass(frozen=True, kw_only=True)
class CaptionSegment:
    """What a stretch of a motion shows."""

    start_seconds: float
    end_seconds: float
    text: str
    score: float
    origin: Origin = "model"
    candidates: tuple[ScoredText, ...] = ()
    """All texts that there were to choose from."""


@dataclass(frozen=True, kw_only=True)
class MotionCaption:
    """What a motion shows."""

    text: str
    """One sentence, or the segments told one after the other."""
    score: float
    """Of the texts, weighted by the time they tell of; higher is better, within one checkpoint."""
    segments: tuple[CaptionSegment, ...]
    """In their order; a short motion has one."""
    seed: int
    warnings: tuple[str, ...] = ()

    @property
    def origin(self) -> Origin:
        """The model, where it wrote at least one of the chosen texts."""
        origins = [segment.origin for segment in self.segments]
        return "model" if "model" in origins else origins[0]
