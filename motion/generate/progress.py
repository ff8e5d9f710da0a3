"""How far a composition has come, kept on disk after every segment so that a killed run goes on.

``NAME.json`` says what is done; the motion lies beside it in ``NAME.pieces/`` as npz files. Each
file is written whole before the JSON names it, so a kill at any moment leaves a state that fits.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import torch

from motion.errors import FormatError, RequestError, reason_of
from motion.formats import atomic_path, read_npz, write_npz
from motion.generate.stretches import Kind, Stretch
from motion.generate.task_loop import PlannedTask
from motion.representation import FPS, FULL_POSE_WIDTHS, Motion, join_motions

FORMAT = 1
"""Of the state file."""
LONGEST_SAID = 60
"""Characters of a value that messages give."""
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A finished stretch of a composition."""

    index: int
    kind: Kind
    text: str
    """What it was asked to show; empty where music alone drove it."""
    task: str
    """The task that it is a step of; empty outside of plans."""
    start_frame: int
    num_frames: int
    """The transition at its beginning included."""
    transition_frames: int
    """Frames at its beginning in which what came before turns into it."""
    goes_on: bool
    """It is a further piece of the same prompt."""
    seed: int
    caption: str | None = None
    """What the model says that it shows; None: not asked."""

    @property
    def stop_frame(self) -> int:
        """Frame after its last one."""
        return self.start_frame + self.num_frames

    @property
    def seconds(self) -> tuple[float, float]:
        """When it starts and ends."""
        return self.start_frame / FPS, self.stop_frame / FPS


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What is done, and what is known of the rest."""

    segments: tuple[Segment, ...] = ()
    tasks: tuple[PlannedTask, ...] = ()
    """Planned so far."""
    queue: tuple[Stretch, ...] = ()
    """What comes next."""
    started: bool = False
    """The queue has been filled for the first time."""
    laid: tuple[int, ...] = ()
    """Overlays that are done."""
    emitted_frames: int = 0
    """Frames that nothing changes any more."""
    warnings: tuple[str, ...] = ()
    finished: bool = False

    @property
    def done_frames(self) -> int:
        """Frames of all segments."""
        return self.segments[-1].stop_frame if self.segments else 0


@dataclass(frozen=True, kw_only=True)
class Carried:
    """Motion that the next segment needs."""

    tail: Motion
    """The last frames of the whole body's movement, before overlays."""
    waiting: Motion
    """Frames that an overlay may still change."""


def no_motion(like: Motion | None = None) -> Motion:
    """A motion without frames."""
    if like is not None:
        return like.frames(0, 0)
    width = sum(FULL_POSE_WIDTHS.values())
    return Motion.from_full_pose(torch.zeros(0, width), torch.zeros(0, 3))


def joined(pieces: Sequence[Motion]) -> Motion:
    """Motions one after the other; pieces without frames may be among them."""
    full = [piece for piece in pieces if piece.num_frames]
    return join_motions(full) if full else no_motion(next(iter(pieces), None))


class ProgressFile:
    """The state of one composition on disk."""

    def __init__(self, path: Path, request: Mapping[str, Any], fingerprint: str) -> None:
        """Say what is being composed.

        Args:
            path: The JSON file.
            request: What was asked for, in values of JSON; for people, and for messages.
            fingerprint: Of all that decides the result.

        Raises:
            RequestError: The name does not end in .json.
        """
        if path.suffix.lower() != ".json":
            raise RequestError(f"the state is kept in a .json file, got {path}")
        self.path, self.request, self.fingerprint = path, dict(request), fingerprint
        self.folder = path.with_suffix(".pieces")
        self._pieces: list[str | None] = []

    def load(self) -> tuple[Progress, Carried | None] | None:
        """Read where an earlier run stopped; None where there was none.

        Raises:
            FormatError: The files are damaged or incomplete.
            RequestError: They belong to another composition.
        """
        if not self.path.exists():
            return None
        try:
            values = json.loads(self.path.read_text("utf-8"))
            self._check_same(values)
            progress = _progress(values["progress"])
            self._pieces = [None if n is None else str(n) for n in values["pieces"]]
            carried = values["carried"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, RequestError):
                raise
            raise FormatError(
                f"{self.path} is no state of a composition that can be read ({reason_of(error)}); "
                "delete it to start anew"
            ) from error
        if len(self._pieces) != len(progress.segments):
            raise FormatError(f"{self.path} does not fit its pieces; delete it to start anew")
        if carried is None:
            return progress, None
        tail, waiting = (self._read(carried[name]) for name in ("tail", "waiting"))
        return progress, Carried(tail=tail, waiting=waiting)

    def _check_same(self, values: Mapping[str, Any]) -> None:
        if values["format"] != FORMAT:
            raise ValueError(f"its format is {values['format']}, this version reads {FORMAT}")
        if values["fingerprint"] == self.fingerprint:
            return
        theirs = values["request"]
        changed = [name for name in self.request if self.request[name] != theirs.get(name)]
        what = "it was made with other weights"
        if changed:
            old, new = (_said(values.get(changed[0])) for values in (theirs, self.request))
            what = f"its {changed[0]} was {old}, now it is {new}"
        raise RequestError(
            f"{self.path} belongs to another composition: {what}; name another state file, or "
            "delete this one to start anew"
        )

    def pieces(self) -> Iterator[Motion]:
        """Read the finished frames of every segment, one after the other."""
        for name in self._pieces:
            yield self._read(name)

    def commit(self, progress: Progress, piece: Motion, carried: Carried) -> None:
        """Write what a segment has added; afterwards a kill loses nothing of it.

        Raises:
            OutputError: A file cannot be written.
        """
        number = len(self._pieces)
        self._pieces.append(self._write(piece, f"piece-{number:06d}.npz"))
        names = {
            "tail": self._write(carried.tail, f"tail-{number:06d}.npz"),
            "waiting": self._write(carried.waiting, f"waiting-{number:06d}.npz"),
        }
        values = {
            "format": FORMAT,
            "fingerprint": self.fingerprint,
            "request": self.request,
            "progress": asdict(progress),
            "pieces": self._pieces,
            "carried": names,
        }
        with atomic_path(self.path) as target:
            target.write_text(json.dumps(values, indent=1, ensure_ascii=False), "utf-8")
        for stale in (*self.folder.glob("tail-*.npz"), *self.folder.glob("waiting-*.npz")):
            if stale.name not in names.values():
                stale.unlink(missing_ok=True)

    def _write(self, motion: Motion, name: str) -> str | None:
        if not motion.num_frames:
            return None
        write_npz(motion, self.folder / name)
        return name

    def _read(self, name: str | None) -> Motion:
        if name is None:
            return no_motion()
        path = self.folder / name
        if not path.is_file():
            raise FormatError(
                f"{self.path} needs {path}, which is gone; delete the state to start anew"
            )
        return read_npz(path)


def _progress(values: Mapping[str, Any]) -> Progress:
    known = {field.name for field in fields(Progress)}
    if set(values) != known:
        raise ValueError(f"its progress has {sorted(values)}")
    made = {
        "segments": tuple(Segment(**row) for row in values["segments"]),
        "tasks": tuple(_tupled(PlannedTask, row) for row in values["tasks"]),
        "queue": tuple(Stretch(**row) for row in values["queue"]),
        "laid": tuple(values["laid"]),
        "warnings": tuple(values["warnings"]),
    }
    return Progress(**{**values, **made})


def _tupled(kind: type[R], row: Mapping[str, Any]) -> R:
    """A record whose lists were tuples."""
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in row.items()})


def _said(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SAID else f"{text[:LONGEST_SAID]}..."
