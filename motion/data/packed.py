"""Read packed skeleton motion: npz files of int16 rotation vectors, one or many clips each.

Keys: ``fps``, ``skeleton``, ``joint_names`` (J,), ``parents`` (J,) with -1 for the root,
``offsets`` (J, 3) metres, ``root`` (T, 3) metres, ``rot`` (T, J, 3) int16 with radians =
rot * pi / 8192; files of many clips also have ``clips`` (C,) names and ``lengths`` (C,) frames.
Axis: C clips.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from motion.data.source import SourceMotion
from motion.errors import DataError
from motion.geometry import axis_angle_to_matrix
from motion.geometry.resample import exact_fps

RADIANS_PER_STEP = np.pi / 8192
_KEYS = ("fps", "skeleton", "joint_names", "parents", "offsets", "root", "rot")


@dataclass(frozen=True, kw_only=True)
class PackedFile:
    """One packed file: all frames as one motion, and which of them belong to which clip."""

    motion: SourceMotion
    clip_names: tuple[str, ...]
    clip_lengths: tuple[int, ...]

    def spans(self) -> dict[str, tuple[int, int]]:
        """Frames (half-open) of each clip."""
        ends = np.cumsum(self.clip_lengths).tolist()
        starts = [0, *ends[:-1]]
        return dict(zip(self.clip_names, zip(starts, ends, strict=True), strict=True))


def read_packed(path: Path) -> PackedFile:
    """Read one packed file.

    Raises:
        DataError: The file is missing, damaged, or its arrays do not fit together.
    """
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"cannot read {path} as a packed npz motion: {error}") from error
    missing = [key for key in _KEYS if key not in arrays]
    if missing:
        raise DataError(f"{path}: a packed motion needs {list(_KEYS)}; missing: {missing}")
    _check_shapes(path, arrays)
    num_frames = len(arrays["root"])
    names = tuple(str(name) for name in arrays.get("clips", np.array([path.stem])))
    lengths = tuple(int(n) for n in arrays.get("lengths", np.array([num_frames])))
    if len(names) != len(lengths) or sum(lengths) != num_frames:
        raise DataError(
            f"{path}: {len(names)} clips of {sum(lengths)} frames in all, "
            f"but the file holds {num_frames} frames"
        )
    rotvec = torch.from_numpy((arrays["rot"] * RADIANS_PER_STEP).astype(np.float32))
    motion = SourceMotion(
        name=path.stem,
        skeleton=str(arrays["skeleton"]),
        joint_names=tuple(str(name) for name in arrays["joint_names"]),
        parents=tuple(int(parent) for parent in arrays["parents"]),
        offsets=torch.from_numpy(arrays["offsets"].astype(np.float32)),
        root=torch.from_numpy(arrays["root"].astype(np.float32)),
        local_matrix=axis_angle_to_matrix(rotvec),
        fps=exact_fps(float(arrays["fps"])),
    )
    return PackedFile(motion=motion, clip_names=names, clip_lengths=lengths)


def _check_shapes(path: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
    joints, frames = len(arrays["joint_names"]), len(arrays["root"])
    expected = {
        "parents": (joints,),
        "offsets": (joints, 3),
        "root": (frames, 3),
        "rot": (frames, joints, 3),
    }
    wrong = {k: arrays[k].shape for k, shape in expected.items() if arrays[k].shape != shape}
    if wrong:
        wanted = {key: expected[key] for key in wrong}
        raise DataError(f"{path}: shapes {wrong} do not fit, expected {wanted}")
    parents = arrays["parents"].tolist()
    if parents[:1] != [-1] or any(not 0 <= p < j for j, p in enumerate(parents) if j):
        raise DataError(f"{path}: parents must start with -1 and come before their children")
    if not np.isfinite(arrays["root"]).all() or float(arrays["fps"]) <= 0:
        raise DataError(f"{path}: root positions must be finite and fps positive")
