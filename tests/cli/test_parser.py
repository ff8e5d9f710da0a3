"""The commands, their help texts, and every command that the documents show."""

import re
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from motion.cli import build_parser

ROOT = Path(__file__).parents[2]
COMMANDS = [
    "generate",
    "extend",
    "inbetween",
    "compose",
    "caption",
    "plan",
    "render",
    "convert",
    "retrieve",
    "prepare",
    "train",
    "curate",
    "evaluate",
    "benchmark",
    "weights",
    "doctor",
    "version",
]
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("checkpoints/**/*.md")})
MAX_HELP_CPU_SECONDS = 0.5


def shown_commands() -> list[tuple[str, str]]:
    """Every line of a bash block that calls ``motion``, with the page it stands on."""
    found = []
    for page in PAGES:
        for block in re.findall(r"^```bash\n(.*?)^```", page.read_text("utf-8"), re.M | re.S):
            lines = block.replace("\\\n", " ").splitlines()
            found += [(page.name, ln.strip()) for ln in lines if ln.strip().startswith("motion ")]
    return found


def cpu_seconds_of(*arguments: str) -> tuple[float, str]:
    """CPU seconds and standard output of ``python -m motion`` in a fresh process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(
        [sys.executable, "-m", "motion", *arguments], capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, run.stdout


def test_help_is_quick_and_lists_every_command():
    cpu_seconds, text = cpu_seconds_of("--help")
    assert cpu_seconds <= MAX_HELP_CPU_SECONDS
    assert [name for name in COMMANDS if f"    {name}" not in text] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_is_quick(command: str):
    cpu_seconds, text = cpu_seconds_of(command, "--help")
    assert cpu_seconds <= MAX_HELP_CPU_SECONDS
    assert text.startswith(f"usage: motion {command}")


def test_the_documents_show_commands():
    assert {line.split()[1] for _, line in shown_commands()} == set(COMMANDS)


@pytest.mark.parametrize(("page", "line"), shown_commands(), ids=lambda value: value[:60])
def test_shown_commands_parse(page: str, line: str):
    arguments = shlex.split(line, comments=True)[1:]
    assert callable(build_parser().parse_args(arguments).run)


@pytest.mark.parametrize(("page", "line"), shown_commands(), ids=lambda value: value[:60])
def test_shown_configurations_exist(page: str, line: str):
    words = shlex.split(line, comments=True)
    named = [ROOT / word for word in words if word.startswith("configs/")]
    assert [path for path in named if not path.is_file()] == []


def test_training_options_pass_through_untouched():
    line = "train tokenizer fit --config c.yaml --data.root d --debug"
    parsed = build_parser().parse_args(line.split())
    assert parsed.stage == "tokenizer"
    assert parsed.arguments == ["fit", "--config", "c.yaml", "--data.root", "d", "--debug"]
    assert parsed.debug is False
