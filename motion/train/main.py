"""``motion train STAGE fit|validate --config FILE ...``: Lightning's CLI over ``configs/``."""

import importlib
import warnings
from dataclasses import dataclass
from typing import Any

from motion.errors import ConfigError
from motion.optional import require


@dataclass(frozen=True)
class Stage:
    """Where a stage's Lightning module and data module live."""

    module: str
    model_class: str
    data_class: str


STAGES = {
    "tokenizer": Stage("motion.train.tokenizer_stage", "TokenizerModule", "WindowData"),
    "language": Stage("motion.train.language_stage", "LanguageModule", "StepData"),
    "alignment": Stage("motion.train.alignment_stage", "AlignmentModule", "PairData"),
    "evaluator": Stage("motion.train.evaluator_stage", "EvaluatorModule", "EvaluatorData"),
}

COMMANDS = ("fit", "validate", "test", "predict")
"""What LightningCLI can do with a stage."""


def main(args: list[str]) -> None:
    """Run one stage.

    Args:
        args: Stage name, then what LightningCLI takes: ``fit --config FILE --data.root DIR``.

    Raises:
        ConfigError: The stage is unknown.
    """
    if not args or args[0] not in STAGES:
        raise ConfigError(
            f"expected a stage to train, one of {list(STAGES)}, got {args[0] if args else 'none'}"
        )
    stage = STAGES[args[0]]
    lightning = require("pytorch_lightning.cli")
    jsonargparse = require("jsonargparse")
    jsonargparse.set_parsing_settings(docstring_parse_attribute_docstrings=True)
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message="LightningCLI's args parameter")
    # Complaints are raised, for the command line to say them in one sentence.
    by_command: dict[str, Any] = {name: {"exit_on_error": False} for name in COMMANDS}
    module = importlib.import_module(stage.module)
    seeding = importlib.import_module("motion.train.seeding")
    lightning.LightningCLI(
        getattr(module, stage.model_class),
        getattr(module, stage.data_class),
        args=args[1:],
        parser_kwargs={"prog": f"motion train {args[0]}", "exit_on_error": False, **by_command},
        save_config_kwargs={"overwrite": True},
        seed_everything_default=0,
        trainer_defaults={"callbacks": [seeding.SeedEveryBatch()]},
    )
