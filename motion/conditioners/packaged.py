"""The table of packaged weights, and what ``motion weights list|fetch|verify`` needs."""

from dataclasses import dataclass
from pathlib import Path

from motion.conditioners.baking import PackagedWeights, check_folder, fetch_weights, is_baked
from motion.conditioners.beatnet import BEATNET
from motion.conditioners.blazepose import BLAZEPOSE
from motion.conditioners.e5 import MULTILINGUAL_E5_SMALL
from motion.conditioners.musicnn import MUSICNN
from motion.conditioners.silero import SILERO_VAD
from motion.conditioners.smollm2 import SMOLLM2_135M_INSTRUCT
from motion.conditioners.whisper_weights import WHISPER_BASE
from motion.errors import WeightsError

PACKAGED: tuple[PackagedWeights, ...] = (
    MULTILINGUAL_E5_SMALL,
    SMOLLM2_135M_INSTRUCT,
    WHISPER_BASE,
    SILERO_VAD,
    BEATNET,
    MUSICNN,
    BLAZEPOSE,
)
"""Every set of weights that can be had from a package."""


@dataclass(frozen=True, kw_only=True)
class WeightStatus:
    """One row of ``motion weights list``."""

    name: str
    description: str
    licence: str
    download_bytes: int
    folder: Path
    cached: bool


def find_packaged(name: str) -> PackagedWeights:
    """Look a name up in the table.

    Raises:
        WeightsError: There is no such name.
    """
    for weights in PACKAGED:
        if weights.name == name:
            return weights
    known = [weights.name for weights in PACKAGED]
    raise WeightsError(f"there are no packaged weights called {name!r}; known are {known}")


def list_weights() -> tuple[WeightStatus, ...]:
    """Describe every entry of the table and whether it is in the cache."""
    return tuple(
        WeightStatus(
            name=weights.name,
            description=weights.description,
            licence=weights.licence,
            download_bytes=weights.download_bytes,
            folder=weights.folder,
            cached=is_baked(weights.folder),
        )
        for weights in PACKAGED
    )


def fetch(name: str, *, progress: bool = True) -> Path:
    """Give the folder of packaged weights, downloading and baking them if need be."""
    return fetch_weights(find_packaged(name), progress=progress)


def verify(name: str) -> Path:
    """Hash every cached file of packaged weights against the manifest; give the folder.

    Raises:
        WeightsError: Not in the cache, or files are missing or changed.
    """
    folder = find_packaged(name).folder
    check_folder(folder)
    return folder
