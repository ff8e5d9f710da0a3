"""A tiny release folder and a generator that reads it."""

from pathlib import Path

import pytest
from made_checkpoints import write_checkpoint, write_encoder

from motion.generate import MotionGenerator


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    write_checkpoint(folder)
    return folder


@pytest.fixture(scope="session")
def generator(checkpoint: Path, encoder_folder: Path) -> MotionGenerator:
    return MotionGenerator.from_pretrained(checkpoint, text_encoder=encoder_folder)
