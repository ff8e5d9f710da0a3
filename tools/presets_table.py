r"""Compare language-model presets in one table: code prediction, text following, speed.

python tools/presets_table.py --log small=runs/language/small \
--checkpoint small=checkpoints/default --out benchmarks/presets.json

For each preset: validation cross-entropy of a code along training (Lightning's csv logs), held-out
prompts that pass with one candidate, and CPU seconds of a 10 s clip with one candidate.
"""

import argparse
import csv
import json
from pathlib import Path
from statistics import median
from typing import Any

import torch

from motion.evaluate.check_grammar import load_suite, packaged_suite
from motion.evaluate.prompts import run_prompt_suite
from motion.formats import atomic_path
from motion.generate import MotionGenerator

SUITE = packaged_suite("heldout")
REPEATS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log", action="append", default=[], help="NAME=FOLDER of csv logs")
    parser.add_argument("--checkpoint", action="append", required=True, help="NAME=FOLDER")
    parser.add_argument("--note", action="append", default=[], help="NAME=TEXT")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    logs, notes = dict(map(_pair, arguments.log)), dict(map(_pair, arguments.note))
    rows = []
    for name, folder in map(_pair, arguments.checkpoint):
        row = measure(MotionGenerator.from_pretrained(folder))
        curve = validation_curve(Path(logs[name])) if name in logs else []
        rows.append({"preset": name, **row, "validation": curve, "note": notes.get(name, "")})
        print(name, {k: v for k, v in row.items() if k != "by_check"}, curve[-1:])
    report = {"command": "python tools/presets_table.py", "suite": SUITE.stem, "presets": rows}
    with atomic_path(arguments.out) as path:
        path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


def measure(generator: MotionGenerator) -> dict[str, Any]:
    """Held-out prompts and the cost of ten seconds."""

    def make(text: str, seconds: float, seed: int) -> Any:
        return generator.generate(text=text, seconds=seconds, seed=seed, candidates=1).motion

    costs = []
    for _ in range(REPEATS):
        result = generator.generate(text="a person walks forward", seconds=10.0, candidates=1)
        costs.append(sum(result.timings.values()))
    report = run_prompt_suite(make, load_suite(SUITE))
    model = generator.language.model
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "cpu_seconds_10s_clip": median(costs),
        "prompts": report["overall"],
        "by_check": report["by_check"],
    }


def validation_curve(folder: Path) -> list[dict[str, float]]:
    """Step and cross-entropy of every validation."""
    curve = []
    for path in sorted(folder.glob("lightning_logs/version_*/metrics.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row.get("val/codes"):
                    curve.append({"step": int(row["step"]) + 1, "codes": float(row["val/codes"])})
    return curve


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


if __name__ == "__main__":
    main()
