"""``motion caption``: what motion files show, in words."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion.cli import wishes
from motion.cli.outputs import check_readable

if TYPE_CHECKING:
    from motion.generate.caption_records import MotionCaption


def add_caption_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``motion caption`` that no other command has."""
    parser.add_argument(
        "inputs", type=Path, nargs="+", metavar="FILE", help="motions: .npz or .bvh"
    )
    parser.add_argument("--seed", type=int, help="the same seed gives the same words")
    parser.add_argument(
        "--segments",
        dest="segment_seconds",
        type=float,
        metavar="SECONDS",
        help="describe stretches of at most so long, 1 to 60 (10)",
    )
    parser.add_argument(
        "--candidates",
        type=int,
        help="texts that the model writes for each stretch, 1 to 16 (12); 1: the likeliest",
    )
    parser.add_argument(
        "--neighbours",
        type=int,
        metavar="N",
        help="known motions whose captions are taken into account, 0 to 256 (16); 0: the language "
        "model alone",
    )


def caption(arguments: argparse.Namespace) -> int:
    """Say what each motion file shows."""
    for path in arguments.inputs:
        check_readable(path)
    from motion.formats import read_motion
    from motion.generate import MotionGenerator

    wish = wishes.given(arguments, "seed", "segment_seconds", "candidates", "neighbours")
    motions = [read_motion(path) for path in arguments.inputs]
    generator = MotionGenerator.from_pretrained(arguments.checkpoint)
    told = []
    for path, motion in zip(arguments.inputs, motions, strict=True):
        found = generator.caption(motion, **wish)
        if arguments.json:
            told.append(_row(path, found))
        else:
            _say(path, found, with_name=len(motions) > 1)
    if arguments.json:
        print(json.dumps(told, indent=2, ensure_ascii=False))
    return 0


def _row(path: Path, found: "MotionCaption") -> dict[str, Any]:
    segments = [asdict(segment) for segment in found.segments]
    return {
        "file": str(path),
        "text": found.text,
        "score": found.score,
        "origin": found.origin,
        "segments": segments,
        "seed": found.seed,
        "warnings": list(found.warnings),
    }


def _say(path: Path, found: "MotionCaption", *, with_name: bool) -> None:
    print(f"{path}: {found.text}" if with_name else found.text)
    if len(found.segments) > 1:
        for segment in found.segments:
            times = f"{segment.start_seconds:.1f}-{segment.end_seconds:.1f} s"
            print(f"  {times:>15}  {segment.text}")
    for warning in found.warnings:
        print(f"note: {warning}")
