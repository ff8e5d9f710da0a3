"""Check a checkpoint on prompt suites: does the motion do what was asked?

    python tools/run_prompts.py --suite motion/evaluate/prompt_suites/heldout.yaml --out OUT.json

Prints pass rates with 95 % intervals; the JSON holds every motion's results and the protocol.
"""

import argparse
import json
import platform
from pathlib import Path

import torch

from motion.evaluate.check_grammar import load_suite
from motion.evaluate.prompts import run_prompt_suite
from motion.formats import atomic_path
from motion.generate import MotionGenerator
from motion.representation import Motion


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", type=Path, action="append", required=True)
    parser.add_argument("--checkpoint", type=Path, default=None)
    parser.add_argument("--seeds", type=int, default=1, help="motions of each prompt")
    parser.add_argument("--guidance", type=float, default=None)
    parser.add_argument("--temperature", type=float, default=None)
    parser.add_argument("--top-k", type=int, default=None)
    parser.add_argument("--candidates", type=int, default=None)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--failures", action="store_true", help="list prompts that failed")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    generator = MotionGenerator.from_pretrained(arguments.checkpoint)

    def generate(text: str, seconds: float, seed: int) -> Motion:
        return generator.generate(
            text=text,
            seconds=seconds,
            seed=seed,
            guidance=arguments.guidance,
            temperature=arguments.temperature,
            top_k=arguments.top_k,
            candidates=arguments.candidates,
        ).motion

    reports = []
    for path in arguments.suite:
        report = run_prompt_suite(generate, load_suite(path), seeds=tuple(range(arguments.seeds)))
        reports.append(report)
        show(report, failures=arguments.failures)
    if arguments.out is not None:
        protocol = {
            "command": f"python tools/run_prompts.py --seeds {arguments.seeds} "
            + " ".join(f"--suite {path}" for path in arguments.suite),
            "checkpoint": str(arguments.checkpoint or "checkpoints/default"),
            "sampling": vars(generator.sampling),
            "candidates": arguments.candidates or generator.candidates,
            "torch": torch.__version__,
            "python": platform.python_version(),
        }
        with atomic_path(arguments.out) as target:
            text = json.dumps(
                {"protocol": protocol, "suites": reports}, indent=1, ensure_ascii=False
            )
            target.write_text(text + "\n", "utf-8")


def show(report: dict, *, failures: bool) -> None:
    overall = report["overall"]
    print(f"{report['suite']}: {overall['passed']}/{overall['total']} = {overall['share']:.0%}")
    for kind in ("by_language", "by_check"):
        found = (f"{n} {r['passed']}/{r['total']}" for n, r in report[kind].items())
        print(f"  {kind[3:]}: " + ", ".join(found))
    for row in report["prompts"] if failures else ():
        if not row["passed"]:
            missed = "; ".join(str(c) for c in row["checks"] if not c["passed"])
            print(f"  FAILED [{row['language']}] {row['text']} -> {missed[:200]}")


if __name__ == "__main__":
    main()
