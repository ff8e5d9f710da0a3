"""The command line: ``motion generate``, ``motion doctor`` and their sisters.

Nothing heavy is imported before a command runs, so that every ``--help`` answers at once.
"""

from motion.cli.entry import main
from motion.cli.parser import build_parser

__all__ = ["build_parser", "main"]
