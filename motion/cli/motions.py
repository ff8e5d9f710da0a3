"""Commands that make, draw, convert and find motions."""

import argparse
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion.cli import wishes
from motion.cli.outputs import check_outputs, check_readable, need_pictures
from motion.errors import RequestError

if TYPE_CHECKING:
    from motion.generate import GenerationResult

DRAWN_SUFFIXES: tuple[str, ...] = (".mp4", ".png", ".html")
BODY_SUFFIXES: tuple[str, ...] = (".bvh", ".glb", *DRAWN_SUFFIXES)


def generate(arguments: argparse.Namespace) -> int:
    """Make a motion from text, music or speech and write it to every ``--out``."""
    check_outputs(arguments.out)
    wish = wishes.wish_of(arguments)
    from motion.generate import MotionGenerator, make_request

    request = make_request(**wish)  # refuses what would else be refused after loading weights
    wish = wishes.opened(wish, request)
    if arguments.transcribe and request.speech is None:
        raise RequestError("there is no speech to transcribe; give its sound file by --speech")
    need_pictures(arguments.out)
    body = body_for(arguments, arguments.out)
    start_seconds = time.perf_counter()
    generator = MotionGenerator.from_pretrained(arguments.checkpoint)
    if arguments.transcribe:
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # of loading, not of fetching
        wish["transcript"] = generator.transcribe(request)
    result = generator.generate(**wish)
    for path in arguments.out:
        result.save(path, **body, **progress_bar(path))
    seconds = time.perf_counter() - start_seconds
    if arguments.json:
        report = {
            "text": result.text,
            "signals": list(request.signals),
            "parts": list(result.parts),
            "transcript": wishes.words_of(wish.get("transcript")),
            "seed": result.seed,
            "num_frames": result.motion.num_frames,
            "seconds": result.motion.duration_seconds,
            "files": [str(path) for path in arguments.out],
            "warnings": list(result.warnings),
            "cpu_seconds": dict(result.timings),
            "wall_seconds": seconds,
        }
        print(json.dumps(report, indent=2, ensure_ascii=False))
        return 0
    if arguments.transcribe:
        print(f"heard: {wish['transcript'].text if wish['transcript'] else 'no words'}")
    _say_made(result, request.signals)
    say_written(arguments.out)
    return 0


def render(arguments: argparse.Namespace) -> int:
    """Draw a motion file."""
    check_readable(arguments.input)
    check_outputs(arguments.out, DRAWN_SUFFIXES)
    options = _picture_options(arguments)
    need_pictures(arguments.out)
    _write(arguments, arguments.out, options)
    return 0


def convert(arguments: argparse.Namespace) -> int:
    """Write a motion file as another kind of file."""
    check_readable(arguments.input)
    check_outputs([arguments.output])
    need_pictures([arguments.output])
    _write(arguments, [arguments.output], {})
    return 0


def retrieve(arguments: argparse.Namespace) -> int:
    """List the motions of the library that are nearest to a text, music or speech."""
    from motion.generate import MotionGenerator, make_request

    wish = wishes.given(arguments, "text", *wishes.SOUNDS)
    wish = wishes.opened(wish, make_request(**wish))
    generator = MotionGenerator.from_pretrained(arguments.checkpoint)
    hits = generator.retrieve(**wish, top_k=arguments.top_k)
    if arguments.json:
        rows = [{"id": h.clip_id, "score": h.score, "captions": h.captions} for h in hits]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for hit in hits:
            print(f"{hit.score:6.3f}  {hit.clip_id}  {next(iter(hit.captions), '')}")
    return 0


def body_for(
    arguments: argparse.Namespace, paths: Sequence[Path], gender: str = "neutral"
) -> dict[str, Any]:
    """Load the body once for all files that need one."""
    if not any(path.suffix.lower() in BODY_SUFFIXES for path in paths):
        return {}
    from motion.body import BodyModel

    return {"body": BodyModel.load(arguments.body, gender=gender)}


def _picture_options(arguments: argparse.Namespace) -> dict[str, Any]:
    from motion.formats import open_sound
    from motion.render import VideoConfig

    options: dict[str, Any] = {"config": VideoConfig(**wishes.given(arguments, "width", "height"))}
    if arguments.audio is not None:
        options["audio"] = open_sound(arguments.audio)
    return options


def _write(arguments: argparse.Namespace, targets: list[Path], options: dict[str, Any]) -> None:
    from motion.formats import read_motion
    from motion.render import write_motion

    motion = read_motion(arguments.input)
    body = body_for(arguments, targets, motion.gender)
    for target in targets:
        write_motion(motion, target, **body, **options, **progress_bar(target))
    say_written(targets)


def progress_bar(path: Path) -> dict[str, Any]:
    """Show a bar for the one kind of file that takes long."""
    if path.suffix.lower() != ".mp4":
        return {}
    from tqdm import tqdm

    bars: list[tqdm[Any]] = []

    def advance(done: int, total: int) -> None:
        if not bars:  # not before the first picture, so that a failure has a line of its own
            bars.append(tqdm(total=total, desc=path.name, unit="frame"))
        bars[0].update(done - bars[0].n)
        if done == total:
            bars[0].close()

    return {"progress": advance}


def _say_made(result: "GenerationResult", signals: Sequence[str]) -> None:
    frames, seconds = result.motion.num_frames, result.motion.duration_seconds
    made, drives = ", ".join(result.parts), " and ".join(signals)
    print(f"{frames} frames, {seconds:.2f} s: {made} from {drives}")
    for warning in result.warnings:
        print(f"note: {warning}")


def say_written(paths: list[Path]) -> None:
    """Name the files that were written."""
    for path in paths:
        print(f"wrote {path} ({path.stat().st_size / 1e6:.2f} MB)")
