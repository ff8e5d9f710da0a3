"""Build a ``tokenizers`` Unigram tokenizer from pieces, scores and a per-character map."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import Unigram
from tokenizers.processors import TemplateProcessing

MASK_PIECE = "<mask>"


@dataclass(frozen=True, kw_only=True)
class UnigramVocabulary:
    """A sentencepiece Unigram model as plain data."""

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    """Log probability of each piece."""
    character_map: Mapping[str, str]
    """One character -> what replaces it (a compatibility form, a space, or nothing)."""
    bos: int
    eos: int
    pad: int
    unk: int


def build_unigram_tokenizer(vocabulary: UnigramVocabulary) -> Tokenizer:
    """Build text -> ids: compose, map characters, squeeze spaces, metaspace, Unigram, bos/eos.

    Composition (NFC) comes first because the map has single characters only: sentencepiece's own
    map also composes, so decomposed text (file names of some systems) must not fall apart.
    """
    tokenizer = Tokenizer(
        Unigram(list(zip(vocabulary.pieces, vocabulary.scores, strict=True)), unk_id=vocabulary.unk)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.Precompiled(compile_character_map(vocabulary.character_map)),
            normalizers.Replace(Regex(" {2,}"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    bos, eos = vocabulary.pieces[vocabulary.bos], vocabulary.pieces[vocabulary.eos]
    tokenizer.post_processor = TemplateProcessing(
        single=f"{bos} $A {eos}",
        special_tokens=[(bos, vocabulary.bos), (eos, vocabulary.eos)],
    )
    special_ids = (vocabulary.bos, vocabulary.pad, vocabulary.eos, vocabulary.unk)
    special = {vocabulary.pieces[index] for index in special_ids}
    special |= {MASK_PIECE} & set(vocabulary.pieces)
    tokenizer.add_special_tokens([AddedToken(p, special=True) for p in sorted(special)])
    return tokenizer


def compile_character_map(character_map: Mapping[str, str]) -> bytes:
    """Write a map as sentencepiece's precompiled form: a double-array trie and its strings.

    Layout: u32 bytes of the trie, the trie's u32 units, then NUL-terminated UTF-8 replacements.
    A unit is ``label | has_leaf << 8 | offset << 10``; the child by byte ``c`` of a unit at ``p``
    stands at ``p ^ offset ^ c``; the child by byte 0 is the leaf, whose value (bit 31 set) is the
    place of the replacement. Source: darts-clone's unit layout, as read by
    google/sentencepiece ``src/normalizer.cc`` and huggingface/spm_precompiled ``src/lib.rs``.
    """
    blob = bytearray()
    values: dict[bytes, int] = {}
    for key, replacement in sorted(character_map.items()):
        if key == "\0":  # ends the strings of this form; tokenizers never pass it on
            continue
        values[key.encode("utf-8")] = len(blob)
        blob += replacement.encode("utf-8") + b"\0"
    units = _double_array(values)
    return len(units).to_bytes(4, "little") + units + bytes(blob)


def _double_array(values: Mapping[bytes, int]) -> bytes:
    """Place every node of the trie in u32 units.

    Each inner node owns a 256-unit block, in which a child's label equals its low byte; the leaf
    of a node without further children takes any free unit with a low byte above 0, where no label
    can fit. That wastes a little memory (about 0.3 MB for Unicode) and saves the search for gaps.
    """
    children: dict[bytes, set[int]] = {b"": set()}
    for key in values:
        for depth, byte in enumerate(key):
            children.setdefault(key[:depth], set()).add(byte)
    blocks = {prefix: 256 * (number + 1) for number, prefix in enumerate(sorted(children))}
    positions = {b"": 0}
    for prefix, block in blocks.items():
        positions |= {prefix + bytes([byte]): block + byte for byte in children[prefix]}
    taken = set(positions.values())
    free = (u for u in range(257, 256 * (len(blocks) + len(values) + 2)) if u % 256)
    units = np.zeros(256 * (len(blocks) + len(values) // 255 + 2), np.uint32)
    for prefix, position in positions.items():
        start = blocks.get(prefix)
        if start is None:
            start = next(unit for unit in free if unit not in taken)
        label = prefix[-1] if prefix else 0
        units[position] = label | int(prefix in values) << 8 | (position ^ start) << 10
        if prefix in values:
            units[start] = values[prefix] | 1 << 31
    return units.astype("<u4").tobytes()
