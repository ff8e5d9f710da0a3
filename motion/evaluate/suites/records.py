"""What a suite of measurements is given, and what it gives back: figures, items, things to show.

A suite is a function ``(SuiteContext) -> SuiteReport``. It knows nothing of files or pages; the
reports of ``motion.evaluate.report`` know nothing of what is measured.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from motion.evaluate.paired import PairedResult
from motion.evaluate.protocol import Better, Figure
from motion.evaluate.suites.store import WorkStore
from motion.generate import MotionGenerator
from motion.representation import Motion

MODEL, TRUTH = "model", "ground truth"
"""Names of the systems that every suite has, where it has them."""
SuiteName = Literal["text", "music", "speech", "caption", "inbetween", "plan", "tokenizer"]


@dataclass(frozen=True, kw_only=True)
class SuiteContext:
    """What a suite works with."""

    generator: MotionGenerator
    """The checkpoint that is measured."""
    data: Path
    """Folder of prepared corpora."""
    store: WorkStore
    """Keeps what was made, so that a run that was stopped goes on."""
    command: str
    """What to type to get the figures again."""
    size: int | None = None
    """Clips or prompts; None: as many as the suite publishes with."""
    seed: int = 0
    progress: Callable[[str], None] = print
    """Told a line now and then."""


@dataclass(frozen=True, kw_only=True)
class SystemFigures:
    """Figures of one system: the model, the truth, a baseline."""

    name: str
    what: str
    """One line: what the system does."""
    figures: tuple[Figure, ...]
    group: str = ""
    """Under what condition (length of the gap, corpus); empty: there is only one."""


@dataclass(frozen=True, kw_only=True)
class ItemScores:
    """One metric of each item (clip, prompt and seed, question), so that runs compare by pairs."""

    metric: str
    """With the condition, where there are several; unique in a report of a suite."""
    better: Better
    prompts: tuple[str, ...]
    """Name of each item; several seeds of one prompt share it and stay together in tests."""
    systems: Mapping[str, tuple[float, ...]]
    real: float | None = None
    """Value of real data, where ``better`` is ``closer``."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The model against another system, item by item."""

    first: str
    second: str
    results: tuple[PairedResult, ...]
    group: str = ""
    """Under what condition; empty: there is only one."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A motion worth a look, with how it scored."""

    label: str
    """``best``, ``median``, ``worst``, or what else it is."""
    title: str
    """The prompt, or the clip."""
    score: str
    """Metric and value, as text."""
    motion: Motion
    truth: Motion | None = None
    sound: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Plot:
    """Numbers to draw."""

    kind: Literal["lines", "bars", "heat", "spans"]
    """``spans``: rows of stretches of time (contacts, beats)."""
    title: str
    x_label: str
    y_label: str
    rows: Mapping[str, tuple[float, ...]]
    """Lines: y by name, with ``x`` among them; bars: [value, low, high]; heat: one row a name;
    spans: start, end, start, end, ... in seconds."""
    columns: tuple[str, ...] = ()
    """Names of the columns of a heat map."""
    marks: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Moments to mark in a plot of lines, by what they are."""


@dataclass(frozen=True, kw_only=True)
class SuiteReport:
    """All that a suite found."""

    suite: SuiteName
    title: str
    about: str
    """What was done, in a few sentences: data, protocol, what the systems are."""
    systems: tuple[SystemFigures, ...]
    items: tuple[ItemScores, ...] = ()
    compared: tuple[Comparison, ...] = ()
    shown: tuple[Shown, ...] = ()
    plots: tuple[Plot, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know to read the figures rightly."""
    details: Mapping[str, object] = field(default_factory=dict)
    """More, as JSON can hold it."""
    cpu_seconds: float = 0.0
    """Of this run; what the store had is not in it."""
