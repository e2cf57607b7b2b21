"""Lightning's Trainer with its defaults; apart, as it can only be imported where installed."""

# mypy: disable-error-code="import-not-found, misc"

import tempfile
from collections.abc import Callable
from typing import Any

import lightning
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader


class _Module(lightning.LightningModule):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.criterion = nn.CrossEntropyLoss()

    def training_step(self, batch: tuple[Tensor, Tensor], _index: int) -> Tensor:
        images, targets = batch
        outputs = self.model(images)
        loss: Tensor = self.criterion(outputs, targets)
        self.log("train_loss", loss)
        self.log("train_accuracy", (outputs.argmax(1) == targets).float().mean())
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=1e-3)


class _Watch(lightning.Callback):
    def __init__(self, go_on: Callable[[], bool]) -> None:
        self._go_on = go_on

    def on_train_batch_end(self, trainer: lightning.Trainer, *_other: Any) -> None:
        if not self._go_on():
            trainer.should_stop = True


def fit(model: nn.Module, loader: DataLoader[Any], go_on: Callable[[], bool]) -> None:
    """Train until `go_on`, called after each step, returns False."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = lightning.Trainer(
            accelerator="cpu", max_epochs=1000, default_root_dir=folder, callbacks=[_Watch(go_on)]
        )
        trainer.fit(_Module(model), loader)
