"""``motion compose``: motions of any length, planned, by steps, or by a timeline."""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion.cli import wishes
from motion.cli.motions import body_for, progress_bar, say_written
from motion.cli.outputs import check_outputs, need_pictures
from motion.errors import RequestError
from motion.tasks.thinking import THINKING_MODES

if TYPE_CHECKING:
    from motion.generate.composition import Composition
    from motion.generate.progress import Segment

_WISHES = (
    *("scene", "task", "steps", "timeline", "seconds", "seed"),
    *("thinking", "thinking_budget", "transition", "describe", "state"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``motion compose`` that no other command has."""
    what = parser.add_argument_group(
        "what happens", "a scene, a task or both; steps by hand; or a timeline"
    )
    what.add_argument("--scene", metavar="TEXT", help="where it happens, up to 20 words")
    what.add_argument(
        "--task", metavar="TEXT", help="what is done first; with --seconds more tasks follow"
    )
    what.add_argument(
        "--steps", metavar="TEXT", help="'1. walk to the door 2. open it'; nothing is planned then"
    )
    what.add_argument(
        "--timeline",
        type=Path,
        metavar="FILE",
        help="prompts with start and end, by body part, and sounds: .yaml, see docs/compose.md",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        help="length, 0.5 to 3600; without it as long as the task or the steps need",
    )
    parser.add_argument("--seed", type=int, help="the same seed gives the same composition")
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="keep what is done in this .json file and a folder beside it; when the file is there, "
        "an interrupted composition goes on from it",
    )
    parser.add_argument(
        "--transition",
        metavar="HOW",
        help="how one step becomes the next: continue (the model writes on, if left out), "
        "inbetween (each step for itself, the model fills the way), blend (no model)",
    )
    parser.add_argument(
        "--thinking",
        choices=THINKING_MODES,
        help="let the planner think first; auto: where that measured not worse",
    )
    parser.add_argument(
        "--thinking-budget", type=int, metavar="TOKENS", help="most tokens of a thought"
    )
    parser.add_argument(
        "--no-describe",
        dest="describe",
        action="store_false",
        help="do not let the model say what each segment shows",
    )


def compose(arguments: argparse.Namespace) -> int:
    """Compose a motion and write it to every ``--out``."""
    check_outputs(arguments.out)
    if arguments.state is not None:
        check_outputs([arguments.state], (".json",))
    wish = wishes.given(arguments, *_WISHES)
    from motion.generate import MotionGenerator
    from motion.generate.compose_requests import make_compose_request
    from motion.generate.timeline import read_timeline

    if arguments.timeline is not None:
        wish["timeline"] = read_timeline(arguments.timeline)
    make_compose_request(wish)  # type: ignore[arg-type] # refuses before loading weights
    need_pictures(arguments.out)
    body = body_for(arguments, arguments.out)
    start_seconds, start_cpu = time.perf_counter(), time.process_time()
    composer = MotionGenerator.from_pretrained(arguments.checkpoint).composer(**wish)
    found = composer.compose(None if arguments.json else _say_segment)
    for path in arguments.out:
        found.save(path, **body, **progress_bar(path))
    seams = seam_report(found)
    if arguments.json:
        report = _told(found, arguments, seams) | {
            "cpu_seconds": time.process_time() - start_cpu,
            "wall_seconds": time.perf_counter() - start_seconds,
        }
        print(json.dumps(report, indent=2, ensure_ascii=False))
        return 0
    motion = found.motion
    print(f"{motion.num_frames} frames, {motion.duration_seconds:.2f} s in all")
    if seams is not None:
        print(
            f"jerk at the seams: {seams['median_jerk_ratio']:.2f} times that inside (median), "
            f"{seams['worst_jerk_ratio']:.2f} at the roughest"
        )
    for warning in found.warnings:
        print(f"note: {warning}")
    say_written(arguments.out)
    return 0


def seam_report(found: "Composition") -> dict[str, Any] | None:
    """How smooth a composition's seams are; None where there is nothing to compare."""
    from motion.evaluate.seam_metrics import seam_metrics

    later = found.segments[1:]
    seams = [(s.start_frame, s.start_frame + s.transition_frames) for s in later]
    if not seams:
        return None
    try:
        return seam_metrics(found.motion, seams).to_dict()
    except RequestError:  # segments so short that they have no inside
        return None


def _say_segment(segment: "Segment") -> None:
    start, end = segment.seconds
    said = "" if segment.caption is None else f"  (seen: {segment.caption})"
    print(f"{start:7.2f} to {end:7.2f} s  {segment.text or segment.kind}{said}", flush=True)


def _told(
    found: "Composition", arguments: argparse.Namespace, seams: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "title": found.title,
        "seed": found.seed,
        "num_frames": found.motion.num_frames,
        "seconds": found.motion.duration_seconds,
        "segments": [
            asdict(one) | {"start_seconds": one.seconds[0], "end_seconds": one.seconds[1]}
            for one in found.segments
        ],
        "tasks": [asdict(task) for task in found.tasks],
        "seams": seams,
        "state": None if arguments.state is None else str(arguments.state),
        "files": [str(path) for path in arguments.out],
        "warnings": list(found.warnings),
    }
