"""Measure in-betweening and prediction on held-out clips against simple baselines.

    python tools/measure_inbetweening.py --data PREPARED --out benchmarks/inbetweening.json

All systems fill the same gaps in test clips that neither tokenizer nor language model has seen.
Prints a line a system and a verdict a baseline; the JSON holds the protocol.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import torch

from motion.data import load_corpora
from motion.evaluate.inbetween_suite import (
    FID_DIM,
    GapTask,
    HeldOutGap,
    as_table,
    compare,
    cut_windows,
    fill_all,
    gap_fid,
    score,
    systems_of,
)
from motion.formats import atomic_path
from motion.generate import MotionGenerator
from motion.representation import Motion

FID_SECONDS = 2.0
"""Gaps from this length on are compared by their Frechet distance, too."""
PROTOCOL = (
    "held-out clips, one window each: start of 0.8 to 2.4 s, gap, end of 0.4 to 1.6 s; ade, fde: "
    "mean distance of the 22 body joints in the world over the gap, and in its last frame, metres; "
    "mpjpe: with both roots at the origin; seam_jerk: mean jerk in the six frames over a seam, "
    "over that of the truth; skate: share of frames in which a foot on the floor moves faster than "
    f"0.5 m/s; fid: Frechet distance of all frames to the true ones, {FID_DIM} principal axes of "
    "positions (m) and velocities (m/s) of the joints in the heading of each frame; baselines: "
    "hold last pose, linear root and slerp, constant velocity, and the smooth bridge or fading "
    "velocity (without a model) that fill beside the seams; p values: two-sided, paired by clip, "
    "Holm"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="prepared corpora")
    parser.add_argument("--corpora", nargs="+", default=["bandai", "cmu"])
    parser.add_argument("--split", default="test")
    parser.add_argument("--seconds", type=float, nargs="+", default=[0.5, 1.0, 2.0, 4.0])
    parser.add_argument("--tasks", nargs="+", default=list(get_args(GapTask)))
    parser.add_argument("--windows", type=int, default=24, help="of each length")
    parser.add_argument("--choose", default=None, help="as of MotionGenerator.inbetween")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", type=Path, default=None)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    begin = time.process_time()
    corpora = load_corpora([arguments.data / name for name in arguments.corpora])
    generator = MotionGenerator.from_pretrained(arguments.checkpoint)
    rows = []
    for seconds in arguments.seconds:
        windows = cut_windows(corpora, arguments.split, seconds, arguments.windows, arguments.seed)
        for task in arguments.tasks:
            rows.append(measure(generator, windows, task, seconds, arguments.choose))
    report = {
        "protocol": PROTOCOL,
        "data": f"{' and '.join(arguments.corpora)}, {arguments.split}",
        "seed": arguments.seed,
        "choose": arguments.choose or "auto",
        "cpu_seconds": time.process_time() - begin,
        "gaps": rows,
    }
    with atomic_path(arguments.out) as path:
        path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


def measure(
    generator: MotionGenerator,
    windows: Sequence[HeldOutGap],
    task: GapTask,
    seconds: float,
    choose: Any = None,
) -> dict[str, Any]:
    """Figures of all systems in gaps of one length, and what the model is against each."""

    def fill(window: HeldOutGap) -> Motion:
        first = window.start.num_frames
        if task == "prediction":
            result = generator.extend(window.start, seconds, choose=choose)
        else:
            result = generator.inbetween(window.start, window.end, seconds, choose=choose)
        return result.motion.frames(first, first + window.num_frames)

    begin = time.process_time()
    made = {name: fill_all(system, windows) for name, system in systems_of(fill, task).items()}
    spent = time.process_time() - begin
    scores = {name: score(windows, motions, task) for name, motions in made.items()}
    long = seconds >= FID_SECONDS
    table = {name: as_table(values) for name, values in scores.items()}
    for name, motions in made.items() if long else ():
        table[name]["fid"] = gap_fid(windows, motions)
    against = {
        name: compare(windows, scores, made, name, with_fid=long)
        for name in scores
        if name != "model"
    }
    print(f"{task}, {seconds:g} s, {len(windows)} gaps, {spent:.0f} CPU-s")
    for name, values in table.items():
        print(f"  {name:18s}", "  ".join(f"{key} {value:.3f}" for key, value in values.items()))
    for name, results in against.items():
        print(f"  against {name}:", "; ".join(f"{r.metric} {r.winner}" for r in results))
    return {
        "task": task,
        "seconds": seconds,
        "num_windows": len(windows),
        "systems": table,
        "against": {name: [asdict(r) for r in results] for name, results in against.items()},
    }


if __name__ == "__main__":
    main()
