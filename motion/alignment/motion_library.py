"""``MotionLibrary``: motions with their embeddings, searched by text or by another motion.

A saved library is a folder with ``library.jsonl`` (one entry a line: clip id, captions, and where
the motion lies) and ``embeddings.safetensors``. Its motions are files or clips of prepared corpora
anywhere, or a prepared corpus in the same folder, so that a library can travel whole. Axis M:
motions.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from motion.alignment.model import AlignmentModel
from motion.data import PreparedCorpus
from motion.errors import DataError, RequestError, WeightsError
from motion.formats import READERS, atomic_path, read_motion
from motion.representation import Motion
from motion.representation.resampling import resample_motion

ENTRIES_FILE, EMBEDDINGS_FILE = "library.jsonl", "embeddings.safetensors"
CAPTION_SUFFIX = ".txt"
"""A text file beside a motion file holds its captions, one a line."""
_BATCH = 16


@dataclass(frozen=True, kw_only=True)
class LibraryEntry:
    """One motion of a library: what it is and where its frames lie."""

    clip_id: str
    captions: tuple[str, ...]
    num_frames: int
    path: str
    """A motion file, or the folder of a prepared corpus; relative to the library's folder."""
    index: int | None = None
    """Place in the prepared corpus; None: ``path`` is a motion file."""


@dataclass(frozen=True, kw_only=True)
class RetrievedMotion:
    """One answer of a library."""

    entry: LibraryEntry
    score: float
    """Cosine to the query, -1 to 1."""
    library: "MotionLibrary"

    @property
    def clip_id(self) -> str:
        """Name of the clip."""
        return self.entry.clip_id

    @property
    def captions(self) -> tuple[str, ...]:
        """What the clip shows, as far as it was said."""
        return self.entry.captions

    def motion(self) -> Motion:
        """Read the motion, at 30 fps."""
        return self.library.motion(self.entry)


