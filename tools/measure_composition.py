"""Measure compositions: does what was made say what was planned, are seams smooth, is memory flat?

    python tools/measure_composition.py --plans PREPARED/plans --out benchmarks/composition.json

Tasks of held-out scenes are planned, made and described; the same steps are made again with the
other transitions. Prints a line for each thing that is measured; the JSON holds all figures.
"""

import argparse
import json
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from benchmark_table import with_table

from motion.evaluate.benchmark_process import own_peak_bytes, run_python
from motion.evaluate.cycle import CYCLE_BAR, CycleScore, caption_cycle, motion_cycle
from motion.evaluate.plan_scores import is_known
from motion.evaluate.prompts import wilson_interval
from motion.evaluate.seam_metrics import JERK_BAR, SeamReport, seam_metrics
from motion.formats import atomic_path
from motion.generate import MotionGenerator
from motion.generate.checkpoint import DEFAULT_CHECKPOINT
from motion.generate.compose_requests import TRANSITIONS
from motion.generate.composition import Composition
from motion.representation import FPS, Motion
from motion.tasks.examples import TaskExample, read_examples

FEWEST_STEPS = 3
"""Of a plan that is composed."""
SHORT_SECONDS, LONG_SECONDS = 60, 600
"""Of the compositions whose peak memory is compared."""
MEMORY_BAR = 1.1
"""Peak memory of the long one should be at most this many times that of the short one."""
SCENE = "a sports hall with a mat, a bench and a door; a ball is on the bench"
"""Of the compositions whose memory is measured."""
START, END = "<!-- composition:start -->", "<!-- composition:end -->"
_IN_ANOTHER = """
import runpy
import sys
sys.path.insert(0, sys.argv[1].rpartition("/")[0])
tool = runpy.run_path(sys.argv[1])
tool["stream_and_tell"](float(sys.argv[2]), sys.argv[3] or None)
"""
RULES = {
    "cycle by words": "the caption that the model wrote of a segment is looked for among ten steps "
    "(its own and nine that say something else) by mean-centred e5 cosines",
    "cycle by motion": "the segment itself is looked for among ten steps in the shared space of "
    "text and motion; candidates are ranked there as well, which flatters the generator",
    "jerk_ratio": "mean jerk of a seam's window (its transition and three frames on either side) "
    "over the median of equally long windows inside segments of the same composition",
    "root_continuous": "at no seam the root moves or turns further from frame to frame than 1.5 "
    "times the most inside segments",
    "memory": "peak resident memory of a fresh process that streams a composition without keeping "
    "it: planned from a scene alone, one candidate a segment, not described",
}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A segment and what it was to show."""

    text: str
    caption: str
    motion: Motion


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plans", type=Path, required=True, help="written by motion prepare plans")
    parser.add_argument("--checkpoint", type=Path, default=None)
    parser.add_argument("--split", default="test")
    parser.add_argument("--count", type=int, default=14, help="compositions (14)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-memory", action="store_true", help="leave the long ones out")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="write the compositions there")
    parser.add_argument("--docs", type=Path, help="page whose table is written anew")
    parser.add_argument("--table-only", action="store_true", help="measure nothing, read --out")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    arguments = parser.parse_args()
    report = json.loads(arguments.out.read_text("utf-8")) if arguments.table_only else None
    report = report or measured(arguments)
    rows = table(report)
    print(rows, end="")
    if arguments.docs is not None:
        page = with_table(arguments.docs.read_text("utf-8"), rows, START, END)
        with atomic_path(arguments.docs) as path:
            path.write_text(page, "utf-8")


def measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that is asked for; written after each part."""
    torch.set_num_threads(1)
    generator = MotionGenerator.from_pretrained(arguments.checkpoint)
    chosen = choose(read_examples(arguments.plans / f"{arguments.split}.jsonl"), arguments.count)
    report: dict[str, Any] = {"protocol": protocol(arguments, chosen), "seams": {}}
    planned = composed(generator, chosen, arguments)
    report["compositions"] = [told(one) for one in planned]
    report["cycle"] = cycles(generator, [shown for one in planned for shown in shown_of(one)])
    for transition in TRANSITIONS:
        ways = planned
        if transition != "continue":
            ways = [again(generator, one, transition) for one in planned]
        report["seams"][transition] = seams_of(ways)
        print(f"{transition}: {json.dumps(report['seams'][transition])}", flush=True)
        write(report, arguments.out)
    if not arguments.no_memory:
        report["memory"] = memory(arguments.checkpoint)
        print(json.dumps(report["memory"]))
        write(report, arguments.out)
    return report


