"""``motion benchmark``: what a checkpoint costs and how well it does, beside the bars, as JSON.

Speed is told in CPU seconds of one thread (user and system time of the process), so that other work
on the machine shifts it little; how busy the machine was is written down with it.
"""

import json
import os
import platform
import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

import motion
from motion.conditioners.download import sha256_of
from motion.errors import ConfigError
from motion.evaluate.benchmark_bars import bars_for, judge
from motion.evaluate.benchmark_generation import (
    FOOT_PROMPTS,
    FootPrompt,
    measure_clip,
    measure_feet,
    measure_first_frame,
    measure_lengths,
)
from motion.evaluate.benchmark_process import help_cpu_seconds, peak_bytes_of_generating
from motion.evaluate.benchmark_tokenizer import (
    measure_reconstruction,
    measure_tokenizer_speed,
    open_corpora,
)
from motion.evaluate.one_thread import one_thread
from motion.formats import atomic_path
from motion.generate import MotionGenerator
from motion.generate.checkpoint import (
    LANGUAGE_FOLDER,
    LIBRARY_FOLDER,
    TOKENIZER_FOLDER,
    WEIGHTS_FILE,
)

FORMAT_VERSION = 1
PROTOCOL = (
    "CPU seconds (user and system) of one thread, medians; tokenizer speed: features to codes and "
    "back, all parts; memory: largest resident set of a fresh 'motion generate'; help: a fresh "
    "'motion --help' with Python's start"
)
_CPU_INFO = Path("/proc/cpuinfo")
_PACKAGES = ("torch", "transformers", "numpy", "tokenizers")


@dataclass(frozen=True, kw_only=True)
class BenchmarkConfig:
    """How much is measured."""

    text: str = "a person walks forward, then turns around and waves with the right hand"
    """Prompt of the timed clip."""
    clip_seconds: float = 10.0
    repeats: int = 7
    """Runs of which the median counts."""
    batch_size: int = 32
    """Clips in the tokenizer's batch."""
    batch_frames: int = 240
    lengths: tuple[float, ...] = (0.5, 1.03, 2.55, 7.77, 10.0, 120.0)
    """Seconds of the motions whose frames are counted."""
    memory_seconds: tuple[float, ...] = (10.0, 120.0)
    """Lengths of the clips whose peak memory is taken."""
    foot_prompts: tuple[FootPrompt, ...] = FOOT_PROMPTS
    foot_seconds: float = 5.0

    def __post_init__(self) -> None:
        """Check counts."""
        walking = any(prompt.walking for prompt in self.foot_prompts)
        if self.repeats < 1 or not self.lengths or not self.memory_seconds or not walking:
            raise ConfigError(
                "a benchmark needs at least one repeat, length, memory clip and walking prompt"
            )