class MotionLibrary:
    """Entries and embeddings; motions are read when asked for."""

    def __init__(
        self,
        entries: Sequence[LibraryEntry],
        embeddings: Float[Tensor, "M D"],
        fingerprint: str,
        folder: Path | None = None,
    ) -> None:
        """Hold a library; ``from_files``, ``from_corpora`` and ``load`` make one.

        Args:
            entries: One per motion.
            embeddings: Of length one, row by row.
            fingerprint: Of the model that made them.
            folder: What relative paths are relative to; None: the working directory.
        """
        if len(entries) != len(embeddings):
            raise DataError(f"{len(entries)} entries, but {len(embeddings)} embeddings")
        self.entries, self.embeddings = tuple(entries), embeddings
        self.fingerprint, self.folder = fingerprint, folder or Path()
        self._corpora: dict[Path, PreparedCorpus] = {}

    def __len__(self) -> int:
        return len(self.entries)

    @classmethod
    def from_files(cls, source: Path | str | Sequence[Path | str], model: AlignmentModel) -> Self:
        """Embed motion files, or all of a folder and its sub-folders.

        Captions stand, one a line, in a text file of the same name beside the motion.

        Raises:
            DataError: There is no motion file.
            FormatError: A motion file is damaged.
        """
        if isinstance(source, Path | str):
            found = sorted(p for p in Path(source).rglob("*") if p.suffix.lower() in READERS)
        else:
            found = [Path(path) for path in source]
        entries, motions = [], []
        for path in found:
            motion = resample_motion(read_motion(path))
            beside = path.with_suffix(CAPTION_SUFFIX)
            lines = beside.read_text("utf-8").splitlines() if beside.is_file() else []
            captions = tuple(line.strip() for line in lines if line.strip())
            entries.append(
                LibraryEntry(
                    clip_id=path.stem,
                    captions=captions,
                    num_frames=motion.num_frames,
                    path=str(path.resolve()),
                )
            )
            motions.append(motion)
        return cls._embedded(entries, motions, model, str(source))

    @classmethod
    def from_corpora(
        cls, corpora: Sequence[PreparedCorpus], model: AlignmentModel, split: str | None = None
    ) -> Self:
        """Embed the clips of prepared corpora.

        Raises:
            DataError: There is no clip, or no such split.
        """
        entries, motions = [], []
        for corpus in corpora:
            for index in range(len(corpus)) if split is None else corpus.select(split):
                record = corpus.clips[index]
                entries.append(
                    LibraryEntry(
                        clip_id=record.clip_id,
                        captions=tuple(caption.text for caption in record.captions),
                        num_frames=record.num_frames,
                        path=str(corpus.folder.resolve()),
                        index=index,
                    )
                )
                motions.append(corpus.motion(index))
        return cls._embedded(entries, motions, model, f"{[c.name for c in corpora]}, {split}")

    @classmethod
    def _embedded(
        cls,
        entries: Sequence[LibraryEntry],
        motions: Sequence[Motion],
        model: AlignmentModel,
        source: str,
    ) -> Self:
        if not entries:
            raise DataError(f"no motions for a library in {source}")
        return cls(entries, embed_motions(motions, model), model.fingerprint)

    def motion(self, entry: LibraryEntry) -> Motion:
        """Read the motion of an entry, at 30 fps.

        Raises:
            FormatError: Its file is missing or damaged.
            DataError: Its prepared corpus is missing or damaged.
        """
        path = self.folder / entry.path
        if entry.index is None:
            return resample_motion(read_motion(path))
        if path not in self._corpora:
            self._corpora[path] = PreparedCorpus.load(path)
        return self._corpora[path].motion(entry.index)

    def retrieve(self, embedding: Float[Tensor, "..."], top_k: int = 5) -> list[RetrievedMotion]:
        """Find the motions closest to an embedding of the shared space, best first.

        Args:
            embedding: Of one text or motion: (D,) or (1, D).
            top_k: How many; fewer when the library is smaller.

        Raises:
            RequestError: ``top_k`` is not positive, or the embedding is not one of this space.
        """
        if top_k < 1:
            raise RequestError(f"top_k must be at least 1, got {top_k}")
        query = embedding.detach().reshape(-1).to(self.embeddings)
        if len(query) != self.embeddings.shape[1]:
            raise RequestError(
                f"expected one embedding of width {self.embeddings.shape[1]}, "
                f"got the shape {tuple(embedding.shape)}"
            )
        scores = self.embeddings @ torch.nn.functional.normalize(query, dim=0)
        best = scores.topk(min(top_k, len(self)))
        return [
            RetrievedMotion(entry=self.entries[index], score=score, library=self)
            for score, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]

    def save(self, folder: Path) -> None:
        """Write the library; motions stay where they are, those below ``folder`` travel with it."""
        entries = [
            replace(entry, path=_relative(self.folder / entry.path, folder))
            for entry in self.entries
        ]
        save_embeddings(folder, self.embeddings, self.fingerprint)
        with atomic_path(folder / ENTRIES_FILE) as path:
            lines = [json.dumps(asdict(entry), ensure_ascii=False) for entry in entries]
            path.write_text("".join(f"{line}\n" for line in lines), "utf-8")

    @classmethod
    def load(cls, folder: Path | str, model: AlignmentModel | None = None) -> Self:
        """Read what ``save`` wrote.

        Args:
            folder: The library.
            model: What queries will be embedded with; given, it must be what made the library.

        Raises:
            DataError: Files are missing or broken.
            WeightsError: The embeddings are of another alignment model.
        """
        folder = Path(folder)
        missing = [n for n in (ENTRIES_FILE, EMBEDDINGS_FILE) if not (folder / n).is_file()]
        if missing:
            raise DataError(f"expected a motion library in {folder}, {missing} not found")
        try:
            lines = (folder / ENTRIES_FILE).read_text("utf-8").splitlines()
            entries = [_entry(json.loads(line)) for line in lines]
            embeddings, fingerprint = load_embeddings(folder)
        except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
            raise DataError(f"the motion library in {folder} is damaged: {error}") from error
        if model is not None and fingerprint != model.fingerprint:
            raise WeightsError(
                f"the motion library in {folder} was embedded by the alignment model "
                f"{fingerprint}, this one is {model.fingerprint}; embed the library again"
            )
        return cls(entries, embeddings, fingerprint, folder)


def save_embeddings(folder: Path, embeddings: Float[Tensor, "M D"], fingerprint: str) -> None:
    """Write embeddings in half precision, with the fingerprint of the model that made them."""
    with atomic_path(folder / EMBEDDINGS_FILE) as path:
        tensors = {"embeddings": embeddings.half().contiguous()}
        save_file(tensors, path, metadata={"alignment": fingerprint})


def load_embeddings(folder: Path) -> tuple[Float[Tensor, "M D"], str]:
    """Read what ``save_embeddings`` wrote: the embeddings and their model's fingerprint.

    Raises:
        OSError: There is no such file.
        SafetensorError: It is damaged.
        KeyError: It does not name the model.
    """
    with safe_open(folder / EMBEDDINGS_FILE, framework="pt") as file:
        return file.get_tensor("embeddings").float(), (file.metadata() or {})["alignment"]


@torch.no_grad()
def embed_motions(
    motions: Sequence[Motion], model: AlignmentModel, parts: Collection[str] | None = None
) -> Float[Tensor, "M D"]:
    """Embed many motions at 30 fps, those of like length together; by some parts, if given."""
    order = sorted(range(len(motions)), key=lambda index: motions[index].num_frames)
    rows: dict[int, Tensor] = {}
    for start in range(0, len(order), _BATCH):
        chosen = order[start : start + _BATCH]
        found = model.embed_motion([motions[index] for index in chosen], parts)
        rows.update(zip(chosen, found, strict=True))
    return torch.stack([rows[index] for index in range(len(motions))])


def _relative(path: Path, folder: Path) -> str:
    path, folder = path.resolve(), folder.resolve()
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def _entry(row: dict[str, Any]) -> LibraryEntry:
    return LibraryEntry(**{**row, "captions": tuple(row["captions"])})
