"""Commands that make, draw, convert and find motions."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from motion.cli.outputs import check_outputs, check_readable, need_pictures

DRAWN_SUFFIXES: tuple[str, ...] = (".mp4", ".png", ".html")


def generate(arguments: argparse.Namespace) -> int:
    """Make a motion from a sentence and write it to every ``--out``."""
    check_outputs(arguments.out)
    need_pictures(arguments.out)
    from motion.generate import MotionGenerator

    start_seconds = time.perf_counter()
    generator = MotionGenerator.from_pretrained(arguments.checkpoint)
    result = generator.generate(text=arguments.text, **_sampling(arguments))
    options = _body_option(arguments)
    for path in arguments.out:
        result.save(path, **options)
    report = {
        "text": arguments.text,
        "files": [str(path) for path in arguments.out],
        "num_frames": result.motion.num_frames,
        "seconds": result.motion.duration_seconds,
        "warnings": list(result.warnings),
        "timings": dict(result.timings),
        "wall_seconds": round(time.perf_counter() - start_seconds, 3),
    }
    if arguments.json:
        print(json.dumps(report, indent=2, ensure_ascii=False))
        return 0
    for warning in result.warnings:
        print(f"note: {warning}")
    print(f"{report['num_frames']} frames ({report['seconds']:.2f} s)")
    _say_written(arguments.out)
    return 0


def render(arguments: argparse.Namespace) -> int:
    """Draw a motion file."""
    check_readable(arguments.input)
    check_outputs(arguments.out, DRAWN_SUFFIXES)
    need_pictures(arguments.out)
    options = _given(arguments, "width", "height", "audio") | _body_option(arguments)
    _write(arguments.input, arguments.out, options)
    return 0


def convert(arguments: argparse.Namespace) -> int:
    """Write a motion file as another kind of file."""
    check_readable(arguments.input)
    check_outputs([arguments.output])
    need_pictures([arguments.output])
    _write(arguments.input, [arguments.output], _body_option(arguments))
    return 0


def retrieve(arguments: argparse.Namespace) -> int:
    """List the motions of the library that are nearest to a text."""
    from motion.generate import MotionGenerator

    generator = MotionGenerator.from_pretrained(arguments.checkpoint)
    hits = generator.retrieve(arguments.text, arguments.top_k)
    if arguments.json:
        print(json.dumps([{"id": hit.id, "score": hit.score} for hit in hits], indent=2))
    else:
        for hit in hits:
            print(f"{hit.score:6.3f}  {hit.id}")
    return 0


def _sampling(arguments: argparse.Namespace) -> dict[str, Any]:
    """Options that were given; the request record has the defaults and the limits."""
    options = _given(arguments, "seconds", "seed", "guidance", "temperature", "top_k")
    options["foot_lock"] = arguments.foot_lock
    if arguments.greedy:
        options["temperature"] = 0.0
    return options


def _given(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    values = {name: getattr(arguments, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _body_option(arguments: argparse.Namespace) -> dict[str, Any]:
    return _given(arguments, "body")


def _write(source: Path, targets: list[Path], options: dict[str, Any]) -> None:
    from motion.formats import read_motion
    from motion.render import write_motion

    motion = read_motion(source)
    for target in targets:
        write_motion(motion, target, **options)
    _say_written(targets)


def _say_written(paths: list[Path]) -> None:
    for path in paths:
        print(f"wrote {path} ({path.stat().st_size / 1e6:.2f} MB)")
