"""What only a fresh process tells: peak memory of generating, and the cost of ``motion --help``."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from motion.errors import MotionError

_STATUS = Path("/proc/self/status")
_GENERATE = """
import sys
from motion.cli import main
code = main(sys.argv[1:])
from motion.evaluate.benchmark_process import own_peak_bytes
print(own_peak_bytes())
sys.exit(code)
"""
_TIMEOUT_SECONDS = 1800


def own_peak_bytes() -> int:
    """Largest resident memory that this process has had so far."""
    if _STATUS.is_file():
        # Not getrusage: across fork and exec Linux hands the parent's peak down to the child.
        for line in _STATUS.read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def peak_bytes_of_generating(text: str, seconds: float, checkpoint: Path | None) -> int:
    """Run ``motion generate`` for an npz file in a process of its own.

    Raises:
        MotionError: It failed; the message holds what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "clip.npz")
        command = ["generate", "--text", text, "--seconds", str(seconds), "--out", out]
        if checkpoint is not None:
            command += ["--checkpoint", str(checkpoint)]
        return int(run_python(["-c", _GENERATE, *command]).splitlines()[-1])


def help_cpu_seconds(repeats: int) -> float:
    """CPU seconds of ``motion --help``, Python's start included; median of some runs."""
    spent = []
    for _ in range(repeats):
        before = os.times()
        run_python(["-m", "motion", "--help"])
        after = os.times()
        user = after.children_user - before.children_user
        spent.append(user + after.children_system - before.children_system)
    return median(spent)


def run_python(arguments: Sequence[str]) -> str:
    """Run this Python on one thread and give what it printed.

    Raises:
        MotionError: It did not end well; the message holds the last line it said.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["nothing"]
        raise MotionError(
            f"a process of the benchmark ended with exit code {done.returncode}: {said[-1]}"
        )
    return done.stdout
