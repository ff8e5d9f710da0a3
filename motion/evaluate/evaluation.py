"""``motion evaluate``: suites of measurements on one checkpoint, as a report in a folder.

What is made on the way is kept in the folder's ``work``, so that a run that was stopped goes on and
a second run makes nothing anew.
"""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import motion
from motion.data.corpus import CLIPS_FILE, CORPUS_FILE
from motion.data.sound_library import LIBRARY_FILE, SOUNDS_FILE
from motion.errors import DataError, RequestError, WeightsError
from motion.evaluate.benchmark import package_versions, weight_hashes
from motion.evaluate.benchmark_tokenizer import open_corpora
from motion.evaluate.one_thread import one_thread
from motion.evaluate.protocol import file_hash
from motion.evaluate.report.curves import read_curves
from motion.evaluate.report.record import EvaluationReport
from motion.evaluate.report.writing import publish, write_report
from motion.evaluate.self_checks import run_self_checks
from motion.evaluate.suites.records import SuiteContext, SuiteName, SuiteReport
from motion.evaluate.suites.store import WorkStore
from motion.generate import MotionGenerator

SUITES: tuple[SuiteName, ...] = get_args(SuiteName)
WORK_FOLDER = "work"
WORK_VERSION = 2
"""Raised when suites keep something else, so that old work is not taken for new."""
CURVES_FILE = "metrics.csv"
_WEIGHT_FILES = ("*.safetensors", "*.yaml", "*.json", "*.jsonl")
_DATA_FILES = (CORPUS_FILE, CLIPS_FILE, LIBRARY_FILE, SOUNDS_FILE, "test.jsonl")


@dataclass(frozen=True, kw_only=True)
class EvaluationPlan:
    """What is to be measured."""

    data: Path
    """Folder of prepared corpora."""
    out: Path
    """Folder of the report."""
    suites: tuple[SuiteName, ...] = SUITES
    """In this order."""
    checkpoint: Path | None = None
    """None: the default weights."""
    size: int | None = None
    """Clips, prompts or questions of a suite; None: as many as it publishes with."""
    seed: int = 0
    curves: Path | None = None
    """Training curves, CSV; None: those that lie with the checkpoint."""
    publish: Path | None = None
    """JSON file for the figures without items; its other suites of the same weights stay."""

    def __post_init__(self) -> None:
        """Check what can be checked at once."""
        unknown = [name for name in self.suites if name not in SUITES]
        if unknown or not self.suites:
            raise RequestError(f"unknown suite {unknown}; known are {', '.join(SUITES)}")
        if self.size is not None and self.size < 1:
            raise RequestError(f"--size is {self.size}, expected at least 1")
        if not self.data.is_dir():
            raise DataError(
                f"there is no folder {self.data}; --data is a folder of prepared corpora, as "
                "'motion prepare' writes them"
            )

    @property
    def command(self) -> str:
        """What gives the report again, on a machine with data of its own."""
        suite = "all" if self.suites == SUITES else ",".join(self.suites)
        words = ["motion", "evaluate", "--data", "PREPARED", "--suite", suite, "--out", "OUT"]
        words += [] if self.checkpoint is None else ["--checkpoint", str(self.checkpoint)]
        words += [] if self.size is None else ["--size", str(self.size)]
        words += [] if self.seed == 0 else ["--seed", str(self.seed)]
        return shlex.join(words)

    @property
    def lenient(self) -> bool:
        """Whether suites without data are left out, and said to be: where all were asked for."""
        return self.suites == SUITES


def run(plan: EvaluationPlan, *, progress: Callable[[str], None] = print) -> EvaluationReport:
    """Measure, and write the report.

    Args:
        plan: What is to be measured.
        progress: Told a line now and then.

    Raises:
        WeightsError: The checkpoint, or what a suite needs beside it, cannot be loaded.
        DataError: The data lack what a suite needs, or a metric breaks one of its identities here.
    """
    checks = run_self_checks()
    failed = [f"{check.metric}, {check.identity}" for check in checks if not check.passed]
    if failed:
        raise DataError(f"metrics break their identities on this machine: {'; '.join(failed)}")
    curves = read_curves(plan.curves or _found_curves(plan.checkpoint))
    with one_thread():
        generator = MotionGenerator.from_pretrained(plan.checkpoint)
        context = SuiteContext(
            generator=generator,
            data=plan.data,
            store=_store(plan, generator),
            command=plan.command,
            size=plan.size,
            seed=plan.seed,
            progress=progress,
        )
        suites, left_out = _run_suites(plan, context)
    report = EvaluationReport(
        command=plan.command,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        checkpoint=_described(generator),
        versions=package_versions(),
        seed=plan.seed,
        size=plan.size,
        num_checks=len(checks),
        suites=suites,
        left_out=left_out,
        curves=curves,
        licences=_licences(plan.data),
    )
    write_report(report, plan.out)
    if plan.publish is not None:
        publish(report, plan.publish)
    return report


def _run_suites(
    plan: EvaluationPlan, context: SuiteContext
) -> tuple[tuple[SuiteReport, ...], dict[str, str]]:
    found: list[SuiteReport] = []
    left_out: dict[str, str] = {}
    for name in plan.suites:
        context.progress(f"suite {name}")
        try:
            found.append(import_module(f"motion.evaluate.suites.{name}").run(context))
        except (DataError, WeightsError) as error:
            if not plan.lenient:
                raise
            left_out[name] = str(error)
            context.progress(f"suite {name} is left out: {error}")
    if not found:
        raise DataError(f"no suite could be run: {'; '.join(left_out.values())}")
    return tuple(found), left_out


def _store(plan: EvaluationPlan, generator: MotionGenerator) -> WorkStore:
    assert generator.folder is not None
    weights = {file for kind in _WEIGHT_FILES for file in generator.folder.rglob(kind)}
    data = {file for name in _DATA_FILES for file in plan.data.rglob(name)}
    return WorkStore(
        plan.out / WORK_FOLDER,
        version=f"{motion.__version__} {WORK_VERSION}",
        checkpoint=file_hash(*sorted(weights)),
        data=file_hash(*sorted(data)),
    )


def _described(generator: MotionGenerator) -> Mapping[str, Any]:
    assert generator.folder is not None
    folder = generator.folder.resolve()
    return {"name": folder.name, "sha256": weight_hashes(folder)}


def _licences(data: Path) -> dict[str, str]:
    try:
        corpora = open_corpora(data)
    except DataError:  # plans alone have none
        return {}
    return {corpus.name: str(corpus.info.get("licence", "unknown")) for corpus in corpora}


def _found_curves(checkpoint: Path | None) -> Path | None:
    """Curves that lie with a checkpoint of one's own."""
    found = sorted(checkpoint.rglob(CURVES_FILE)) if checkpoint is not None else []
    return found[-1] if found else None
