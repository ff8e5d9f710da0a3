"""Commands of the workshop: corpora, training, benchmark, packaged weights, version."""

import argparse
import json
import platform
from dataclasses import asdict

import motion
from motion.cli.outputs import check_writable
from motion.errors import RequestError

SOUND_WEIGHTS: dict[str, tuple[str, ...]] = {
    "music": ("beatnet", "musicnn"),
    "speech": ("whisper-base", "silero-vad"),
}
"""Packaged weights that each kind of sound needs; its first use fetches them."""
MADE_TRACKS = 24
"""Tracks of made music if no number is given."""


def prepare(arguments: argparse.Namespace) -> int:
    """Turn a corpus into training motions and report what was rejected and why."""
    if arguments.corpus == "made_music":
        return _make_music(arguments)
    if arguments.corpus == "plans":
        return _make_plans(arguments)
    if arguments.source is None:
        raise RequestError(
            f"motion prepare {arguments.corpus} needs --source, the folder of its files"
        )
    check_writable(arguments.out / "report.md")
    from motion.data import SOUND_READERS, prepare_sounds
    from motion.data import prepare as prepare_corpus

    prepare_one = prepare_sounds if arguments.corpus in SOUND_READERS else prepare_corpus
    print(prepare_one(arguments.corpus, arguments.source, arguments.out, progress=True))
    return 0


def _make_music(arguments: argparse.Namespace) -> int:
    """Write tracks with a known beat."""
    if arguments.source is not None:
        raise RequestError("motion prepare made_music makes its tracks and takes no --source")
    check_writable(arguments.out / "report.md")
    from motion.data import prepare_made_music

    count = MADE_TRACKS if arguments.count is None else arguments.count
    report = prepare_made_music(
        arguments.out, count, arguments.seconds, seed=arguments.seed, progress=True
    )
    print(report)
    return 0


def _make_plans(arguments: argparse.Namespace) -> int:
    """Write examples of planning tasks and the captions beside them."""
    check_writable(arguments.out / "report.md")
    from motion.tasks.planning.preparing import DEFAULT_COUNT, prepare_plans

    count = DEFAULT_COUNT if arguments.count is None else arguments.count
    print(prepare_plans(arguments.out, source=arguments.source, count=count, seed=arguments.seed))
    return 0


def train(arguments: argparse.Namespace) -> int:
    """Hand over to the Lightning CLI of one stage."""
    from motion.train import main as train_main

    train_main([arguments.stage, *arguments.arguments])
    return 0


def benchmark(arguments: argparse.Namespace) -> int:
    """Measure and write the figures as JSON."""
    check_writable(arguments.json)
    from motion.evaluate import benchmark as bench
    from motion.evaluate.benchmark_bars import bars_table

    report = bench.run(
        arguments.json, checkpoint=arguments.checkpoint, data=arguments.data, progress=True
    )
    print(bars_table(report["bars"]))
    print(f"wrote {arguments.json}")
    return 0


def weights_list(arguments: argparse.Namespace) -> int:
    """List the packaged weights."""
    from motion.conditioners import list_weights

    rows = list_weights()
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=2, default=str))
        return 0
    for row in rows:
        state = (
            "here" if row.cached else f"not here yet, {row.download_bytes / 1e6:.0f} MB to fetch"
        )
        print(f"{row.name}: {state}")
        print(f"    {row.description}; licence {row.licence}")
        print(f"    {row.folder}")
    return 0


def weights_fetch(arguments: argparse.Namespace) -> int:
    """Download what is missing, each file checked against its sha256."""
    from motion.conditioners import fetch

    for name in arguments.names or [needed_weights()]:
        print(f"{name} is in {fetch(name, progress=True)}")
    return 0


def weights_verify(arguments: argparse.Namespace) -> int:
    """Check what is here against its sha256."""
    from motion.conditioners import list_weights, verify

    here = [row.name for row in list_weights() if row.folder.exists()]
    for name in arguments.names or here or [needed_weights()]:
        print(f"{name} in {verify(name)} is intact")
    return 0


def needed_weights() -> str:
    """Name of the packaged weights that every generating needs."""
    from motion.conditioners.e5 import MULTILINGUAL_E5_SMALL

    return MULTILINGUAL_E5_SMALL.name


def version(arguments: argparse.Namespace) -> int:
    """Print the version."""
    del arguments
    print(version_line())
    return 0


def version_line() -> str:
    """Version of the package and of Python."""
    return f"motion {motion.__version__} (Python {platform.python_version()})"
