"""Measure what semantic-aware sampling does: prompts passed, variety between seeds, jerk.

    python tools/measure_sampling.py --out benchmarks/sampling.json

Every setting makes the same prompts with the same seeds, one candidate each and no foot clean-up,
so that nothing but the sampling differs. Prints a line a setting; the JSON holds the protocol.
"""

import argparse
import json
import math
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean, stdev

import torch

from motion.alignment import AlignmentModel
from motion.evaluate.check_grammar import PromptSuite, load_suite, packaged_suite
from motion.evaluate.prompts import run_prompt_suite
from motion.formats import atomic_path
from motion.generate import GenerationRequest, MotionGenerator
from motion.generate.checkpoint import DEFAULT_CHECKPOINT
from motion.language import SamplingConfig
from motion.representation import FPS, NUM_BODY_JOINTS, Motion

TEMPERATURES: tuple[tuple[float, float | None], ...] = (
    (0.9, None),
    (0.9, 2.0),
    (0.9, 0.5),
    (0.9, 0.2),
    (1.3, None),
    (1.3, 0.2),
)
"""Temperature and semantic temperature of each setting; the first is what others are held to."""
PROTOCOL = (
    "every n-th prompt of the suite; passed: all checks of a motion hold, Wilson interval; "
    "variety_mm: mean distance of the body joints, root-relative, between motions of one prompt at "
    "equal times; variety_cosine: 1 - cosine of their embeddings in the shared space; "
    "jerk_m_per_s3: mean length of the third difference of the body joints in the world; "
    "change_95: mean paired difference to the first setting and half its 95 % interval"
)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One setting's figures by prompt, in one order."""

    passed: list[float]
    variety_mm: list[float]
    variety_cosine: list[float]
    jerk_m_per_s3: list[float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", type=Path, default=packaged_suite("heldout"))
    parser.add_argument("--prompts", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--checkpoint", type=Path, default=None)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    suite = load_suite(arguments.suite)
    stride = max(1, len(suite.prompts) // arguments.prompts)
    suite = replace(suite, prompts=suite.prompts[::stride][: arguments.prompts])
    folder = arguments.checkpoint or DEFAULT_CHECKPOINT
    generator = MotionGenerator.from_pretrained(folder)
    alignment = AlignmentModel.load(folder / "alignment")
    rows: list[dict[str, object]] = []
    first: Measured | None = None
    for temperature, semantic in TEMPERATURES:
        sampling = replace(
            generator.sampling, temperature=temperature, semantic_temperature=semantic
        )
        row, found = measure(generator, alignment, suite, sampling, arguments.seeds)
        first = first or found
        row["change_95"] = {
            name: paired(values, getattr(first, name)) for name, values in vars(found).items()
        }
        rows.append(row)
        print(json.dumps(row))
    protocol = {
        "command": f"python tools/measure_sampling.py --suite {arguments.suite} --prompts "
        f"{arguments.prompts} --seeds {arguments.seeds} --out {arguments.out}",
        "checkpoint": str(arguments.checkpoint or "checkpoints/default"),
        "what": PROTOCOL,
        "prompts": [prompt.text for prompt in suite.prompts],
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    with atomic_path(arguments.out) as path:
        text = json.dumps({"protocol": protocol, "settings": rows}, indent=1, ensure_ascii=False)
        path.write_text(text + "\n", "utf-8")


def measure(
    generator: MotionGenerator,
    alignment: AlignmentModel,
    suite: PromptSuite,
    sampling: SamplingConfig,
    num_seeds: int,
) -> tuple[dict[str, object], Measured]:
    """Make all motions of one setting."""
    made: dict[str, list[Motion]] = {}

    def generate(text: str, seconds: float, seed: int) -> Motion:
        request = GenerationRequest(
            text=text,
            seconds=seconds,
            seed=seed,
            sampling=sampling,
            foot_lock=False,
            candidates=1,
        )
        made.setdefault(text, []).append(generator.generate_batch([request])[0].motion)
        return made[text][-1]

    began = time.process_time()
    report = run_prompt_suite(generate, suite, seeds=tuple(range(num_seeds)))
    spent = time.process_time() - began
    results = [float(row["passed"]) for row in report["prompts"]]
    groups = [made[prompt.text] for prompt in suite.prompts]
    found = Measured(
        passed=[fmean(results[i : i + num_seeds]) for i in range(0, len(results), num_seeds)],
        variety_mm=[_variety_mm(group) for group in groups],
        variety_cosine=[_spread(alignment.embed_motion(group)) for group in groups],
        jerk_m_per_s3=[fmean(jerk(motion) for motion in group) for group in groups],
    )
    row: dict[str, object] = {"sampling": asdict(sampling), "passed": report["overall"]}
    for name in ("variety_mm", "variety_cosine", "jerk_m_per_s3"):
        row[name] = fmean(getattr(found, name))
    row["cpu_seconds"] = spent
    return row, found


def paired(values: Sequence[float], others: Sequence[float]) -> tuple[float, float]:
    """Mean difference and half its 95 % interval, over prompts."""
    differences = [a - b for a, b in zip(values, others, strict=True)]
    half = 1.96 * stdev(differences) / math.sqrt(len(differences))
    return fmean(differences), half


def jerk(motion: Motion) -> float:
    """Mean length of the third derivative of the body joints, m/s^3."""
    steps = motion.joints(NUM_BODY_JOINTS).diff(n=3, dim=0) * FPS**3
    return float(steps.norm(dim=-1).mean())


def _variety_mm(group: Sequence[Motion]) -> float:
    poses = [motion.joints(NUM_BODY_JOINTS) for motion in group]
    poses = [joints - joints[:, :1] for joints in poses]
    return fmean(
        float((poses[a] - poses[b]).norm(dim=-1).mean()) * 1000
        for a in range(len(poses))
        for b in range(a)
    )


def _spread(embeddings: torch.Tensor) -> float:
    cosines = embeddings @ embeddings.T
    count = len(cosines)
    return 1 - float(cosines.sum() - cosines.trace()) / (count * (count - 1))


if __name__ == "__main__":
    main()
