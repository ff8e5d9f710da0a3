"""Find and read body files in the SMPL-X npz layout.

Axis letters added: ``F`` triangles, ``C`` shape coefficients (betas), ``E`` expression
coefficients.
"""

import os
import zipfile
import zlib
from dataclasses import dataclass, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from numpy.lib import format as npy
from numpy.typing import NDArray
from torch import Tensor

from motion.errors import WeightsError
from motion.representation import NUM_JOINTS, PARENTS

GENDERS: tuple[str, ...] = ("neutral", "female", "male")
BODY_VARIABLE = "MOTION_SMPLX"
"""Environment variable with the path of a licensed SMPL-X npz file or of the folder of them."""

REQUIRED_KEYS: tuple[str, ...] = (
    "v_template",
    "f",
    "shapedirs",
    "posedirs",
    "J_regressor",
    "kintree_table",
    "weights",
    "hands_meanl",
    "hands_meanr",
)
PACKAGED_MARK = "phenotype_to_betas"
"""Array that only the packaged bodies have: their coefficients are not those of SMPL-X."""

SHAPE_COLUMNS = 300
"""Columns of ``shapedirs`` before the expression in a file of 400 (smplx 0.1.28, ``SMPLX``)."""
SHORT_SHAPE_COLUMNS = 10
"""The same in a file with fewer than 400 columns, which holds ten of each."""
PLAIN_COLOR = (178, 174, 170)
"""sRGB of a body file without vertex colours: a light clay grey."""


