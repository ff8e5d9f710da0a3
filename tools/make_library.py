"""Pack some clips of a prepared corpus, with their embeddings, into a motion library that travels.

    python tools/make_library.py --corpus /data/prepared/cc0 --clips configs/alignment/library.txt
        --alignment runs/release/alignment --out checkpoints/default/library

The folder is a prepared corpus of its own, rotations in half precision (steps of at most 0.002
radians, about 0.1 degrees), with the library's index beside it.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from motion.alignment import AlignmentModel, MotionLibrary
from motion.data import ClipRecord, PreparedCorpus
from motion.data.corpus import BODY_WIDTH, write_corpus_files
from motion.errors import DataError
from motion.formats import atomic_path

README = """# Motion library

{count} short clips of the corpus "{name}" ({licence}; {attribution}), so that
`generator.retrieve(text, top_k)` has something to find. Made by `tools/make_library.py`.

- `motions.safetensors`, `clips.jsonl`, `corpus.json`: a prepared corpus, rotations in fp16.
- `library.jsonl`, `embeddings.safetensors`: the index; its embeddings are of the alignment model
  {fingerprint} beside this folder and must be made again with another one.
"""


def pack_clips(corpus: PreparedCorpus, clip_ids: list[str], folder: Path) -> PreparedCorpus:
    """Write some clips of a corpus as a small corpus."""
    places = {record.clip_id: index for index, record in enumerate(corpus.clips)}
    missing = [clip_id for clip_id in clip_ids if clip_id not in places]
    if missing:
        raise DataError(f"{corpus.folder} has no clips {missing}")
    records: list[ClipRecord] = []
    motions, start = [], 0
    for clip_id in clip_ids:
        motion = corpus.motion(places[clip_id])
        records.append(replace(corpus.clips[places[clip_id]], start=start))
        motions.append(motion)
        start += motion.num_frames
    poses = torch.cat([motion.full_pose for motion in motions]).half()
    frames = {
        "body": poses[:, :BODY_WIDTH],
        "extra": poses[:, BODY_WIDTH:],
        "transl": torch.cat([motion.transl for motion in motions]),
    }
    info = {**corpus.info, "num_clips": len(records), "num_frames": start}
    info["clips_by_split"] = {
        split: sum(record.split == split for record in records) for split in info["clips_by_split"]
    }
    write_corpus_files(folder, frames, records, info)
    return PreparedCorpus.load(folder)


def main() -> None:
    """Pack, embed, describe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--clips", type=Path, required=True, help="clip ids, one a line")
    parser.add_argument("--alignment", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    model = AlignmentModel.load(options.alignment)
    packed = pack_clips(
        PreparedCorpus.load(options.corpus), options.clips.read_text("utf-8").split(), options.out
    )
    MotionLibrary.from_corpora([packed], model).save(options.out)
    with atomic_path(options.out / "README.md") as path:
        text = README.format(count=len(packed), fingerprint=model.fingerprint, **_said(packed.info))
        path.write_text(text, "utf-8")
    size = sum(path.stat().st_size for path in options.out.iterdir())
    print(f"{len(packed)} clips, {size / 1e6:.2f} MB in {options.out}")


def _said(info: dict[str, object]) -> dict[str, object]:
    return {name: info[name] for name in ("name", "licence", "attribution")}


if __name__ == "__main__":
    main()
