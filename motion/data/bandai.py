"""Bandai Namco Research Motion Dataset 1 and 2, packed: 30 fps, 24 contents in 19 styles."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from motion.data.files import need_files, read_csv, read_json
from motion.data.packed import read_packed
from motion.data.records import CorpusReading, ReadClip, Rejection
from motion.data.retargeting import retarget
from motion.data.splitting import split_of
from motion.errors import DataError

_COLUMNS = ("clip", "dataset", "content", "style", "frames", "file", "split")


def read_bandai(source: Path) -> CorpusReading:
    """Open the corpus.

    Raises:
        DataError: Files are missing or broken.
    """
    need_files(source, ("clips.csv", "captions.json", "motions"), corpus="bandai")
    rows = read_csv(source / "clips.csv", _COLUMNS)
    captions = read_json(source / "captions.json")
    by_file: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        by_file[row["file"]].append(row)
    need_files(source, by_file, corpus="bandai")

    def clips() -> Iterator[ReadClip | Rejection]:
        for file, members in by_file.items():
            yield from _read_file(source / file, members, captions)

    return CorpusReading(
        name="bandai",
        licence="CC BY-NC 4.0",
        attribution="(c) 2022 Bandai Namco Research Inc., Bandai-Namco-Research-Motiondataset",
        total=len(rows),
        clips=clips,
    )


def _read_file(
    path: Path, rows: list[dict[str, str]], captions: dict[str, list[str]]
) -> Iterator[ReadClip | Rejection]:
    packed = read_packed(path)
    spans = packed.spans()
    for row in rows:
        name = row["clip"]
        if name not in spans:
            yield Rejection(name, f"not in {path.name}")
            continue
        key = f"{row['content']}|{row['style']}"
        if key not in captions:
            raise DataError(f"captions.json beside clips.csv has no entry '{key}' (clip {name})")
        yield ReadClip(
            clip_id=name,
            split=split_of("bandai", name),
            motion=retarget(packed.motion.frames(*spans[name])),
            labels={key: row[key] for key in ("content", "style", "dataset")},
            captions=captions[key],
        )
