"""Hand-made CC0 animation, already in SMPL-X rotations, most of it with fingers."""

from collections.abc import Iterator
from pathlib import Path

from motion.data.files import need_files, read_csv, read_json
from motion.data.packed import read_packed
from motion.data.records import CorpusReading, ReadClip, Rejection
from motion.data.source import SourceMotion
from motion.data.splitting import split_of
from motion.errors import DataError
from motion.geometry import matrix_to_axis_angle
from motion.representation import FPS, JOINT_NAMES, Motion, rest_positions

_COLUMNS = ("clip", "file", "name", "actions", "fingers", "root_motion", "looped")
_BODY = frozenset({"lower", "upper"})
_HANDS = frozenset({"left_hand", "right_hand"})


def read_cc0(source: Path) -> CorpusReading:
    """Open the corpus.

    Raises:
        DataError: Files are missing or broken.
    """
    need_files(source, ("clips.csv", "captions.json", "motions"), corpus="cc0")
    rows = read_csv(source / "clips.csv", _COLUMNS)
    captions = read_json(source / "captions.json")
    need_files(source, [row["file"] for row in rows], corpus="cc0")

    def clips() -> Iterator[ReadClip | Rejection]:
        for row in rows:
            motion = _smplx_motion(read_packed(source / row["file"]).motion)
            parts = _BODY | _HANDS if row["fingers"] == "1" else _BODY
            if row["clip"] not in captions:
                raise DataError(f"captions.json has no entry for the clip {row['clip']}")
            yield ReadClip(
                clip_id=row["clip"],
                split=split_of("cc0", row["clip"]),
                motion=Motion.from_full_pose(
                    motion.full_pose, motion.transl, parts=parts, source=row["clip"]
                ),
                labels={key: row[key] for key in ("name", "actions", "root_motion", "looped")},
                captions=captions[row["clip"]],
            )

    return CorpusReading(
        name="cc0",
        licence="CC0 1.0",
        attribution="Quaternius, Mesh2Motion, Kay Lousberg (KayKit)",
        total=len(rows),
        clips=clips,
    )


def _smplx_motion(source: SourceMotion) -> Motion:
    if source.skeleton != "smplx55" or source.joint_names != JOINT_NAMES:
        raise DataError(
            f"{source.name}: expected the 55 joints of SMPL-X, got '{source.skeleton}'"
            f" with {len(source.joint_names)} joints"
        )
    if source.fps != FPS:
        raise DataError(f"{source.name}: expected {FPS} fps, got {float(source.fps)}")
    pose = matrix_to_axis_angle(source.local_matrix).flatten(-2)
    return Motion.from_full_pose(pose, source.root - rest_positions()[0], source=source.name)
