"""Chance in training that depends on the batch alone, so that a resumed run goes on exactly."""

import os
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

SEED_VARIABLE = "PL_GLOBAL_SEED"
"""Where ``seed_everything`` leaves its seed."""
_STRIDE = 1_000_003


class SeedEveryBatch(Callback):
    """Seeds torch before every training batch by (seed, epoch, batch number, process).

    Dropout, dropped conditions, corrupted codes and restarted codebook rows draw from torch's
    global generator, whose state Lightning's checkpoints do not hold.
    """

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Set the generators; nothing when the run has no seed."""
        if SEED_VARIABLE not in os.environ:
            return
        seed = int(os.environ[SEED_VARIABLE])
        for number in (trainer.current_epoch, batch_idx, trainer.global_rank):
            seed = (seed * _STRIDE + number) % 2**63
        torch.manual_seed(seed)
