"""Compare tokenizers trained on the same windows for the same CPU time.

    python tools/compare_tokenizers.py --data prepared --cpu-seconds 300

Trained are: ours (lower and upper body, half of the time each) with one decoder stage and with root
refinement as the second, and one residual VQ-VAE of MoMask's size for the whole body, the latter
with several learning rates of which validation clips choose. Errors are those of test clips.
"""

import argparse
import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from tokenizer_comparison.training import BATCH_SIZE, WINDOW, Training, train_part, train_whole_body
from tokenizer_comparison.whole_body import FRAMES_PER_CODE, WholeBodyTokenizer
from torch import nn

from motion.data import PreparedCorpus
from motion.evaluate.benchmark import describe_machine, package_versions
from motion.evaluate.benchmark_bars import Bar, judge
from motion.evaluate.benchmark_tokenizer import open_corpora
from motion.evaluate.reconstruction import BodyTokenizer, evaluate_reconstruction
from motion.formats import atomic_path
from motion.representation import FPS
from motion.tokenizer import MotionTokenizer, PartTokenizer, PartTokenizerConfig
from motion.train.feature_store import FeatureStore, build_store

CORPUS_WEIGHTS = {"bandai": 1.0, "cmu": 1.5, "cc0": 1.5}
"""As in configs/tokenizer."""
REFINER_WIDTH = 64
ONE_STAGE, TWO_STAGE, WHOLE_BODY = "ours, one stage", "ours, two stages", "MoMask-size residual VQ"
KEPT = ("mpjpe_mm", "wrist_mm", "toe_mm", "global_first_mm", "global_at_mm", "global_mm")
KEPT += ("acceleration_error", "acceleration", "num_clips", "num_frames", "codebooks")


@dataclass(frozen=True, kw_only=True)
class Trained:
    """One of the compared tokenizers."""

    name: str
    tokenizer: BodyTokenizer
    parameters: int
    bits_per_second: float
    trainings: dict[str, Training]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="prepared corpora")
    parser.add_argument("--cpu-seconds", type=float, default=150.0, help="for each tokenizer")
    parser.add_argument(
        "--rates",
        type=float,
        nargs="+",
        default=[4e-4, 1.2e-3],
        help="learning rates that the MoMask-size tokenizer tries, each for the whole time",
    )
    parser.add_argument("--clips", type=int, help="take only this many test clips of each corpus")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/tokenizer_comparison.json"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    load_before = os.getloadavg()
    corpora = open_corpora(arguments.data)
    store = build_store(
        corpora, "train", ("lower", "upper"), mirror=True, corpus_weights=CORPUS_WEIGHTS
    )
    compared = [*train_ours(store, arguments.cpu_seconds, arguments.seed)]
    compared.append(best_whole_body(store, corpora, arguments))
    variants = [describe(trained, corpora, arguments.clips) for trained in compared]
    report = {
        "format_version": 1,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            **describe_machine(),
            "load_before": load_before,
            "load_after": os.getloadavg(),
        },
        "versions": package_versions(),
        "protocol": protocol(arguments, corpora),
        "bars": bars(variants, arguments.cpu_seconds),
        "variants": variants,
    }
    with atomic_path(arguments.out) as path:
        path.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n", "utf-8")
    print(table(variants))
    print(f"wrote {arguments.out}")


def train_ours(store: FeatureStore, cpu_seconds: float, seed: int) -> list[Trained]:
    """Train one stage and two stages; the upper body is the same in both."""
    half = cpu_seconds / 2
    upper = train_part(PartTokenizerConfig(part="upper"), store, half, seed)
    made = []
    for name, width in ((ONE_STAGE, 0), (TWO_STAGE, REFINER_WIDTH)):
        config = PartTokenizerConfig(part="lower", refiner_width=width)
        lower = train_part(config, store, half, seed)
        parts: dict[str, PartTokenizer] = {"lower": lower[0], "upper": upper[0]}
        made.append(
            Trained(
                name=name,
                tokenizer=MotionTokenizer(parts),
                parameters=sum(parameters(part) for part in parts.values()),
                bits_per_second=sum(
                    bits(part.quantizer.codebooks, part.frames_per_code) for part in parts.values()
                ),
                trainings={"lower": lower[1], "upper": upper[1]},
            )
        )
    return made


