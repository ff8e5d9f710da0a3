"""Run one command and turn every failure into one sentence and an exit code.

Exit codes: 0 done; 2 it failed and standard error says why; 130 interrupted.
"""

import logging
import os
import sys
import traceback
import warnings
from argparse import ArgumentError
from collections.abc import Callable, Sequence

from motion.cli.parser import PROGRAM, build_parser
from motion.errors import MotionError

FAILURE = 2
INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments without the program's name; None takes those of the process.

    Returns:
        The exit code.
    """
    arguments = build_parser().parse_args(argv)
    logging.basicConfig(format=f"{PROGRAM}: %(message)s")
    if not arguments.debug:
        _quieten()
    command: Callable[..., int] = arguments.run
    try:
        code = command(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has gone: `motion weights list | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the border to the user: nothing may pass unexplained
        if arguments.debug:
            traceback.print_exc()
        print(f"{PROGRAM}: error: {sentence_of(error)}", file=sys.stderr)
        return FAILURE
    return code


def sentence_of(error: Exception) -> str:
    """Say in one line what went wrong and, where the error itself does not, what to do."""
    text = " ".join(str(error).split())
    match error:
        case MotionError() | ArgumentError():
            return text
        case MemoryError():
            return (
                "this machine has not enough free memory for the request; "
                "ask for fewer seconds or close other programs"
            )
        case OSError(strerror=str(reason)):
            place = f": {error.filename}" if error.filename else ""
            return f"the system refused: {reason}{place}; check the path, the rights and the disk"
        case _:
            return (
                f"unexpected {type(error).__name__}: {text or 'no message'}; "
                "please report it with what 'motion --debug ...' prints"
            )


def _quieten() -> None:
    """Keep libraries' chatter out of the way of the one sentence; ``--debug`` lets it through."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    for name, value in (("TRANSFORMERS_VERBOSITY", "error"), ("TOKENIZERS_PARALLELISM", "false")):
        os.environ.setdefault(name, value)