def run(
    out: Path,
    *,
    checkpoint: Path | None = None,
    data: Path | None = None,
    config: BenchmarkConfig | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Measure everything on one thread and write it.

    Args:
        out: JSON file to write.
        checkpoint: Weights; None takes the default ones.
        data: A prepared corpus, or a folder of prepared corpora, whose test clips are encoded and
            decoded; None takes the checkpoint's sample clips, which are not held out.
        config: How much is measured.
        progress: Whether to show a bar.

    Returns:
        What was written.

    Raises:
        WeightsError: The checkpoint cannot be loaded.
        DataError: ``data`` holds no prepared corpus.
    """
    config = config or BenchmarkConfig()
    if data is not None:
        open_corpora(data)  # say what is wrong before minutes are spent
    load_before = os.getloadavg()
    with one_thread():
        generator = MotionGenerator.from_pretrained(checkpoint)
        figures = _figures(generator, checkpoint, data, config, progress)
    preset = generator.language.model.config.backbone.source
    report = {
        "format_version": FORMAT_VERSION,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": _command(out, checkpoint, data),
        "machine": {
            **describe_machine(),
            "load_before": load_before,
            "load_after": os.getloadavg(),
        },
        "versions": package_versions(),
        "checkpoint": _describe(generator, preset),
        "protocol": PROTOCOL,
        "config": asdict(config),
        "bars": judge(bars_for(preset), figures),
        **figures,
    }
    with atomic_path(out) as path:
        text = json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False)
        path.write_text(text + "\n", "utf-8")
    return report


def _figures(
    generator: MotionGenerator,
    checkpoint: Path | None,
    data: Path | None,
    config: BenchmarkConfig,
    progress: bool,
) -> dict[str, Any]:
    tokenizer, text = generator.tokenizer, config.text
    samples = None if generator.folder is None else generator.folder / LIBRARY_FOLDER
    stages: dict[str, Callable[[], dict[str, Any]]] = {
        "clip": lambda: asdict(measure_clip(generator, text, config.clip_seconds, config.repeats)),
        "first_frame": lambda: asdict(
            measure_first_frame(generator, text, config.clip_seconds, config.repeats)
        ),
        "tokenizer_speed": lambda: asdict(
            measure_tokenizer_speed(
                tokenizer,
                batch_size=config.batch_size,
                batch_frames=config.batch_frames,
                repeats=config.repeats,
            )
        ),
        "reconstruction": lambda: measure_reconstruction(tokenizer, data, samples),
        "lengths": lambda: asdict(measure_lengths(generator, text, config.lengths)),
        "feet": lambda: asdict(measure_feet(generator, config.foot_prompts, config.foot_seconds)),
        "memory": lambda: _memory(checkpoint, config),
        "help": lambda: {"cpu_seconds": help_cpu_seconds(config.repeats)},
    }
    figures = {}
    with tqdm(total=len(stages), disable=not progress, unit="part", leave=False) as bar:
        for name, measure in stages.items():
            bar.set_description(name)
            figures[name] = measure()
            bar.update()
    return figures


def _memory(checkpoint: Path | None, config: BenchmarkConfig) -> dict[str, Any]:
    """Peak memory by length; the bar goes by the largest."""
    peaks = {
        f"{seconds:g} s": peak_bytes_of_generating(config.text, seconds, checkpoint)
        for seconds in config.memory_seconds
    }
    return {"peak_bytes": max(peaks.values()), "peak_bytes_by_length": peaks}


def _command(out: Path, checkpoint: Path | None, data: Path | None) -> str:
    words = ["motion", "benchmark", "--json", str(out)]
    words += [] if data is None else ["--data", str(data)]
    words += [] if checkpoint is None else ["--checkpoint", str(checkpoint)]
    return shlex.join(words)


def _describe(generator: MotionGenerator, preset: str) -> dict[str, Any]:
    """Which weights these are: name of the folder and a hash of every weights file."""
    folder = generator.folder
    hashes = {} if folder is None else weight_hashes(folder)
    model = generator.language.model
    return {
        "name": None if folder is None else folder.resolve().name,
        "preset": preset,
        "language_parameters": sum(p.numel() for p in model.parameters()),
        "tokenizer_parameters": sum(p.numel() for p in generator.tokenizer.parameters()),
        "sampling": asdict(generator.sampling),
        "sha256": hashes,
    }


def weight_hashes(folder: Path) -> dict[str, str]:
    """Hash of every weights file of a checkpoint that generation uses."""
    files = [
        file
        for name in (TOKENIZER_FOLDER, LANGUAGE_FOLDER)
        for file in sorted((folder / name).rglob(WEIGHTS_FILE))
    ]
    return {file.parent.relative_to(folder).as_posix(): sha256_of(file) for file in files}


def describe_machine() -> dict[str, Any]:
    """Processor, cores, memory and system."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
    }


def _processor() -> str:
    if _CPU_INFO.is_file():
        for line in _CPU_INFO.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def package_versions() -> dict[str, str]:
    """Versions of Python, this package and what decides its speed."""
    packages = {name: version(name) for name in _PACKAGES}
    return {"motion": motion.__version__, "python": platform.python_version(), **packages}