def best_whole_body(
    store: FeatureStore, corpora: Sequence[PreparedCorpus], arguments: argparse.Namespace
) -> Trained:
    """Train with every learning rate; validation clips choose."""
    best: tuple[float, Trained] | None = None
    for rate in arguments.rates:
        torch.manual_seed(arguments.seed)
        tokenizer = WholeBodyTokenizer()
        made = train_whole_body(tokenizer, store, arguments.cpu_seconds, rate, arguments.seed)
        found = [errors(tokenizer, corpus, "val", arguments.clips) for corpus in corpora]
        error = sum(e["mpjpe_mm"] for e in found) / len(found)
        print(f"{WHOLE_BODY}, rate {rate:g}: {made.steps} steps, val MPJPE {error:.1f} mm")
        if best is None or error < best[0]:
            codebooks = tokenizer.quantizer.codebooks
            trained = Trained(
                name=WHOLE_BODY,
                tokenizer=tokenizer,
                parameters=parameters(tokenizer),
                bits_per_second=bits(codebooks, FRAMES_PER_CODE),
                trainings={"body": made},
            )
            best = (error, trained)
    assert best is not None
    return best[1]


def describe(
    trained: Trained, corpora: Sequence[PreparedCorpus], clips: int | None
) -> dict[str, Any]:
    """Sizes, training and test errors as plain values."""
    return {
        "name": trained.name,
        "parameters": trained.parameters,
        "bits_per_second": trained.bits_per_second,
        "trainings": {name: asdict(made) for name, made in trained.trainings.items()},
        "errors": {
            corpus.name: errors(trained.tokenizer, corpus, "test", clips) for corpus in corpora
        },
    }


def errors(
    tokenizer: BodyTokenizer, corpus: PreparedCorpus, split: str, clips: int | None
) -> dict[str, Any]:
    """Reconstruction errors on a split of a corpus."""
    motions = (corpus.motion(index) for index in corpus.select(split)[:clips])
    report = asdict(evaluate_reconstruction(tokenizer, motions, data_set=corpus.name, split=split))
    return {name: report[name] for name in KEPT}


def bars(variants: Sequence[dict[str, Any]], cpu_seconds: float) -> list[dict[str, Any]]:
    """Ours (two stages, as shipped) must be better than the MoMask-size one."""
    by_name = {variant["name"]: variant["errors"] for variant in variants}
    ours, other = by_name[TWO_STAGE], by_name[WHOLE_BODY]
    wanted = [
        Bar(
            what=f"MPJPE against a MoMask-size residual VQ, same data and {cpu_seconds:g} CPU-s "
            f"each, {corpus} test clips",
            figure=f"{corpus}.mpjpe_mm",
            relation="<=",
            limit=round(other[corpus]["mpjpe_mm"], 1),
            unit="mm",
            digits=1,
        )
        for corpus in ours
    ]
    return judge(wanted, ours)


def protocol(arguments: argparse.Namespace, corpora: Sequence[PreparedCorpus]) -> dict[str, Any]:
    """What a reader needs to repeat it."""
    taken = "all" if arguments.clips is None else f"the first {arguments.clips} of the"
    return {
        "data": [corpus.name for corpus in corpora],
        "test": f"{taken} test clips of each corpus, never trained on",
        "cpu_seconds": arguments.cpu_seconds,
        "budget": "process CPU seconds of one thread for each tokenizer; ours: half for each part",
        "batch_size": BATCH_SIZE,
        "window_frames": WINDOW,
        "fps": FPS,
        "precision": "bf16 autocast",
        "rates_tried": arguments.rates,
        "seed": arguments.seed,
    }


def table(variants: Sequence[dict[str, Any]]) -> str:
    """Write the comparison as a Markdown table."""
    corpora = list(variants[0]["errors"])
    cells = [f"{name}: MPJPE / global at 3 s (mm)" for name in corpora]
    head = ["tokenizer", "parameters", "bits/s", "steps", *cells]
    lines = [_row(head), _row(["---"] * len(head))]
    for variant in variants:
        steps = " + ".join(str(made["steps"]) for made in variant["trainings"].values())
        row = [variant["name"], f"{variant['parameters'] / 1e6:.1f} M"]
        row += [f"{variant['bits_per_second']:.0f}", steps]
        for corpus in corpora:
            found = variant["errors"][corpus]
            drift = found["global_at_mm"]
            row.append(
                f"{found['mpjpe_mm']:.1f} / " + ("none" if drift is None else f"{drift:.0f}")
            )
        lines.append(_row(row))
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def parameters(module: nn.Module) -> int:
    """Trained numbers, without codebooks and statistics."""
    return sum(parameter.numel() for parameter in module.parameters())


def bits(codebooks: torch.Tensor, frames_per_code: int) -> float:
    """Bits a second that the codes can tell."""
    levels, rows, _ = codebooks.shape
    return levels * math.log2(rows) * FPS / frames_per_code


if __name__ == "__main__":
    main()
