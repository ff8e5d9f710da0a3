"""Keep text features on disk, so that training never runs the text encoder.

A folder holds one sub-folder per encoder (by its fingerprint) with shards: safetensors files of
``states`` (tokens of all texts one after the other, fp16), ``offsets`` (texts + 1), ``pooled``
and ``digests`` (SHA-256 of each text). Shards are written whole, named by their contents, and
never changed, so an interrupted or repeated run only adds what is missing. Axis letter added here:
``M`` texts in a shard.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from jaxtyping import Bool, Float, Int, UInt8
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from tqdm import tqdm

from motion.conditioners.condition import Condition
from motion.conditioners.text import TextEncoder
from motion.errors import WeightsError
from motion.formats import atomic_path

_SHARD_TEXTS = 2048
"""Texts per shard: about 25 MB, and at most that much work is lost when a run is stopped."""
_BATCH_TEXTS = 32
_KEYS = ("states", "offsets", "pooled", "digests")


@dataclass(frozen=True, kw_only=True)
class _Shard:
    """One file; tensors stay mapped until rows are taken."""

    states: Float[Tensor, "L D"]
    offsets: Int[Tensor, " M1"]
    pooled: Float[Tensor, "M D"]
    digests: UInt8[Tensor, "M 32"]

    @classmethod
    def read(cls, path: Path) -> Self:
        try:
            with safe_open(path, framework="pt") as file:
                return cls(**{key: file.get_tensor(key) for key in _KEYS})
        except (OSError, SafetensorError) as error:
            raise WeightsError(
                f"the feature cache file {path} is damaged ({error}); delete it and run again"
            ) from error


@dataclass(frozen=True, kw_only=True)
class TextFeatureTable:
    """Cached features of a list of texts, by position in that list."""

    shards: tuple[_Shard, ...]
    places: Int[Tensor, "N 2"]
    """Of each text: its shard and its row there."""

    def __len__(self) -> int:
        """Count of texts."""
        return len(self.places)

    @property
    def dim(self) -> int:
        """Width of the features."""
        return self.shards[0].pooled.shape[1]

    def gather(self, indices: Sequence[int] | Int[Tensor, " B"]) -> Condition:
        """Give the features of some texts as fp32, padded to the longest of them."""
        picked = [self.places[int(index)].tolist() for index in indices]
        rows = [self._states(shard, row) for shard, row in picked]
        lengths = torch.tensor([len(row) for row in rows])
        embedding = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).float()
        mask: Bool[Tensor, "B L"] = torch.arange(embedding.shape[1])[None] < lengths[:, None]
        pooled = torch.stack([self.shards[shard].pooled[row] for shard, row in picked]).float()
        return Condition(embedding=embedding, mask=mask, pooled=pooled, rate=None, modality="text")

    def pooled(self) -> Float[Tensor, "N D"]:
        """Give the pooled vectors of all texts as fp32."""
        rows = [self.shards[shard].pooled[row] for shard, row in self.places.tolist()]
        return torch.stack(rows).float()

    def _states(self, shard: int, row: int) -> Float[Tensor, "L D"]:
        start, end = self.shards[shard].offsets[row : row + 2].tolist()
        return self.shards[shard].states[start:end]


def cache_text_features(
    texts: Sequence[str], encoder: TextEncoder, folder: Path, *, progress: bool = True
) -> TextFeatureTable:
    """Encode the texts that the folder lacks and give the features of all of them.

    Args:
        texts: Texts in any order; equal ones are encoded once.
        encoder: Decides, together with a text, the features.
        folder: Where caches lie; it may hold those of other encoders and other texts.
        progress: Whether to show a bar.

    Raises:
        RequestError: A text is empty.
        WeightsError: A cache file is damaged.
    """
    home = Path(folder) / encoder.fingerprint
    known = _known_digests(home)
    missing = {_digest(text): text for text in texts if _digest(text) not in known}
    by_length = sorted(missing.values(), key=len)  # equal lengths share a batch: little padding
    bar: tqdm[Any]
    quiet = not (progress and by_length)
    with tqdm(total=len(by_length), desc="text features", disable=quiet) as bar:
        for start in range(0, len(by_length), _SHARD_TEXTS):
            _write_shard(by_length[start : start + _SHARD_TEXTS], encoder, home, bar)
    return open_text_features(texts, encoder, folder)


def open_text_features(
    texts: Sequence[str], encoder: TextEncoder, folder: Path
) -> TextFeatureTable:
    """Give cached features without encoding anything.

    Raises:
        WeightsError: Some texts are not in the cache.
    """
    home = Path(folder) / encoder.fingerprint
    shards = tuple(_Shard.read(path) for path in _shard_files(home))
    places = {
        digest: (number, row)
        for number, shard in enumerate(shards)
        for row, digest in enumerate(_rows_as_bytes(shard.digests))
    }
    digests = [_digest(text) for text in texts]
    missing = [text for text, digest in zip(texts, digests, strict=True) if digest not in places]
    if missing:
        raise WeightsError(
            f"{len(missing)} of {len(texts)} texts are not in the feature cache {home}, "
            f"the first is {missing[0]!r}; encode them first"
        )
    found = [places[digest] for digest in digests]
    return TextFeatureTable(
        shards=shards, places=torch.tensor(found, dtype=torch.int64).reshape(-1, 2)
    )


def _write_shard(texts: Sequence[str], encoder: TextEncoder, home: Path, bar: "tqdm[Any]") -> None:
    states, pooled = [], []
    for start in range(0, len(texts), _BATCH_TEXTS):
        condition = encoder.encode(texts[start : start + _BATCH_TEXTS])
        states += [
            row[real].half().cpu()
            for row, real in zip(condition.embedding, condition.mask, strict=True)
        ]
        pooled.append(condition.pooled.half().cpu())
        bar.update(condition.batch_size)
    lengths = torch.tensor([0, *(len(row) for row in states)])
    digests = b"".join(_digest(text) for text in texts)
    tensors = {
        "states": torch.cat(states),
        "offsets": lengths.cumsum(0),
        "pooled": torch.cat(pooled),
        "digests": torch.frombuffer(bytearray(digests), dtype=torch.uint8).reshape(-1, 32),
    }
    with atomic_path(home / f"{hashlib.sha256(digests).hexdigest()[:16]}.safetensors") as path:
        save_file(tensors, path)


def _shard_files(home: Path) -> list[Path]:
    """List complete shards; a dot starts the name of one that is being written."""
    return sorted(p for p in home.glob("*.safetensors") if not p.name.startswith("."))


def _known_digests(home: Path) -> set[bytes]:
    shards = (_Shard.read(path) for path in _shard_files(home))
    return {digest for shard in shards for digest in _rows_as_bytes(shard.digests)}


def _rows_as_bytes(digests: UInt8[Tensor, "M 32"]) -> Iterable[bytes]:
    return (row.tobytes() for row in digests.numpy())


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8")).digest()
