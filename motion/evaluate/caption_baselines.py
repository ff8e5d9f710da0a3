"""Captions without a language model: of the nearest training clip, at random, the most frequent.

A captioner that does not beat these has learned nothing that retrieval does not know. Axes: M known
clips; C bins of a histogram.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from motion.alignment import AlignmentModel
from motion.alignment.motion_library import embed_motions
from motion.data import PreparedCorpus
from motion.errors import DataError
from motion.representation import FPS, Motion
from motion.tokenizer import MotionTokenizer

BASELINES: Mapping[str, str] = {
    "nearest": "first caption of the training clip nearest in the shared space",
    "nearest_any": "any caption of the training clip nearest in the shared space",
    "nearest_codes": "first caption of the training clip whose codes are used most alike",
    "random": "any caption of any training clip",
    "frequent": "the most frequent training caption",
}
"""What each baseline says; all captions are English."""
ENGLISH = "en"
_AT_ONCE = 64
_BODY = ("lower", "upper")


@dataclass(frozen=True, kw_only=True)
class CaptionedClip:
    """A clip of a prepared corpus with its English captions."""

    corpus: PreparedCorpus
    index: int

    @property
    def clip_id(self) -> str:
        """Corpus and name."""
        return f"{self.corpus.name}/{self.corpus.clips[self.index].clip_id}"

    @property
    def seconds(self) -> float:
        """Length."""
        return self.corpus.clips[self.index].num_frames / FPS

    @property
    def captions(self) -> tuple[str, ...]:
        """In English, given ones first."""
        found = self.corpus.clips[self.index].captions
        return tuple(caption.text for caption in found if caption.language == ENGLISH)

    def motion(self) -> Motion:
        """Read its frames."""
        return self.corpus.motion(self.index)


def captioned_clips(corpora: Sequence[PreparedCorpus], split: str) -> list[CaptionedClip]:
    """All clips of a split that have English captions.

    Raises:
        DataError: There is none.
    """
    clips = [
        CaptionedClip(corpus=corpus, index=index)
        for corpus in corpora
        for index in corpus.select(split)
    ]
    found = [clip for clip in clips if clip.captions]
    if not found:
        raise DataError(f"no {split} clip with English captions in {[c.name for c in corpora]}")
    return found


class KnownClips:
    """Training clips as the baselines see them."""

    def __init__(
        self,
        clips: Sequence[CaptionedClip],
        alignment: AlignmentModel,
        tokenizer: MotionTokenizer | None = None,
    ) -> None:
        """Embed all clips.

        Args:
            clips: Training clips.
            alignment: Gives the shared space.
            tokenizer: Gives codes to compare as well, at three times the cost.
        """
        self.clips, self.alignment, self.tokenizer = tuple(clips), alignment, tokenizer
        places, codes = [], []
        for first in range(0, len(clips), _AT_ONCE):
            motions = [clip.motion() for clip in clips[first : first + _AT_ONCE]]
            places.append(embed_motions(motions, alignment))
            if tokenizer is not None:
                codes.append(code_use(motions, tokenizer))
        self._places, self._codes = torch.cat(places), codes
        counts = Counter(text for clip in clips for text in clip.captions)
        self.most_frequent = max(counts, key=lambda text: (counts[text], text))
        """Most frequent caption."""

    def baselines(self, motions: Sequence[Motion], seed: int = 0) -> dict[str, list[str]]:
        """What each of ``BASELINES`` says of each motion; by codes only with a tokenizer.

        Args:
            motions: At 30 fps.
            seed: Of the random choices.
        """
        generator = random.Random(seed)
        near = (embed_motions(motions, self.alignment) @ self._places.T).argmax(1).tolist()
        found = {
            "nearest": [self.clips[place].captions[0] for place in near],
            "nearest_any": [generator.choice(self.clips[place].captions) for place in near],
            "random": [generator.choice(generator.choice(self.clips).captions) for _ in motions],
            "frequent": [self.most_frequent] * len(motions),
        }
        if self.tokenizer is not None:
            uses = code_use(motions, self.tokenizer)
            alike = (uses @ torch.cat(self._codes).T).argmax(1).tolist()
            found["nearest_codes"] = [self.clips[place].captions[0] for place in alike]
        return found


def code_use(motions: Sequence[Motion], tokenizer: MotionTokenizer) -> Float[Tensor, "M C"]:
    """How often each row of the body's first codebooks is used: square roots, length one.

    Their inner product is the Bhattacharyya coefficient of two histograms, part by part.
    """
    rows = []
    for motion in motions:
        codes = tokenizer.encode(motion).parts
        uses = []
        for part in _BODY:
            use = torch.zeros(tokenizer.code_vectors(part).shape[1])
            if part in codes:
                use = torch.bincount(codes[part][:, 0], minlength=len(use)).float()
            uses.append(normalize(use.sqrt(), dim=0))
        rows.append(normalize(torch.cat(uses), dim=0))
    return torch.stack(rows)
