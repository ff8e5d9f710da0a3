"""``WorkStore``: results of long measurements by key, so that a stopped run goes on.

A key names everything that decides a result: checkpoint, suite, system, prompt, seed. Results are
files, written whole or not at all: ``.json`` and motions as ``.npz``.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from motion.errors import DataError, FormatError
from motion.formats import atomic_path, read_npz, write_npz
from motion.representation import Motion

_HASH_LENGTH = 24
Key = Mapping[str, object]


class WorkStore:
    """A folder of results; None keeps nothing."""

    def __init__(self, folder: Path | None, **same: object) -> None:
        """Open a store.

        Args:
            folder: Where results are kept.
            same: Belongs to every key: hash of the checkpoint, version of the protocol.
        """
        self.folder, self.same = folder, dict(same)

    def within(self, **more: object) -> "WorkStore":
        """The same folder, with more in every key."""
        return WorkStore(self.folder, **{**self.same, **more})

    def values(self, key: Key, make: Callable[[], Any]) -> Any:
        """What JSON can hold: read, or made and written.

        Raises:
            DataError: What is kept is damaged.
        """
        path = self._path(key, ".json")
        if path is None:
            return make()
        if not path.is_file():
            made = make()
            with atomic_path(path) as target:
                text = json.dumps({"key": self._full(key), "value": made}, ensure_ascii=False)
                target.write_text(text, "utf-8")
        try:
            return json.loads(path.read_text("utf-8"))["value"]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} is damaged ({error}); delete it and run again") from error

    def motion(self, key: Key, make: Callable[[], Motion]) -> Motion:
        """A motion: read, or made and written.

        Raises:
            DataError: What is kept is damaged.
        """
        path = self._path(key, ".npz")
        if path is None:
            return make()
        if not path.is_file():
            write_npz(make(), path)
        try:
            return read_npz(path)
        except FormatError as error:
            raise DataError(f"{error}; delete it and run again") from error

    def _full(self, key: Key) -> dict[str, object]:
        return {**self.same, **key}

    def _path(self, key: Key, suffix: str) -> Path | None:
        if self.folder is None:
            return None
        text = json.dumps(self._full(key), sort_keys=True, ensure_ascii=False)
        name = hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / f"{name}{suffix}"
