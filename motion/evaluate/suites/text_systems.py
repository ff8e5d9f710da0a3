"""The systems of the text suite: what each answers to a caption with a length.

Axis letters added here: ``M`` captions of training clips; ``E`` width of the text encoder.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from motion.conditioners import TextFeatureTable, cache_text_features
from motion.evaluate.protocol import file_hash
from motion.evaluate.suites.records import MODEL, TRUTH, SuiteContext
from motion.evaluate.suites.text_clips import KnownClip, TextItem, drawn_by, in_length
from motion.generate import MotionGenerator
from motion.generate.checkpoint import (
    ALIGNMENT_FOLDER,
    CONFIG_FILE,
    LANGUAGE_FOLDER,
    TOKENIZER_FOLDER,
)
from motion.representation import Motion

RECONSTRUCTION, NEAREST, RANDOM = "reconstruction", "nearest caption", "random clip"
SYSTEMS = {
    MODEL: "the checkpoint, asked for the caption and the length of the clip",
    TRUTH: "the clip itself",
    RECONSTRUCTION: "the clip, encoded and decoded by the checkpoint's tokenizer",
    NEAREST: "the training clip whose caption is nearest to the caption by the text encoder, cut "
    "or begun again to the length",
    RANDOM: "any training clip, cut or begun again to the length",
}
"""What each system does."""
_SAME_TEXT = 1e-4
"""Captions whose cosines differ by less are equally near."""
TOGETHER = 8
"""Motions of a batch: 1.6 times as fast as one by one, and the same."""
_TELL_EVERY = 5 * TOGETHER


def checkpoint_hash(generator: MotionGenerator) -> str:
    """Hash over the files of a checkpoint that decide its motions."""
    if generator.folder is None:
        return "unsaved"
    parts = (TOKENIZER_FOLDER, LANGUAGE_FOLDER, ALIGNMENT_FOLDER)
    files = (path for part in parts for path in (generator.folder / part).rglob("*"))
    found = sorted(path for path in files if path.suffix in (".safetensors", ".yaml"))
    return file_hash(generator.folder / CONFIG_FILE, *found)


class Texts:
    """Frozen features of all texts that a run needs, encoded once."""

    def __init__(self, texts: Sequence[str], context: SuiteContext) -> None:
        self.places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        self.table = _features(list(self.places), context)
        self._pooled = self.table.pooled()

    def pooled(self, texts: Sequence[str]) -> Float[Tensor, "M E"]:
        """One vector a text."""
        return self._pooled[[self.places[text] for text in texts]]


def _features(texts: Sequence[str], context: SuiteContext) -> TextFeatureTable:
    encoder, kept = context.generator.text_encoder, context.store.folder
    if kept is not None:
        return cache_text_features(texts, encoder, kept / "text", progress=False)
    with tempfile.TemporaryDirectory() as folder:  # read files stay mapped when they are gone
        return cache_text_features(texts, encoder, Path(folder), progress=False)


Wish = tuple[str, float, int]
"""Text, seconds, seed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """Motions of the model for texts: the key of each in the store says all that decides it."""

    context: SuiteContext
    checkpoint: str

    def motions(self, wishes: Sequence[Wish]) -> list[Motion]:
        """Generate several at once, or take them from the store."""
        found: dict[int, Motion] = {}
        order = sorted(range(len(wishes)), key=lambda place: wishes[place][1])
        for start in range(0, len(order), TOGETHER):
            if start % _TELL_EVERY == 0:
                self.context.progress(f"text: {start} of {len(order)} motions")
            places = order[start : start + TOGETHER]
            made = _Together(self.context.generator, [wishes[place] for place in places])
            for number, place in enumerate(places):
                key = self._key(*wishes[place])
                found[place] = self.context.store.motion(key, partial(made.motion, number))
        return [found[place] for place in range(len(wishes))]

    def _key(self, text: str, seconds: float, seed: int) -> dict[str, object]:
        generator = self.context.generator
        return {
            "suite": "text",
            "system": MODEL,
            "checkpoint": self.checkpoint,
            "sampling": asdict(generator.sampling),
            "candidates": generator.candidates,
            "text": text,
            "seconds": seconds,
            "seed": seed,
        }


class _Together:
    """Motions that are generated as one batch, from the first one that is asked for."""

    def __init__(self, generator: MotionGenerator, wishes: Sequence[Wish]) -> None:
        self.generator, self.wishes = generator, wishes
        self.made: dict[int, Motion] = {}

    def motion(self, number: int) -> Motion:
        """One of them; those before it are known already."""
        if number not in self.made:
            requests = [
                self.generator.request(text, seconds=seconds, seed=seed)
                for text, seconds, seed in self.wishes[number:]
            ]
            results = self.generator.generate_batch(requests)
            self.made = {number + n: result.motion for n, result in enumerate(results)}
        return self.made[number]


def nearest_clips(
    items: Sequence[TextItem], known: Sequence[KnownClip], texts: Texts, seed: int
) -> list[KnownClip]:
    """For each caption the training clip with the nearest one; of equally near ones any."""
    owners: dict[str, list[KnownClip]] = {}
    for clip in known:
        for text in clip.captions:
            owners.setdefault(text, []).append(clip)
    said = list(owners)
    bank = texts.pooled(said)
    middle = bank.mean(0)
    bank = torch.nn.functional.normalize(bank - middle, dim=-1)
    found = []
    for item in items:
        asked = torch.nn.functional.normalize(texts.pooled([item.text])[0] - middle, dim=-1)
        cosines = bank @ asked
        places = (cosines >= cosines.max() - _SAME_TEXT).nonzero()[:, 0].tolist()
        clips = [clip for place in places for clip in owners[said[place]]]
        found.append(clips[drawn_by(f"{item.clip}/{item.text}", len(clips), seed)])
    return found


def all_motions(
    context: SuiteContext,
    clips: Sequence[KnownClip],
    items: Sequence[TextItem],
    known: Sequence[KnownClip],
    texts: Texts,
    candidates: Candidates,
) -> dict[str, list[Motion]]:
    """Motions of every system, one for each item."""
    tokenizer = context.generator.tokenizer
    truths = [clip.motion() for clip in clips]
    rebuilt = [tokenizer.decode(tokenizer.encode(motion)) for motion in truths]
    random = [known[drawn_by(clip.name, len(known), context.seed)] for clip in clips]
    nearest = nearest_clips(items, known, texts, context.seed)
    made = candidates.motions(
        [(item.text, clips[item.clip].seconds, context.seed) for item in items]
    )
    lengths = [clips[item.clip].num_frames for item in items]
    return {
        MODEL: made,
        TRUTH: [truths[item.clip] for item in items],
        RECONSTRUCTION: [rebuilt[item.clip] for item in items],
        NEAREST: [
            in_length(clip.motion(), length) for clip, length in zip(nearest, lengths, strict=True)
        ],
        RANDOM: [
            in_length(random[item.clip].motion(), length)
            for item, length in zip(items, lengths, strict=True)
        ],
    }
