"""Where weights come from: a folder of the user's, a hub id, or the packaged weights."""

import re
from dataclasses import dataclass
from pathlib import Path

from motion.conditioners.baking import PackagedWeights, fetch_weights
from motion.conditioners.packaged import PACKAGED
from motion.errors import WeightsError
from motion.optional import require

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]
"""What is taken from a hub: no pickles, no code."""


@dataclass(frozen=True, kw_only=True)
class WeightSource:
    """One way to a folder with weights."""

    default: PackagedWeights
    """Used when the user names nothing."""
    progress: bool = True
    """Whether downloads show a bar."""

    def resolve(self, source: str | Path | None = None) -> Path:
        """Give the folder.

        Args:
            source: A folder, the name of packaged weights, a hub id ``owner/name``, or None.

        Raises:
            WeightsError: None of these leads to weights.
        """
        if source is None:
            return fetch_weights(self.default, progress=self.progress)
        folder = Path(source).expanduser()
        if folder.is_dir():
            return folder
        for weights in PACKAGED:
            if weights.name == str(source):
                return fetch_weights(weights, progress=self.progress)
        if isinstance(source, str) and _HUB_ID.fullmatch(source):
            return _from_hub(source)
        names = [weights.name for weights in PACKAGED]
        raise WeightsError(
            f"{str(source)!r} is neither a folder, nor a hub id like 'owner/name', "
            f"nor one of the packaged weights {names}"
        )


def _from_hub(hub_id: str) -> Path:
    hub = require("huggingface_hub")
    errors = require("huggingface_hub.errors")
    try:
        return Path(hub.snapshot_download(hub_id, allow_patterns=_HUB_FILES))
    except (OSError, ValueError, errors.HfHubHTTPError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise WeightsError(
            f"cannot get the weights {hub_id!r} from the hub ({reason}); check the id and the "
            "network, or give a folder that holds them"
        ) from error
