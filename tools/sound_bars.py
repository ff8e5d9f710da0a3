"""Judge the bars of music and speech: figures of an evaluation, and what sound costs here.

    motion evaluate --data PREPARED --suite music,speech --out REPORT
    python tools/sound_bars.py --report REPORT --data PREPARED --out benchmarks/audio.json

The evaluation says whether motion follows held-out sounds; the cost of music of two lengths is
measured here, each in a fresh process. Both together are the bars of ``benchmarks/audio.json``.
"""

import argparse
import json
import platform
import tempfile
import wave
from pathlib import Path
from typing import Any

import numpy as np
import torch

from motion.data import SoundLibrary
from motion.errors import RequestError
from motion.evaluate.benchmark_bars import judge
from motion.evaluate.benchmark_process import run_python
from motion.evaluate.report.record import EvaluationReport, read_report
from motion.evaluate.sound_bars import SOUND_BARS
from motion.evaluate.suites.held_out_sounds import HELD_OUT
from motion.evaluate.suites.records import MODEL
from motion.formats import atomic_path, open_sound
from motion.representation import FPS

COST_SECONDS = (60, 600)
COST_RATE = 22050
_COST = """
import sys, time
from motion.evaluate.benchmark_process import own_peak_bytes
from motion.generate import MotionGenerator
import torch
torch.set_num_threads(int(sys.argv[3]))
generator = MotionGenerator.from_pretrained(sys.argv[2] or None)
generator.generate(music=sys.argv[1], seconds=2, seed=0)
wall, cpu = time.perf_counter(), time.process_time()
motion = generator.generate(music=sys.argv[1], seed=0).motion
print(time.perf_counter() - wall, time.process_time() - cpu, own_peak_bytes(), motion.num_frames)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--report", type=Path, required=True, help="of motion evaluate")
    parser.add_argument("--data", type=Path, required=True, help="folder of prepared corpora")
    parser.add_argument("--music", default="music", help="sound library in --data")
    parser.add_argument("--checkpoint", type=Path, default=None)
    parser.add_argument("--threads", type=int, default=1, help="for the cost (1)")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    evaluated = read_report(arguments.report)
    report: dict[str, Any] = {
        "command": evaluated.command,
        "checkpoint": evaluated.checkpoint,
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        **sound_figures(evaluated),
        "cost": measure_cost(arguments),
    }
    report["bars"] = judge(SOUND_BARS, report)
    for bar in report["bars"]:
        print(f"{bar['what']}: {bar['value']}, reached: {bar['reached']}")
    with atomic_path(arguments.out) as target:
        target.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")


def sound_figures(report: EvaluationReport) -> dict[str, Any]:
    """Matched against shuffled pairs of both suites, under the names that the bars have.

    Raises:
        RequestError: A suite is lacking, or had too few windows for such pairs.
    """
    found: dict[str, Any] = {}
    for name in ("music", "speech"):
        suites = [suite for suite in report.suites if suite.suite == name]
        pairs: Any = suites[0].details.get("pairs") if suites else None
        if not pairs:
            raise RequestError(
                f"the report has no pairs of {name}: run motion evaluate --suite music,speech "
                "without --size"
            )
        others = {system: rows for system, rows in pairs.items() if system != MODEL}
        retrieval = suites[0].details["retrieval"]
        found[name] = {"generated": pairs[MODEL], **others, "retrieval": retrieval}
    return found


def measure_cost(arguments: argparse.Namespace) -> dict[str, Any]:
    """Wall and CPU seconds and peak memory of music of two lengths, each in a fresh process."""
    library = SoundLibrary.load(arguments.data / arguments.music)
    record = next(r for r in library.sounds if r.split in HELD_OUT and r.modality == "music")
    samples = open_sound(library.file(record)).samples(COST_RATE).numpy()
    result: dict[str, Any] = {"threads": arguments.threads}
    with tempfile.TemporaryDirectory() as folder:
        for seconds in COST_SECONDS:
            path = Path(folder) / f"{seconds}.wav"
            write_wave(path, np.resize(samples, seconds * COST_RATE), COST_RATE)
            said = run_python(
                ["-c", _COST, str(path), str(arguments.checkpoint or ""), str(arguments.threads)]
            )
            wall, cpu, peak, frames = said.splitlines()[-1].split()
            result[f"{seconds} s"] = {
                "wall_seconds": float(wall),
                "cpu_seconds": float(cpu),
                "times_real_time": seconds / float(wall),
                "peak_megabytes": int(peak) / 1e6,
                "frames_too_many": int(frames) - seconds * FPS,
            }
    peaks = [result[f"{seconds} s"]["peak_megabytes"] for seconds in COST_SECONDS]
    return {**result, "memory_ratio": peaks[1] / peaks[0]}


def write_wave(path: Path, samples: np.ndarray, rate: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples.clip(-1, 1) * 32767).astype("<i2").tobytes())


if __name__ == "__main__":
    main()
