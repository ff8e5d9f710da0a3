"""Release weights beside Lightning's checkpoints."""

from pathlib import Path

from pytorch_lightning import Callback, LightningModule, Trainer


class ExportWeights(Callback):
    """Writes the module's release folder after every validation and at the end of training."""

    def __init__(self, folder: Path) -> None:
        """Say where.

        Args:
            folder: Release folder; the module writes its files into it.
        """
        self.folder = folder

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Export what has just been validated."""
        if not trainer.sanity_checking:
            pl_module.export(self.folder)  # type: ignore[operator]

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Export the final weights."""
        pl_module.export(self.folder)  # type: ignore[operator]
