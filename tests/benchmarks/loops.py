"""Training loops to compare with, one a process: prints steps per second as JSON.

    python tests/benchmarks/loops.py LOOP MODEL DATA_FOLDER SECONDS THREADS

Imports nothing of tuitrain: this is what people write without it.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

BATCH = 64
WARM_UP_S = 0.75
_LOOK_STEPS = 16

OnStep = Callable[[Tensor, Tensor, Tensor], None]


class Stopwatch:
    """Counts steps after a warm-up, until the time is over."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._steps = self._measured = 0
        self._started = time.perf_counter()
        self._warm = False
        self.steps_per_s = 0.0

    def step(self) -> bool:
        """Count one step; return whether to go on."""
        self._steps += 1
        if self._steps % _LOOK_STEPS:
            return True
        now = time.perf_counter()
        if not self._warm:
            if now - self._started > WARM_UP_S:
                self._warm, self._started, self._measured = True, now, self._steps
            return True
        self.steps_per_s = (self._steps - self._measured) / (now - self._started)
        return now - self._started < self._seconds


def build_model(name: str) -> nn.Module:
    """Return the model of a preset, written out."""
    if name == "mlp":
        return nn.Sequential(
            nn.Flatten(),
            *(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10)),
        )
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)),
    )


def bare(name: str, data: Path, watch: Stopwatch, on_step: OnStep | None = None) -> None:
    """Whole-set tensors, fused AdamW, channels-last for the CNN: the ops of tuitrain's step."""
    inputs, labels = whole_set(data)
    wide = inputs.double()
    mean = wide.mean().float().view(1, 1, 1, 1)
    scale = (1 / wide.std()).float().view(1, 1, 1, 1)
    del wide
    model = build_model(name)
    channels_last = name == "cnn"
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-4, fused=True)
    criterion = nn.CrossEntropyLoss()
    for index in indices(len(inputs)):
        batch = (inputs.index_select(0, index) - mean).mul_(scale)
        if channels_last:
            batch = batch.contiguous(memory_format=torch.channels_last)
        targets = labels.index_select(0, index)
        optimizer.zero_grad()
        outputs = model(batch)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        if on_step is not None:
            on_step(loss, outputs, targets)
        if not watch.step():
            return


def tutorial(name: str, data: Path, watch: Stopwatch, workers: int) -> None:
    """The loop of PyTorch's tutorials: DataLoader, transforms a sample, `.item()` each step."""
    model = build_model(name)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    loader = DataLoader(image_files(data), batch_size=BATCH, shuffle=True, num_workers=workers)
    for _epoch in count():
        running_loss, correct = 0.0, 0.0
        for images, targets in loader:
            optimizer.zero_grad()
            outputs = model(images)
            loss = criterion(outputs, targets)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
            correct += (outputs.argmax(1) == targets).float().mean().item()
            if not watch.step():
                return


def tensorboard(name: str, data: Path, watch: Stopwatch) -> None:
    """The bare loop, loss and accuracy to TensorBoard each step."""
    from torch.utils.tensorboard import SummaryWriter

    steps = count()
    with tempfile.TemporaryDirectory() as folder, SummaryWriter(folder) as writer:

        def log(loss: Tensor, outputs: Tensor, targets: Tensor) -> None:
            step = next(steps)
            writer.add_scalar("train/loss", loss.item(), step)
            writer.add_scalar("train/accuracy", accuracy(outputs, targets).item(), step)

        bare(name, data, watch, log)


def wandb_offline(name: str, data: Path, watch: Stopwatch) -> None:
    """The bare loop, loss and accuracy to wandb, offline, each step."""
    wandb: Any = import_module("wandb")
    with (
        tempfile.TemporaryDirectory() as folder,
        wandb.init(mode="offline", dir=folder, settings=wandb.Settings(silent=True)) as run,
    ):

        def log(loss: Tensor, outputs: Tensor, targets: Tensor) -> None:
            run.log(
                {"train/loss": loss.item(), "train/accuracy": accuracy(outputs, targets).item()}
            )

        bare(name, data, watch, log)


def lightning_files(name: str, data: Path, watch: Stopwatch) -> None:
    """Lightning's Trainer on the tutorial's DataLoader."""
    _lightning(name, image_files(data), watch)


def lightning_tensors(name: str, data: Path, watch: Stopwatch) -> None:
    """Lightning's Trainer on a TensorDataset of prepared images."""
    inputs, labels = whole_set(data)
    prepared = (inputs.float() - inputs.float().mean()) / inputs.float().std()
    _lightning(name, torch.utils.data.TensorDataset(prepared, labels), watch)


def _lightning(name: str, dataset: Dataset[Any], watch: Stopwatch) -> None:
    from lightning_loop import fit

    fit(build_model(name), DataLoader(dataset, batch_size=BATCH, shuffle=True), watch.step)


# --- what they share ----------------------------------------------------------------------------


def whole_set(data: Path) -> tuple[Tensor, Tensor]:
    """Return the training images [60000, 1, 28, 28] uint8 and their labels."""
    from torchvision.datasets import MNIST

    images = MNIST(data, train=True)
    return images.data.unsqueeze(1), images.targets


def image_files(data: Path) -> Dataset[Any]:
    """Return the training images as tutorials read them."""
    from torchvision import transforms
    from torchvision.datasets import MNIST

    normalize = transforms.Normalize((0.1307,), (0.3081,))
    return MNIST(data, transform=transforms.Compose([transforms.ToTensor(), normalize]))  # type: ignore[no-any-return]


def indices(samples: int) -> Iterator[Tensor]:
    """Yield shuffled batches of sample numbers, epoch after epoch."""
    while True:
        yield from torch.split(torch.randperm(samples), BATCH)


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the share of right answers."""
    return (outputs.argmax(1) == targets).float().mean()


LOOPS: dict[str, Callable[[str, Path, Stopwatch], None]] = {
    "bare": bare,
    "tutorial-0": lambda name, data, watch: tutorial(name, data, watch, 0),
    "tutorial-2": lambda name, data, watch: tutorial(name, data, watch, 2),
    "lightning-files": lightning_files,
    "lightning-tensors": lightning_tensors,
    "tensorboard": tensorboard,
    "wandb": wandb_offline,
}


def main() -> None:
    """Run the loop that the arguments name."""
    loop, name, data, seconds, threads = sys.argv[1:]
    if int(threads):
        torch.set_num_threads(int(threads))
    watch = Stopwatch(float(seconds))
    LOOPS[loop](name, Path(data), watch)
    print(json.dumps({"steps_per_s": watch.steps_per_s}))


if __name__ == "__main__":
    main()
