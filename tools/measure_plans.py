"""Measure how well a checkpoint plans in held-out scenes, and whether it should think.

    python tools/measure_plans.py --plans PREPARED/plans --out benchmarks/plans.json

Prints shares of answers that parse, can be executed and are sound; the JSON holds all figures with
their rules and intervals. ``--decide`` writes where ``auto`` thinks into the checkpoint.
"""

import argparse
import json
import platform
from dataclasses import replace
from pathlib import Path

import torch

from motion.evaluate.plan_scores import RULES
from motion.evaluate.plan_suite import (
    MARGIN,
    PRODUCT,
    RAW,
    SYSTEMS,
    PlanSuite,
    choose_examples,
    described,
    not_worse,
)
from motion.formats import atomic_path
from motion.generate import MotionGenerator
from motion.generate.checkpoint import DEFAULT_CHECKPOINT, LANGUAGE_FOLDER
from motion.tasks.examples import read_examples
from motion.tasks.thinking_need import load_need, measure_need, save_need

PARTS = ("systems", "thinking", "budgets", "wordings")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plans", type=Path, required=True, help="written by motion prepare plans")
    parser.add_argument("--checkpoint", type=Path, default=None)
    parser.add_argument("--split", default="test")
    parser.add_argument("--count", type=int, default=150, help="questions of each task")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part only")
    parser.add_argument("--decide", action="store_true", help="write the decision and the need")
    parser.add_argument("--out", type=Path, required=True)
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
    measures = {
        "systems": suite.systems,
        "thinking": lambda: think(suite),
        "budgets": suite.budgets,
        "wordings": suite.wordings,
    }
    report: dict = {"protocol": protocol(arguments, suite)}
    for name in arguments.only or measures:
        report[name] = measures[name]()
        write(report, arguments.out)
    if "thinking" in report:
        chosen = tuple(report["thinking"]["auto thinks in"])
        print(f"auto thinks in: {', '.join(chosen) or 'no task'}")
        if arguments.decide:
            save_need(replace(need, not_worse=chosen), folder)
            print(f"wrote {folder}")


def think(suite: PlanSuite) -> dict:
    product = suite.thinking(PRODUCT)
    return {
        "product": described(product),
        "raw": described(suite.thinking(RAW)),
        "rule": f"auto thinks where the product's difference is not negative and its interval "
        f"stays above -{MARGIN}",
        "auto thinks in": list(not_worse(product)),
    }


def protocol(arguments: argparse.Namespace, suite: PlanSuite) -> dict:
    return {
        "command": f"python tools/measure_plans.py --plans PREPARED/plans --split {arguments.split}"
        f" --count {arguments.count}",
        "checkpoint": (arguments.checkpoint or DEFAULT_CHECKPOINT).name,
        "data": f"'{arguments.split}' of motion prepare plans: kinds of scene that training lacks; "
        "real captions of its own split",
        "questions": len(suite.examples),
        "rules": RULES,
        "verifier": "the product asks again with the same constraints that it is measured by; they "
        "need no reference, only scene and task",
        "systems": {name: str(config) for name, config in SYSTEMS.items()},
        "first answer": "greedy; further ones drawn with other seeds",
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def write(report: dict, path: Path) -> None:
    with atomic_path(path) as target:
        target.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
