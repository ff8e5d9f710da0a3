"""Decide where a planner should think by itself, and write it into the checkpoint.

    python tools/decide_thinking.py --plans PREPARED/plans --checkpoint checkpoints/default

Full thoughts are held against none on validation questions; ``auto`` thinks in tasks where thoughts
do no harm. ``motion evaluate --suite plan`` measures plans; the test questions are left to it.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from motion.evaluate.plan_suite import MARGIN, PRODUCT, PlanSuite, choose_examples, not_worse
from motion.generate import MotionGenerator
from motion.generate.checkpoint import LANGUAGE_FOLDER
from motion.tasks.examples import read_examples
from motion.tasks.thinking_need import load_need, measure_need, save_need


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plans", type=Path, required=True, help="written by motion prepare plans")
    parser.add_argument("--checkpoint", type=Path, default=None)
    parser.add_argument("--split", default="val")
    parser.add_argument("--count", type=int, default=150, help="questions of each task")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    generator = MotionGenerator.from_pretrained(arguments.checkpoint)
    assert generator.folder is not None
    folder = generator.folder / LANGUAGE_FOLDER
    need = load_need(folder)
    if not need.tasks:
        learned = read_examples(arguments.plans / "train.jsonl")
        need = measure_need(learned, lambda text: len(generator.answerer.pieces_of(text)))
    examples = read_examples(arguments.plans / f"{arguments.split}.jsonl")
    suite = PlanSuite(
        answerer=generator.answerer,
        need=need,
        examples=choose_examples(examples, arguments.count),
        progress=lambda line: print(line, flush=True),
    )
    chosen = not_worse(suite.thinking(PRODUCT))
    print(f"auto thinks in: {', '.join(chosen) or 'no task'} (margin {MARGIN:.0%})")
    if not arguments.dry_run:
        save_need(replace(need, not_worse=chosen), folder)
        print(f"wrote {folder}")


if __name__ == "__main__":
    main()
