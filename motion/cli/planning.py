"""``motion plan``: what to do next, and how, in words."""

import argparse
import json
from dataclasses import asdict

from motion.cli import wishes
from motion.tasks.thinking import THINKING_MODES
from motion.tasks.wants import WANTED_STEPS, WANTS

_WISHES = ("scene", "task", "steps", "want", "thinking", "thinking_budget", "seed", "history")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``motion plan``."""
    parser.add_argument("--scene", metavar="TEXT", help="where it happens, up to 20 words")
    parser.add_argument("--task", metavar="TEXT", help="what is to be done, or is being done")
    parser.add_argument("--steps", metavar="TEXT", help="steps: '1. walk to the door 2. open it'")
    parser.add_argument(
        "--want",
        choices=WANTS,
        help="steps of the task (if left out), the task or the steps that come next, a summary of "
        "the steps, or the scene",
    )
    parser.add_argument(
        "--thinking",
        choices=THINKING_MODES,
        help="let the model think first; auto: where that measured not worse. /think and /no_think "
        "in a text switch it, too",
    )
    parser.add_argument(
        "--thinking-budget",
        type=int,
        metavar="TOKENS",
        help="most tokens of the thought; one that would probably need more is not begun",
    )
    parser.add_argument("--seed", type=int, help="the same seed gives the same plan")
    parser.add_argument(
        "--history",
        action="append",
        metavar="TASK",
        help="a task that the next one must not repeat; give it again for more",
    )


def plan(arguments: argparse.Namespace) -> int:
    """Plan, and print what was wanted."""
    wish = wishes.given(arguments, *_WISHES)
    wish["history"] = tuple(wish.get("history", ()))
    from motion.generate import MotionGenerator
    from motion.generate.plan_requests import PlanRequest

    PlanRequest(**wish)  # refuses what would else be refused after loading weights
    found = MotionGenerator.from_pretrained(arguments.checkpoint).plan(**wish)
    if arguments.json:
        print(json.dumps(asdict(found), indent=2, ensure_ascii=False))
        return 0
    if found.thought:
        print(f"thought: {found.thought}")
    if found.want in WANTED_STEPS:
        for number, step in enumerate(found.steps, 1):
            print(f"{number}. {step}")
    else:
        print(found.text)
    for warning in found.warnings:
        print(f"note: {warning}")
    return 0
