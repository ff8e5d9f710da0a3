r"""Compare backbones of the language model: the same steps on the same batches, what each learned.

python tools/compare_backbones.py --data prepared --steps 400 --out benchmarks/backbones.json \
--docs docs/backbones.md

Each backbone is trained on motions with captions, gaps, descriptions of motions, plans and
sentences, and validated on held-out ones. A report that is there already is completed: backbones in
it are not trained again, so a run that was stopped goes on, and a finished one only writes its
table. Speed is told in CPU seconds of the process, so that other work shifts it little.
"""

import argparse
import json
import logging
import math
import os
import time
import warnings
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import pytorch_lightning
import torch
from benchmark_table import with_table

from motion.conditioners import Condition
from motion.evaluate.benchmark import describe_machine, package_versions
from motion.formats import atomic_path
from motion.generate.checkpoint import DEFAULT_CHECKPOINT, TOKENIZER_FOLDER
from motion.language import (
    BackboneConfig,
    DecodingEngine,
    MotionLanguageModel,
    MotionLanguageModelConfig,
    SamplingConfig,
    StepRequest,
)
from motion.train.language_stage import LanguageModule, LanguageTrainingConfig
from motion.train.schedule import OptimizerConfig
from motion.train.seeding import SeedEveryBatch
from motion.train.step_data import StepData, StepDrawingConfig, StitchingConfig
from motion.train.task_data import TasksConfig, TaskStage

FORMAT_VERSION = 1
START, END = "<!-- backbones:start -->", "<!-- backbones:end -->"
SHARES = {"motions": 0.33, "gaps": 0.17, "captions": 0.17, "plans": 0.3, "sentences": 0.03}
"""Of the kinds of batches."""
KINDS = ("codes", "gaps", "captions", "plans")
"""Validation losses in the table, in nats: of a code, of a code in a gap, of an answer's piece."""
CLIP_STEPS = 50
"""10 s of motion."""
REPEATS = 3
TRAINING = LanguageTrainingConfig(corrupt=0.15)
"""As in configs/language."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One of the compared backbones."""

    backbone: BackboneConfig
    reads: str
    """How it reads and what it is, for the table."""
    learning_rate: float = 8e-4


BACKBONES = {
    "small": Compared(
        backbone=BackboneConfig(source="small"), reads="Qwen3, causal (the default weights)"
    ),
    "small-llama": Compared(backbone=BackboneConfig(source="small-llama"), reads="Llama, causal"),
    "small-gpt2": Compared(
        backbone=BackboneConfig(source="small-gpt2"), reads="GPT-2, causal, learned positions"
    ),
    "small-t5": Compared(
        backbone=BackboneConfig(source="small-t5"), reads="T5, encoder and decoder, as AvatarGPT"
    ),
    "smollm2-12-lora": Compared(
        backbone=BackboneConfig(source="smollm2", num_layers=12, lora_rank=16),
        reads="Llama pretrained on English, updates of rank 16",
        learning_rate=1e-3,
    ),
}
DEFAULT_BACKBONES = "small,small-llama,small-gpt2,small-t5"


