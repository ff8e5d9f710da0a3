"""How far a film has been worked through, kept on disk after every clip.

``NAME.progress.json`` is written whole after the motion of a clip lies there, so a kill at any
moment loses the clip at hand at most. It goes when ``NAME.json`` is complete.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from motion.conditioners.download import sha256_of
from motion.errors import FormatError
from motion.formats import atomic_path
from motion.generate.curation.annotation import (
    Action,
    LeftOut,
    actions_from_json,
    left_out_from_json,
)

FORMAT = 1

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class CurationState:
    """What is done of a film."""

    actions: tuple[Action, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    resume_seconds: float = 0.0
    """All pictures before are done with."""


class StateFile:
    """The progress of one film on disk."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        """Say what is being worked on.

        Args:
            path: The JSON file.
            fingerprint: Of the film and of all that decides the result.
        """
        self.path, self.fingerprint = path, fingerprint

    def load(self) -> CurationState:
        """Where an earlier run stopped; the beginning if it worked on something else.

        Raises:
            FormatError: The file is damaged.
        """
        if not self.path.exists():
            return CurationState()
        try:
            values = json.loads(self.path.read_text("utf-8"))
            if values["format"] != FORMAT or values["fingerprint"] != self.fingerprint:
                log.info("%s is of another film, model or setting: it starts anew", self.path)
                return CurationState()
            return CurationState(
                actions=actions_from_json(values["actions"]),
                left_out=left_out_from_json(values["left_out"]),
                resume_seconds=float(values["resume_seconds"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise FormatError(
                f"{self.path} is no progress that can be read ({error}); delete it to start anew"
            ) from error

    def save(self, state: CurationState) -> None:
        """Write it whole.

        Raises:
            OutputError: The file cannot be written.
        """
        values = {"format": FORMAT, "fingerprint": self.fingerprint, **asdict(state)}
        with atomic_path(self.path) as target:
            target.write_text(json.dumps(values, indent=1, ensure_ascii=False), "utf-8")

    def delete(self) -> None:
        """Nothing is left to be done."""
        self.path.unlink(missing_ok=True)


def fingerprint_of(video: Path, settings: Mapping[str, Any]) -> str:
    """Name a film together with all that decides what comes of it.

    Args:
        video: The film; its contents count, its name and place do not.
        settings: Values of JSON.
    """
    text = json.dumps([sha256_of(video), settings], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:24]