def choose(examples: Sequence[TaskExample], count: int) -> list[TaskExample]:
    """Tasks of the grammar with some steps, spread over scenes and kinds of task."""
    known = [e for e in examples if e.task == "decompose_task" and "scene" in e.fields]
    known = [e for e in known if f" {FEWEST_STEPS}. " in e.answer and is_known(e)]
    verbs, found = set(), []
    for example in known:
        verb = example.fields["task"].split()[0]
        if verb not in verbs:
            verbs.add(verb)
            found.append(example)
    return [found[k * len(found) // count] for k in range(min(count, len(found)))]


def composed(
    generator: MotionGenerator, chosen: Sequence[TaskExample], arguments: argparse.Namespace
) -> list[Composition]:
    """Plan, make and describe each task in its scene."""
    found = []
    for number, example in enumerate(chosen):
        start = time.process_time()
        scene, task = example.fields["scene"], example.fields["task"]
        one = generator.compose(scene=scene, task=task, seed=arguments.seed + number)
        spent = time.process_time() - start
        print(f"{task}: {one.motion.duration_seconds:.1f} s in {spent:.1f} CPU-s", flush=True)
        for segment in one.segments:
            print(f"    {segment.text}: {segment.caption}", flush=True)
        if arguments.keep is not None:
            one.save(arguments.keep / f"{number:02d}.npz")
        found.append(one)
    return found


def again(generator: MotionGenerator, one: Composition, transition: str) -> Composition:
    """The same steps with another transition."""
    steps = [segment.text for segment in one.segments if not segment.goes_on]
    return generator.compose(
        steps=steps,
        transition=transition,  # type: ignore[arg-type]
        seed=one.seed,
        describe=False,
    )


def shown_of(one: Composition) -> list[Shown]:
    """Segments that were described, without their transitions."""
    return [
        Shown(
            text=segment.text,
            caption=segment.caption,
            motion=one.motion.frames(
                segment.start_frame + segment.transition_frames, segment.stop_frame
            ),
        )
        for segment in one.segments
        if segment.caption is not None
    ]


def cycles(generator: MotionGenerator, shown: Sequence[Shown]) -> dict[str, Any]:
    """Both rulers on all segments."""
    steps = [one.text for one in shown]
    space, _ = generator.shared_space()
    encoder = generator.text_encoder
    found = {
        "by words": caption_cycle(encoder, [one.caption for one in shown], steps),
        "by motion": motion_cycle(space, encoder, [one.motion for one in shown], steps),
    }
    for name, score in found.items():
        print(f"cycle {name}: {score.times_chance:.2f} times chance, {score}", flush=True)
    return {"bar_times_chance": CYCLE_BAR} | {n: cycle_row(score) for n, score in found.items()}


def cycle_row(score: CycleScore) -> dict[str, Any]:
    """A ruler's figures; segments are independent, draws for one segment are not."""
    low, high = wilson_interval(round(score.hits * score.num_segments), score.num_segments)
    return asdict(score) | {"times_chance": score.times_chance, "interval": [low, high]}


def seams_of(compositions: Sequence[Composition]) -> dict[str, Any]:
    """All seams of some compositions together."""
    reports = [report_of(one) for one in compositions if len(one.segments) > 1]
    ratios = [seam.jerk_ratio for report in reports for seam in report.seams]
    return {
        "compositions": len(reports),
        "seams": len(ratios),
        "median_jerk_ratio": median(ratios),
        "worst_jerk_ratio": max(ratios),
        "smooth_share": sum(ratio <= JERK_BAR for ratio in ratios) / len(ratios),
        "root_continuous_share": sum(r.root_continuous for r in reports) / len(reports),
        "jerk_ratios": [round(ratio, 2) for ratio in ratios],
    }


def report_of(one: Composition) -> SeamReport:
    """Seams of one composition."""
    later = one.segments[1:]
    spans = [(s.start_frame, s.start_frame + s.transition_frames) for s in later]
    return seam_metrics(one.motion, spans)


def memory(checkpoint: Path | None) -> dict[str, Any]:
    """Peak memory of a short and a long composition, each in a process of its own."""
    rows = {}
    for seconds in (SHORT_SECONDS, LONG_SECONDS):
        command = ["-c", _IN_ANOTHER, __file__, str(seconds), str(checkpoint or "")]
        rows[seconds] = json.loads(run_python(command).splitlines()[-1])
    long, short = rows[LONG_SECONDS]["peak_bytes"], rows[SHORT_SECONDS]["peak_bytes"]
    return {"streamed": rows, "ratio": long / short, "bar": MEMORY_BAR}


def stream_and_tell(seconds: float, checkpoint: str | None) -> None:
    """Stream a composition, keep none of it, and print what it took."""
    torch.set_num_threads(1)
    generator = MotionGenerator.from_pretrained(checkpoint)
    generator.candidates = 1  # a batch of four is as large in a minute as in ten
    frames = segments = 0
    for part in generator.compose_stream(scene=SCENE, seconds=seconds, describe=False):
        frames += part.motion.num_frames
        segments += 1
    row = {"frames": frames, "segments": segments, "peak_bytes": own_peak_bytes()}
    print(json.dumps(row | {"seconds": frames / FPS, "cpu_seconds": time.process_time()}))


def table(report: dict[str, Any]) -> str:
    """The figures in Markdown."""
    rows = [("what", "measured", "bar"), ("---", "---", "---")]
    for name in ("by words", "by motion"):
        score = report["cycle"][name]
        low, high = score["interval"]
        said = f"{score['times_chance']:.1f} times chance ({score['hits']:.0%} of "
        said += f"{score['num_segments']} segments, {low:.0%} to {high:.0%})"
        rows.append((f"own step found among ten, {name}", said, f"≥ {CYCLE_BAR:g} times"))
    for name, seams in report["seams"].items():
        said = f"{seams['median_jerk_ratio']:.2f} (median of {seams['seams']}), "
        said += f"{seams['smooth_share']:.0%} within the bar"
        rows.append((f"jerk at a seam over that inside, `{name}`", said, f"≤ {JERK_BAR:g}"))
        said = f"{seams['root_continuous_share']:.0%} of {seams['compositions']} compositions"
        rows.append((f"root continuous, `{name}`", said, "all"))
    if "memory" in report:
        found = report["memory"]
        peaks = [row["peak_bytes"] / 1e9 for row in found["streamed"].values()]
        said = f"{found['ratio']:.2f} times ({peaks[0]:.2f} and {peaks[1]:.2f} GB)"
        rows.append(("peak memory, 10 minutes against one", said, f"≤ {MEMORY_BAR:g} times"))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def told(one: Composition) -> dict[str, Any]:
    """A composition in values of JSON."""
    return {
        "title": one.title,
        "seed": one.seed,
        "seconds": one.motion.duration_seconds,
        "segments": [[segment.text, segment.caption] for segment in one.segments],
        "warnings": list(one.warnings),
    }


def protocol(arguments: argparse.Namespace, chosen: Sequence[TaskExample]) -> dict[str, Any]:
    """What a reader needs to repeat it."""
    return {
        "command": "python tools/measure_composition.py --plans PREPARED/plans --split "
        f"{arguments.split} --count {arguments.count} --seed {arguments.seed}",
        "checkpoint": (arguments.checkpoint or DEFAULT_CHECKPOINT).name,
        "data": "tasks of the planning grammar in scenes of kinds that no training saw",
        "tasks": [dict(example.fields) for example in chosen],
        "rules": RULES,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def write(report: dict[str, Any], path: Path) -> None:
    """Write what is measured so far."""
    with atomic_path(path) as target:
        target.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
