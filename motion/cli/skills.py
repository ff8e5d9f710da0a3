"""``motion extend`` and ``motion inbetween``: a motion file goes on, a gap is filled."""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion.cli import wishes
from motion.cli.motions import body_for, progress_bar, say_written
from motion.cli.outputs import check_outputs, check_readable, need_pictures
from motion.errors import RequestError

if TYPE_CHECKING:
    from motion.generate import GapResult, MotionGenerator
    from motion.representation import Motion

_WISHES = ("text", "seed", "candidates", "choose", "temperature", "guidance", "foot_lock")


def add_extend_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``motion extend`` that no other command has."""
    parser.add_argument("input", type=Path, metavar="FILE", help="the motion: .npz or .bvh")
    parser.add_argument("--text", help="what the person does next; without it: what leads on")
    _add_filling(parser, "what is added")


def add_inbetween_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``motion inbetween`` that no other command has."""
    parser.add_argument("start", type=Path, metavar="START", help="what comes before: .npz or .bvh")
    parser.add_argument("end", type=Path, metavar="END", help="what comes after: .npz or .bvh")
    parser.add_argument("--text", help="what happens in between; without it: what leads on")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="SECONDS=FILE",
        help="a motion or pose to go through, that long after the start's last frame; give it "
        "again for more",
    )
    parser.add_argument(
        "--align",
        action="store_true",
        help="turn and move the end over the floor to where the motion arrives; without it the end "
        "stays where it stands",
    )
    _add_filling(parser, "the gap")


def extend(arguments: argparse.Namespace) -> int:
    """Let a motion go on."""
    check_readable(arguments.input)
    return _run(
        arguments,
        lambda: [_read(arguments.input)],
        lambda generator, given, wish: generator.extend(given[0], **wish),
    )


def inbetween(arguments: argparse.Namespace) -> int:
    """Fill the gap between two motions."""
    keys = [_key(words) for words in arguments.key]
    for path in (arguments.start, arguments.end, *(path for _, path in keys)):
        check_readable(path)

    def fill(generator: "MotionGenerator", given: "list[Motion]", wish: dict[str, Any]) -> Any:
        keyframes = [(seconds, _read(path)) for seconds, path in keys]
        start, end = given
        return generator.inbetween(start, end, keyframes=keyframes, align=arguments.align, **wish)

    return _run(arguments, lambda: [_read(arguments.start), _read(arguments.end)], fill)


def _add_filling(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--seconds", type=float, required=True, help=f"length of {what}")
    parser.add_argument("--seed", type=int, help="the same seed gives the same motion")
    group = parser.add_argument_group("filling")
    group.add_argument("--candidates", type=int, help="motions that are sampled (4)")
    group.add_argument(
        "--choose",
        help="what becomes of them: mean, nearest (to the end), text (nearest to it), first or "
        "greedy (the likeliest alone); without it: the mean in short gaps, else the nearest",
    )
    group.add_argument("--temperature", type=float, help="below 1 safer, above 1 more varied")
    group.add_argument("--guidance", type=float, help="how strongly the text is followed; 1: off")
    group.add_argument(
        "--keep",
        type=Path,
        metavar="FILE",
        help=f"the frames of {what}, .npz or .bvh, whose other parts stay; needs --parts",
    )
    group.add_argument("--parts", help="with --keep, what is made anew: lower or upper")
    group.add_argument(
        "--no-foot-lock",
        dest="foot_lock",
        action="store_false",
        help="leave planted feet as the model moved them",
    )


def _run(
    arguments: argparse.Namespace,
    read: "Callable[[], list[Motion]]",
    make: "Callable[[MotionGenerator, list[Motion], dict[str, Any]], GapResult]",
) -> int:
    check_outputs(arguments.out)
    need_pictures(arguments.out)
    wish = wishes.given(arguments, "seconds", *_WISHES)
    if arguments.parts is not None:
        wish["parts"] = wishes.parse_parts(arguments.parts)
    if arguments.keep is not None:
        check_readable(arguments.keep)
        wish["keep"] = _read(arguments.keep)
    given, body = read(), body_for(arguments, arguments.out)
    from motion.generate import MotionGenerator, check_gap_wish

    check_gap_wish(wish)  # refuses what would else be refused after loading weights
    start_seconds = time.perf_counter()
    result = make(MotionGenerator.from_pretrained(arguments.checkpoint), given, wish)
    for path in arguments.out:
        result.save(path, **body, **progress_bar(path))
    if arguments.json:
        print(json.dumps(_told(result, arguments.out, start_seconds), indent=2, ensure_ascii=False))
        return 0
    for gap in result.gaps:
        miss = "" if gap.miss_metres is None else f", led {100 * gap.miss_metres:.0f} cm to its end"
        print(f"made {gap.num_frames} frames from frame {gap.first_frame} on{miss}")
    print(f"{result.motion.num_frames} frames, {result.motion.duration_seconds:.2f} s in all")
    say_written(arguments.out)
    return 0


def _told(result: "GapResult", paths: list[Path], start_seconds: float) -> dict[str, Any]:
    return {
        "text": result.text,
        "parts": list(result.parts),
        "seed": result.seed,
        "num_frames": result.motion.num_frames,
        "seconds": result.motion.duration_seconds,
        "gaps": [asdict(gap) for gap in result.gaps],
        "files": [str(path) for path in paths],
        "warnings": list(result.warnings),
        "cpu_seconds": dict(result.timings),
        "wall_seconds": time.perf_counter() - start_seconds,
    }


def _read(path: Path) -> "Motion":
    """A motion file at the package's frame rate."""
    from motion.formats import read_motion
    from motion.representation.resampling import resample_motion

    return resample_motion(read_motion(path))


def _key(words: str) -> tuple[float, Path]:
    seconds, _, path = words.partition("=")
    try:
        place = float(seconds)
    except ValueError:
        path = ""
    if not path:
        raise RequestError(f"--key is SECONDS=FILE, such as 0.5=pose.npz, got '{words}'")
    return place, Path(path)
