"""Release folders in their true format whose weights are random, and their tiny text encoder."""

from pathlib import Path

import torch
import yaml
from made_models import make_language_model, make_tokenizer
from made_weights import WIDTH, make_e5_file

from motion.conditioners.e5 import bake_e5
from motion.generate import save_language_model
from motion.language import MotionLanguageModel
from motion.tokenizer import MotionTokenizer
from motion.train.text_pieces import train_text_pieces


def write_encoder(folder: Path) -> Path:
    """Write a text encoder that is ``WIDTH`` wide."""
    folder.mkdir(parents=True, exist_ok=True)
    bake_e5(make_e5_file()[0], folder)
    return folder


def write_tokenizer(folder: Path, tokenizer: MotionTokenizer) -> None:
    for part in tokenizer.part_names:
        tokenizer.part(part).save(folder / part)


def write_checkpoint(folder: Path, seed: int = 0) -> MotionLanguageModel:
    """Write a complete release folder; give the language model in it."""
    torch.manual_seed(seed)
    tokenizer = make_tokenizer()
    model = make_language_model(tokenizer, condition_dim=WIDTH)
    write_tokenizer(folder / "tokenizer", tokenizer)
    pieces = train_text_pieces(["a person walks and waves"], 300)
    save_language_model(model, pieces, folder / "language")
    (folder / "config.yaml").write_text(yaml.safe_dump({"fps": 30}), "utf-8")
    return model
