"""``CaptionMemory``: what was said of known motions, recalled for a motion that is like them.

A saved memory is a folder with ``captions.json`` (every text once, and which of them each motion
has) and ``embeddings.safetensors``. Unlike a ``MotionLibrary`` it holds no motions, so thousands of
clips take two megabytes. Axis M: motions.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from torch import Tensor

from motion.alignment.model import AlignmentModel
from motion.alignment.motion_library import embed_motions, load_embeddings, save_embeddings
from motion.data import PreparedCorpus
from motion.errors import DataError, WeightsError
from motion.formats import atomic_path
from motion.formats.joint_positions import BODY_PARTS

CAPTIONS_FILE = "captions.json"
_AT_ONCE = 64


class CaptionMemory:
    """Places of bodies' motions in the shared space, and their captions."""

    def __init__(
        self,
        captions: Sequence[tuple[str, ...]],
        embeddings: Float[Tensor, "M D"],
        fingerprint: str,
    ) -> None:
        """Hold a memory; ``from_corpora`` and ``load`` make one.

        Args:
            captions: Of each motion, at least one.
            embeddings: Of length one, row by row.
            fingerprint: Of the alignment model that made them.
        """
        if len(captions) != len(embeddings) or not captions or not all(captions):
            raise DataError(
                f"expected captions of each of {len(embeddings)} motions, got {len(captions)} lists"
            )
        self.captions, self.embeddings = tuple(captions), embeddings
        self.fingerprint = fingerprint

    def __len__(self) -> int:
        return len(self.captions)

    @classmethod
    def from_corpora(
        cls,
        corpora: Sequence[PreparedCorpus],
        model: AlignmentModel,
        split: str = "train",
        language: str = "en",
    ) -> Self:
        """Remember the captioned clips of a split.

        Raises:
            DataError: There is none.
        """
        captions, places = [], []
        for corpus in corpora:
            texts = {
                index: tuple(c.text for c in corpus.clips[index].captions if c.language == language)
                for index in corpus.select(split)
            }
            known = [index for index, said in texts.items() if said]
            for first in range(0, len(known), _AT_ONCE):
                chosen = known[first : first + _AT_ONCE]
                motions = [corpus.motion(index) for index in chosen]
                places.append(embed_motions(motions, model, BODY_PARTS))
                captions += [texts[index] for index in chosen]
        if not captions:
            raise DataError(f"no {split} clip with captions in {[c.name for c in corpora]}")
        return cls(captions, torch.cat(places), model.fingerprint)

    def recall(
        self, place: Float[Tensor, " D"], neighbours: int, temperature: float
    ) -> dict[str, float]:
        """Captions of the nearest motions, each with its weight; the weights add up to one.

        Args:
            place: Of a motion in the shared space.
            neighbours: How many motions are asked; fewer where fewer are known.
            temperature: Of the softmax over their cosines; their captions share what each gets.
        """
        cosines = self.embeddings @ torch.nn.functional.normalize(place, dim=0)
        near = cosines.topk(min(neighbours, len(self)))
        shares = torch.softmax(near.values / temperature, 0)
        found: dict[str, float] = {}
        for index, share in zip(near.indices.tolist(), shares.tolist(), strict=True):
            for text in self.captions[index]:
                found[text] = found.get(text, 0.0) + share / len(self.captions[index])
        return found

    def save(self, folder: Path) -> None:
        """Write the memory; embeddings in half precision."""
        texts = sorted({text for said in self.captions for text in said})
        places = {text: place for place, text in enumerate(texts)}
        clips = [[places[text] for text in said] for said in self.captions]
        save_embeddings(folder, self.embeddings, self.fingerprint)
        with atomic_path(folder / CAPTIONS_FILE) as path:
            rows = {"texts": texts, "clips": clips}
            path.write_text(json.dumps(rows, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path, model: AlignmentModel) -> Self:
        """Read what ``save`` wrote.

        Args:
            folder: The memory.
            model: What motions will be embedded with; it must be what made the memory.

        Raises:
            DataError: Files are missing or broken.
            WeightsError: The embeddings are of another alignment model.
        """
        try:
            rows = json.loads((folder / CAPTIONS_FILE).read_text("utf-8"))
            captions = [tuple(rows["texts"][one] for one in said) for said in rows["clips"]]
            embeddings, fingerprint = load_embeddings(folder)
        except (OSError, KeyError, TypeError, ValueError, IndexError, SafetensorError) as error:
            raise DataError(f"the caption memory in {folder} is damaged: {error}") from error
        if fingerprint != model.fingerprint:
            raise WeightsError(
                f"the caption memory in {folder} was made by the alignment model {fingerprint}, "
                f"this one is {model.fingerprint}; make it again with tools/make_caption_memory.py"
            )
        return cls(captions, embeddings, fingerprint)
