"""Windows of fixed length, drawn at random from prepared corpora, the same for the same seed.

Window number i depends on (seed, i) alone, so a run that stops resumes exactly at its number, and
workers may draw any numbers in any order. Axis: W frames of a window.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool
from torch import Tensor

from motion.data.corpus import PreparedCorpus
from motion.data.records import Caption, ClipRecord
from motion.errors import ConfigError, DataError
from motion.representation import Motion

_SEED_STRIDE = 1_000_003


@dataclass(frozen=True, kw_only=True)
class WindowConfig:
    """How windows are drawn."""

    num_frames: int = 64
    """Frames of a window; shorter clips repeat their last frame, masked."""
    mirror_share: float = 0.5
    """Share of the windows that are mirrored, left for right."""
    seed: int = 0
    """Another seed draws other windows."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.num_frames < 1 or not 0 <= self.mirror_share <= 1:
            raise ConfigError(
                "a window needs num_frames >= 1 and 0 <= mirror_share <= 1, got "
                f"{self.num_frames} and {self.mirror_share}"
            )


@dataclass(frozen=True, kw_only=True)
class Window:
    """A stretch of a clip."""

    motion: Motion
    """Always ``num_frames`` long."""
    mask: Bool[Tensor, " W"]
    """True: a frame of the clip; False: a repeat of its last one."""
    record: ClipRecord
    start: int
    """First frame in the clip."""
    mirrored: bool
    captions: tuple[Caption, ...]
    """Those of the clip as it is shown: mirrored ones for a mirrored window."""


class Windows:
    """An endless, resumable row of windows over the clips of one split."""

    def __init__(
        self,
        corpora: Sequence[PreparedCorpus],
        split: str,
        config: WindowConfig,
        *,
        parts: Sequence[str] = (),
    ) -> None:
        """Collect the clips.

        Args:
            corpora: Prepared corpora.
            split: "train", "val" or "test".
            config: How to draw.
            parts: Parts that every clip must have.

        Raises:
            DataError: No clip is left.
        """
        self.config = config
        self._corpora = tuple(corpora)
        self._places = [
            (number, index)
            for number, corpus in enumerate(self._corpora)
            for index in corpus.select(split)
            if set(parts) <= set(corpus.clips[index].parts)
        ]
        if not self._places:
            raise DataError(f"no '{split}' clip with the parts {list(parts)} in the given corpora")
        lengths = [self._corpora[c].clips[i].num_frames for c, i in self._places]
        self._weights = torch.tensor(lengths, dtype=torch.float64)
        self._position = 0

    @property
    def num_clips(self) -> int:
        """Clips that windows are drawn from."""
        return len(self._places)

    def window(self, number: int) -> Window:
        """Draw window ``number``: a clip by its length, a place in it, mirrored or not."""
        generator = torch.Generator().manual_seed(self.config.seed * _SEED_STRIDE + number)
        chosen = int(torch.multinomial(self._weights, 1, generator=generator))
        where, flip = torch.rand(2, generator=generator).tolist()
        corpus_number, index = self._places[chosen]
        corpus = self._corpora[corpus_number]
        record = corpus.clips[index]
        length = self.config.num_frames
        start = int(where * (max(0, record.num_frames - length) + 1))
        motion = corpus.motion(index, start, start + length)
        mirrored = flip < self.config.mirror_share
        return Window(
            motion=_padded(motion.mirrored() if mirrored else motion, length),
            mask=torch.arange(length) < motion.num_frames,
            record=record,
            start=start,
            mirrored=mirrored,
            captions=record.mirrored_captions if mirrored else record.captions,
        )

    def __iter__(self) -> Iterator[Window]:
        """Go on from where the row stands."""
        while True:
            number, self._position = self._position, self._position + 1
            yield self.window(number)

    def state_dict(self) -> dict[str, int]:
        """Where the row stands."""
        return {"position": self._position, "seed": self.config.seed}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on where another run stood.

        Raises:
            ConfigError: The state was saved with another seed.
        """
        if state["seed"] != self.config.seed:
            raise ConfigError(
                f"the saved windows have seed {state['seed']}, these {self.config.seed}"
            )
        self._position = state["position"]


def _padded(motion: Motion, num_frames: int) -> Motion:
    """Repeat the last frame up to a length."""
    missing = num_frames - motion.num_frames
    if missing <= 0:
        return motion
    rows = torch.arange(num_frames).clamp(max=motion.num_frames - 1)
    padded = Motion.from_full_pose(
        motion.full_pose[rows], motion.transl[rows], expression=motion.expression[rows]
    )
    return replace(padded, fps=motion.fps, parts=motion.parts, source=motion.source)
