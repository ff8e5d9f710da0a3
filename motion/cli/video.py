"""``motion curate``: films to motions and annotations."""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion.cli.outputs import check_writable
from motion.errors import DataError

if TYPE_CHECKING:
    from tqdm import tqdm

    from motion.generate.curation import CuratedVideo, CurationReport


def add_curate_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``motion curate`` takes."""
    parser.add_argument(
        "videos", type=Path, nargs="+", metavar="VIDEO", help="mp4, mov, mkv, webm, avi, ..."
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="where to write; run it again to go on after a stop",
    )
    parser.add_argument(
        "--split",
        action="store_true",
        help="write below DIR into train, val or test, by a hash of the video's name",
    )
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same words")


def curate(arguments: argparse.Namespace) -> int:
    """Work through films; what an earlier run has finished is kept."""
    check_writable(arguments.out / "annotation.json")
    from motion.generate.curation import Curator, ModelDescriber, check_names

    check_names(arguments.videos)
    from motion.conditioners.blazepose import BlazePose
    from motion.formats.film import film_info

    if len(arguments.videos) == 1:  # refuse before weights are loaded
        film_info(arguments.videos[0])
    finder = BlazePose.load()
    from motion.generate import MotionGenerator

    generator = MotionGenerator.from_pretrained(arguments.checkpoint)
    describer = ModelDescriber(generator, seed=arguments.seed)
    with closing(_Bar()) as bar:
        curator = Curator(finder, describer, report=None if arguments.json else bar.show)
        report = curator.curate_all(arguments.videos, arguments.out, by_split=arguments.split)
    if not report.done and len(report.failed) == 1:
        raise DataError(report.failed[0].reason)
    if arguments.json:
        print(json.dumps(_as_json(report), indent=2, ensure_ascii=False))
    else:
        _say(report.done)
    for failure in report.failed:
        print(f"motion: error: {failure.video}: {failure.reason}", file=sys.stderr)
    return 2 if report.failed else 0


class _Bar:
    """A progress bar in seconds of film, one film after the other."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def show(self, name: str, done: float, seconds: float | None) -> None:
        """Move it on."""
        from tqdm import tqdm

        if self._bar is None or self._bar.desc != name:
            self.close()
            form = "{desc}: {n:.0f}/{total:.0f} s of film [{elapsed}]" if seconds else None
            self._bar = tqdm(desc=name, total=seconds, bar_format=form)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Leave the last line."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _as_json(report: "CurationReport") -> dict[str, Any]:
    return {
        "videos": [
            {
                "video": str(one.video),
                "annotation": str(one.annotation_file),
                "split": one.annotation.split,
                "seconds": one.annotation.duration,
                "scenes": list(one.annotation.scenes),
                "actions": len(one.annotation.actions),
                "action_seconds": sum(a.end - a.start for a in one.annotation.actions),
                "left_out": len(one.annotation.left_out),
                "kept_from_before": one.kept_actions,
                "notes": list(one.annotation.notes),
            }
            for one in report.done
        ],
        "failed": [{"video": str(one.video), "reason": one.reason} for one in report.failed],
    }


def _say(done: "Sequence[CuratedVideo]") -> None:
    for one in done:
        annotation = one.annotation
        kept = f", {one.kept_actions} of them from before" if one.kept_actions else ""
        print(
            f"{one.video}: {len(annotation.actions)} clips in {annotation.duration:.1f} s{kept}, "
            f"{len(annotation.left_out)} left out; wrote {one.annotation_file}"
        )
        for action in annotation.actions:
            print(f"  {action.start:7.2f} to {action.end:7.2f} s  {action.captions[0].detail}")
        for note in annotation.notes:
            print(f"note: {note}")
