"""Which clips and captions the text suite measures, and motions of known clips in its lengths."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import torch
from numpy.random import Generator

from motion.data import PreparedCorpus
from motion.errors import DataError
from motion.generate.keeping import motion_of_parts
from motion.representation import FPS, Motion, extract_features

LEAST_FRAMES, MOST_FRAMES = FPS, 10 * FPS
"""Shorter clips are left out, longer ones cut; both in the truth and in what is asked for."""
LANGUAGE = "en"
BODY = frozenset({"lower", "upper"})
TRAIN, TEST = "train", "test"


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownClip:
    """A clip of a prepared corpus with English captions."""

    corpus: PreparedCorpus
    index: int

    @property
    def name(self) -> str:
        """Corpus and clip."""
        return f"{self.corpus.name}/{self.corpus.clips[self.index].clip_id}"

    @property
    def captions(self) -> tuple[str, ...]:
        """English captions, the one that came with the corpus first."""
        captions = self.corpus.clips[self.index].captions
        return tuple(dict.fromkeys(c.text for c in captions if c.language == LANGUAGE))

    @property
    def num_frames(self) -> int:
        """Frames that are used."""
        return min(self.corpus.clips[self.index].num_frames, MOST_FRAMES)

    @property
    def seconds(self) -> float:
        """Length that is used."""
        return self.num_frames / FPS

    def motion(self) -> Motion:
        """The frames that are used."""
        return self.corpus.motion(self.index, 0, MOST_FRAMES)


@dataclass(frozen=True, kw_only=True, eq=False)
class TextItem:
    """A clip and one of its captions."""

    clip: int
    """Place of the clip among those measured."""
    text: str


def known_clips(corpora: Sequence[PreparedCorpus], split: str) -> tuple[KnownClip, ...]:
    """Clips of a split with a body, at least a second long, and with an English caption.

    Raises:
        DataError: There is none.
    """
    clips = (KnownClip(corpus=c, index=i) for c in corpora for i in c.select(split))
    found = tuple(clip for clip in clips if _usable(clip))
    if not found:
        raise DataError(
            f"no '{split}' clip of {[c.name for c in corpora]} has a body, {LEAST_FRAMES} frames "
            "and an English caption; prepare a corpus with captions"
        )
    return found


def _usable(clip: KnownClip) -> bool:
    record = clip.corpus.clips[clip.index]
    return bool(set(record.parts) >= BODY and clip.num_frames >= LEAST_FRAMES and clip.captions)


def balanced(clips: Sequence[KnownClip], count: int, seed: int) -> tuple[KnownClip, ...]:
    """As many clips of each corpus as there are, and in a corpus of each first caption.

    Corpora take turns until all are used up or there are enough; so do the first captions within
    one. The same clips and seed give the same choice, and a smaller count its beginning.
    """
    chance = np.random.default_rng(seed)
    by_corpus: dict[str, list[KnownClip]] = {}
    for clip in clips:
        by_corpus.setdefault(clip.corpus.name, []).append(clip)
    queues = [_in_turns(by_corpus[name], chance) for name in sorted(by_corpus)]
    turns = [clip for turn in zip_longest(*queues) for clip in turn if clip is not None]
    return tuple(turns[:count])


def _in_turns(clips: Sequence[KnownClip], chance: Generator) -> list[KnownClip]:
    kinds: dict[str, list[KnownClip]] = {}
    for place in chance.permutation(len(clips)):
        kinds.setdefault(clips[place].captions[0], []).append(clips[place])
    turns = zip_longest(*kinds.values())
    return [clip for turn in turns for clip in turn if clip is not None]


def items_of_clips(clips: Sequence[KnownClip], captions: int, seed: int) -> tuple[TextItem, ...]:
    """Some captions of each clip: the first, and others drawn among the rest."""
    items = []
    for place, clip in enumerate(clips):
        chance = np.random.default_rng([seed, *hashlib.sha256(clip.name.encode()).digest()[:8]])
        rest = clip.captions[1:]
        drawn = chance.permutation(len(rest))[: captions - 1]
        texts = (clip.captions[0], *(rest[i] for i in drawn))
        items += [TextItem(clip=place, text=text) for text in texts]
    return tuple(items)


def in_length(motion: Motion, num_frames: int) -> Motion:
    """Cut a motion, or let it begin again where it ends until it is long enough."""
    if motion.num_frames >= num_frames:
        return motion.frames(0, num_frames)
    times = -(-num_frames // motion.num_frames)
    features = {
        name: torch.cat([values] * times)[:num_frames]
        for name, values in extract_features(motion).items()
    }
    return motion_of_parts(features)[0]


def drawn_by(name: str, count: int, seed: int) -> int:
    """A number below ``count`` that depends on a name and a seed alone."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8]) % count