class Clock(pytorch_lightning.Callback):
    """Counts the CPU seconds of training steps."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._begun = 0.0

    def on_train_batch_start(self, *_: Any) -> None:
        """Note the time."""
        self._begun = time.process_time()

    def on_train_batch_end(self, *_: Any) -> None:
        """Count the step."""
        self.seconds.append(time.process_time() - self._begun)


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    torch.set_num_threads(1)
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    for said in (".*does not have many workers.*", ".*set_vital.*", ".*LeafSpec.*"):
        warnings.filterwarnings("ignore", message=said)
    report = _begun(options)
    done = {row["name"] for row in report["backbones"]}
    missing = [name for name in options.backbones.split(",") if name not in done]
    data = _data(options) if missing else None
    for name in missing:
        assert data is not None
        row = measure(name, data, options)
        report["backbones"].append(row)
        with atomic_path(options.out) as path:
            path.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", "utf-8")
        print(json.dumps(row))
    rows = table(report)
    print(rows, end="")
    if options.docs is not None:
        page = with_table(options.docs.read_text("utf-8"), rows, START, END)
        with atomic_path(options.docs) as path:
            path.write_text(page, "utf-8")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of prepared corpora")
    parser.add_argument("--corpora", default="bandai,cmu,cc0", help="its sub-folders with motions")
    parser.add_argument("--examples", default="plans", help="its sub-folders with text tasks")
    parser.add_argument("--tokenizer", type=Path, default=DEFAULT_CHECKPOINT / TOKENIZER_FOLDER)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--backbones", default=DEFAULT_BACKBONES, help="names, by commas")
    parser.add_argument("--steps", type=int, required=True, help="training steps of each")
    parser.add_argument("--steps-per-batch", type=int, default=900, help="motion steps a batch")
    parser.add_argument("--joined", type=int, default=14000, help="motions joined of real ones")
    parser.add_argument("--pieces", type=int, default=4096, help="text pieces of presets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="report, JSON")
    parser.add_argument("--docs", type=Path, help="page whose table is written anew")
    return parser.parse_args(arguments)


def _begun(options: argparse.Namespace) -> dict[str, Any]:
    """The report so far: of the same protocol, or a new one."""
    said = json.loads(json.dumps(protocol(options)))  # as it is read back
    if options.out.is_file():
        known: dict[str, Any] = json.loads(options.out.read_text("utf-8"))
        if known["protocol"] != said:
            raise SystemExit(f"{options.out} is about another protocol; move it away first")
        return known
    return {
        "format_version": FORMAT_VERSION,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "versions": package_versions(),
        "protocol": said,
        "backbones": [],
    }


def protocol(options: argparse.Namespace) -> dict[str, Any]:
    """What a reader needs to repeat it."""
    return {
        "corpora": options.corpora.split(","),
        "examples": options.examples.split(","),
        "steps": options.steps,
        "steps_per_batch": options.steps_per_batch,
        "joined_motions": options.joined,
        "text_pieces": options.pieces,
        "shares": SHARES,
        "training": asdict(TRAINING),
        "optimizer": "AdamW, weight decay 0.05, gradients clipped at 1, warm-up of a tenth of the "
        "steps, then a cosine down to 2 %",
        "precision": "bf16-mixed",
        "seed": options.seed,
        "validation": "fixed batches of held-out clips, captions and scenes; nats",
        "clip": f"{CLIP_STEPS} motion steps by the engine alone, guidance 2, batch of one; CPU s",
    }


def _data(options: argparse.Namespace) -> StepData:
    tasks = TasksConfig(
        examples=options.examples.split(","),
        schedule=[TaskStage(weights=dict(SHARES))],
        max_sentences=3000,
    )
    data = StepData(
        root=options.data,
        corpora=options.corpora.split(","),
        tokenizer=options.tokenizer,
        stitching=StitchingConfig(
            num_samples=options.joined, succession_share=0.7, max_steps=72, weight=0.8
        ),
        drawing=StepDrawingConfig(
            steps_per_batch=options.steps_per_batch, num_batches=options.steps, seed=options.seed
        ),
        tasks=tasks,
        cache=options.cache,
    )
    data.setup("fit")
    return data


def measure(name: str, data: StepData, options: argparse.Namespace) -> dict[str, Any]:
    """Train one backbone and say what it learned and what it costs."""
    compared = BACKBONES.get(name) or Compared(backbone=BackboneConfig(source=name), reads="")
    pytorch_lightning.seed_everything(options.seed, verbose=False)
    module = LanguageModule(
        MotionLanguageModelConfig(
            backbone=compared.backbone,
            condition_dim=data.features.dim,
            num_text_pieces=options.pieces,
        ),
        TRAINING,
        OptimizerConfig(
            learning_rate=compared.learning_rate,
            warmup_steps=max(1, options.steps // 10),
            total_steps=max(options.steps, 2),
            weight_decay=0.05,
        ),
    )
    clock = Clock()
    trainer = pytorch_lightning.Trainer(
        accelerator="cpu",
        devices=1,
        precision="bf16-mixed",
        max_steps=options.steps,
        gradient_clip_val=1.0,
        limit_val_batches=0,
        callbacks=[SeedEveryBatch(), clock],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, datamodule=data)
    validator = pytorch_lightning.Trainer(
        accelerator="cpu", devices=1, logger=False, enable_progress_bar=False
    )
    found = validator.validate(module, datamodule=data, verbose=False)[0]
    model = module.model
    assert model is not None
    weights = list(model.parameters())
    return {
        "name": name,
        "reads": compared.reads,
        "backbone": asdict(compared.backbone),
        "learning_rate": compared.learning_rate,
        "parameters": sum(weight.numel() for weight in weights),
        "trained_parameters": sum(w.numel() for w in weights if w.requires_grad),
        "train_cpu_seconds": sum(clock.seconds),
        "cpu_seconds_per_step": sum(clock.seconds) / len(clock.seconds),
        "clip_cpu_seconds": clip_cpu_seconds(model),
        "pieces_per_character": pieces_per_character(module.text_pieces, data),
        "validation": {key.removeprefix("val/"): value for key, value in found.items()},
        "load_after": os.getloadavg(),
    }


def clip_cpu_seconds(model: MotionLanguageModel) -> float:
    """Cost of ten seconds of motion, without text encoder and tokenizer."""
    engine = DecodingEngine(model)
    width = model.config.condition_dim
    condition = Condition(
        embedding=torch.zeros(1, 12, width),
        mask=torch.ones(1, 12, dtype=torch.bool),
        pooled=torch.zeros(1, width),
        rate=None,
        modality="text",
    )
    costs = []
    for _ in range(REPEATS):
        begun = time.process_time()
        engine.generate(condition, [StepRequest(num_steps=CLIP_STEPS)], SamplingConfig())
        costs.append(time.process_time() - begun)
    return median(costs)


def pieces_per_character(text_pieces: Any, data: StepData) -> float:
    """Of held-out answers, ``<end>`` included: what makes losses of other pieces comparable."""
    answers = [example.answer for example in data.tasks["val"].texts.examples]
    pieces = [text_pieces.encode(answer, add_special_tokens=False).ids for answer in answers]
    return sum(len(ids) + 1 for ids in pieces) / sum(len(answer) for answer in answers)


def table(report: dict[str, Any]) -> str:
    """The comparison in Markdown."""
    head = ["backbone", "what it is", "parameters (trained)", "code", "code in a gap"]
    head += ["caption", "plan", "plan, bits a character", "training step", "10 s clip"]
    lines = [_row(head), _row(["---"] * len(head))]
    for row in report["backbones"]:
        sizes = f"{row['parameters'] / 1e6:.1f} M ({row['trained_parameters'] / 1e6:.1f} M)"
        losses = [row["validation"].get(kind) for kind in KINDS]
        plan = row["validation"].get("plans")
        bits = None if plan is None else plan * row["pieces_per_character"] / math.log(2)
        figures = ["none" if x is None else f"{x:.2f}" for x in (*losses, bits)]
        costs = [f"{row[key]:.2f} s" for key in ("cpu_seconds_per_step", "clip_cpu_seconds")]
        lines.append(_row([f"`{row['name']}`", row["reads"], sizes, *figures, *costs]))
    return "\n".join(lines) + "\n"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