@dataclass(frozen=True, kw_only=True)
class BodyArrays:
    """The arrays of one body file, metres, y up, facing +z."""

    path: Path
    template: Float[Tensor, "V 3"]
    faces: Int[Tensor, "F 3"]
    shape_dirs: Float[Tensor, "V 3 C"]
    expression_dirs: Float[Tensor, "V 3 E"]
    pose_dirs: Float[Tensor, "V 3 P"] | None
    """Pose correctives, 9 columns a joint without the root; None when the file holds zeros."""
    joint_regressor: Float[Tensor, "J V"]
    weights: Float[Tensor, "V J"]
    hands_mean: Float[Tensor, " 90"]
    """Relaxed hands (left, then right): axis-angle, radians."""
    colors: UInt8[Tensor, "V 3"]
    """sRGB of every vertex."""
    expression_names: tuple[str, ...]
    is_packaged: bool
    """True: a body of this package, whose betas and expressions are not those of SMPL-X."""

    def to(self, device: torch.device | str) -> Self:
        """Copy all tensors to another device."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        moved: dict[str, Any] = {
            name: value.to(device) for name, value in values.items() if isinstance(value, Tensor)
        }
        return replace(self, **moved)


def find_body_file(source: Path | str | None = None, gender: str = "neutral") -> Path:
    """Say which file a request means.

    Args:
        source: A body file, a folder of SMPL-X files, a gender word for a packaged body, or None
            for what ``MOTION_SMPLX`` names and, without it, the packaged body of ``gender``.
        gender: Which file of a folder or of the package.

    Raises:
        WeightsError: There is no such file or gender.
    """
    if source in GENDERS:
        return _packaged_file(str(source))
    if gender not in GENDERS:
        raise WeightsError(f"unknown body gender '{gender}'; known are {', '.join(GENDERS)}")
    origin = "the body path"
    if source is None:
        source = os.environ.get(BODY_VARIABLE) or None
        origin = f"the environment variable {BODY_VARIABLE}"
    if source is None:
        return _packaged_file(gender)
    path = Path(source).expanduser()
    if path.is_file():
        return path
    name = f"SMPLX_{gender.upper()}.npz"
    candidates = [path / name, path / "smplx" / name, path / "models" / "smplx" / name]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise WeightsError(
        f"{origin} points to {path}, which is neither an SMPL-X npz file nor a folder with "
        f"{name} or smplx/{name}; give such a path, or one of the words {', '.join(GENDERS)} "
        "for a packaged body"
    )


def _packaged_file(gender: str) -> Path:
    return Path(str(resources.files("motion.body").joinpath(f"data/smplx_mh_{gender}.npz")))


def read_body(path: Path) -> BodyArrays:
    """Read a body file.

    Raises:
        WeightsError: It is not an npz file, is damaged, or lacks arrays of the SMPL-X layout.
    """
    try:
        with path.open("rb") as stream:
            file = np.load(stream, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise WeightsError(f"the body file {path} is a single array, no SMPL-X npz")
            missing = [key for key in REQUIRED_KEYS if key not in file.files]
            if missing:
                raise WeightsError(
                    f"the body file {path} lacks {', '.join(missing)}; "
                    "expected an SMPL-X model in npz form (SMPLX_NEUTRAL.npz)"
                )
            optional = ("vertex_colors", "expression_names")
            keys = [key for key in REQUIRED_KEYS if key != "posedirs"]
            arrays = {key: file[key] for key in (*keys, *optional) if key in file.files}
            is_packaged = PACKAGED_MARK in file.files
            if not _holds_only_zeros(path, "posedirs.npy"):
                arrays["posedirs"] = file["posedirs"]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise WeightsError(
            f"the body file {path} cannot be read ({error}); expected an SMPL-X model in npz form"
        ) from error
    _check(path, arrays)
    return _body_arrays(path, arrays, is_packaged)


def _holds_only_zeros(path: Path, member: str) -> bool:
    """Whether a float32 member is all zero, told from its stored checksum without inflating it.

    The correctives of the packaged bodies are 82 MB of zeros; reading them costs more time than
    everything else in the file.
    """
    with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(stream)
        header_size = stream.tell()
        info = archive.getinfo(member)
        data_size = info.file_size - header_size
        if dtype.hasobject or data_size != dtype.itemsize * int(np.prod(shape)):
            return False
        stream.seek(0)
        return zlib.crc32(bytes(data_size), zlib.crc32(stream.read(header_size))) == info.CRC


def _check(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    shapes = {key: array.shape for key, array in arrays.items()}
    num_vertices = shapes["v_template"][0] if shapes["v_template"] else 0
    expected: dict[str, tuple[int, ...]] = {
        "v_template": (num_vertices, 3),
        "shapedirs": (num_vertices, 3, *shapes["shapedirs"][2:3]),
        "posedirs": (num_vertices, 3, 9 * (NUM_JOINTS - 1)),
        "J_regressor": (NUM_JOINTS, num_vertices),
        "weights": (num_vertices, NUM_JOINTS),
        "kintree_table": (2, NUM_JOINTS),
        "hands_meanl": (45,),
        "hands_meanr": (45,),
    }
    for key, want in expected.items():
        if key in shapes and shapes[key] != want:
            raise WeightsError(
                f"the body file {path} has {key} of shape {shapes[key]} where {want} is expected; "
                f"it is no SMPL-X model ({NUM_JOINTS} joints)"
            )
    if tuple(arrays["kintree_table"][0][1:].astype(np.int64)) != PARENTS[1:]:
        raise WeightsError(f"the body file {path} has another joint tree than SMPL-X")


def _body_arrays(path: Path, arrays: dict[str, NDArray[Any]], is_packaged: bool) -> BodyArrays:
    def tensor(key: str) -> Tensor:
        return torch.from_numpy(arrays[key].astype(np.float32, copy=False))

    shapedirs = arrays["shapedirs"].astype(np.float32, copy=False)
    is_short = shapedirs.shape[2] < SHAPE_COLUMNS + 100
    split = SHORT_SHAPE_COLUMNS if is_short else SHAPE_COLUMNS
    expression = shapedirs[:, :, split:]
    if is_short:
        expression = expression[:, :, :SHORT_SHAPE_COLUMNS]
    expression_dirs = _without_zero_tail(expression)
    names = arrays.get("expression_names")
    if names is None:
        names = np.array([f"expression_{index}" for index in range(expression_dirs.shape[2])])
    colors = arrays.get("vertex_colors")
    if colors is None:
        colors = np.tile(np.array(PLAIN_COLOR, np.uint8), (len(shapedirs), 1))
    return BodyArrays(
        path=path,
        template=tensor("v_template"),
        faces=torch.from_numpy(arrays["f"].astype(np.int64)),
        shape_dirs=_without_zero_tail(shapedirs[:, :, :split]),
        expression_dirs=expression_dirs,
        pose_dirs=tensor("posedirs") if "posedirs" in arrays else None,
        joint_regressor=tensor("J_regressor"),
        weights=tensor("weights"),
        hands_mean=torch.cat([tensor("hands_meanl"), tensor("hands_meanr")]),
        colors=torch.from_numpy(colors.astype(np.uint8, copy=False)),
        expression_names=tuple(str(name) for name in names),
        is_packaged=is_packaged,
    )


def _without_zero_tail(directions: NDArray[Any]) -> Float[Tensor, "V 3 C"]:
    """Drop the zero columns at the end: files are padded to 300 + 100 columns."""
    used = np.flatnonzero(directions.any(axis=(0, 1)))
    width = int(used[-1]) + 1 if len(used) else 0
    return torch.from_numpy(np.ascontiguousarray(directions[:, :, :width]))
