"""The presets as a course writes them: DataLoader, python loop, `.item()`; one a process, JSON.

    python tests/benchmarks/recipe_loops.py PRESET DATA_FOLDER SECONDS THREADS DEVICE

The models are the presets' own, so that nothing but the loop differs.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from recipe_data import cifar_pixels
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from tuitrain.components import DataContext, DataSpec, registry
from tuitrain.config.load import load_preset
from tuitrain.config.presets import find_preset
from tuitrain.config.schema import Preset

WARM_UP_S = 0.75


@dataclass(slots=True)
class Recipe:
    """What a loop needs."""

    model: nn.Module
    batches: Callable[[], Iterator[tuple[Tensor, Tensor]]]
    """An epoch of them; where there are no epochs, without an end."""
    item_every: int = 1
    """Steps between two looks at the loss."""


class Stopwatch:
    """Counts steps after a warm-up, until the time is over."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._started = time.perf_counter()
        self._steps = -1
        self.steps_per_s = 0.0

    def step(self) -> bool:
        """Count one step; return whether to go on."""
        now = time.perf_counter()
        if self._steps < 0:
            if now - self._started > WARM_UP_S:
                self._steps, self._started = 0, now
            return True
        self._steps += 1
        self.steps_per_s = self._steps / (now - self._started)
        return now - self._started < self._seconds


def mnist(preset: Preset, data: Path) -> Recipe:
    """Torchvision's MNIST, made tensors and normalised a sample at a time."""
    from torchvision import transforms
    from torchvision.datasets import MNIST

    normalize = transforms.Normalize((0.1307,), (0.3081,))
    images = MNIST(data, transform=transforms.Compose([transforms.ToTensor(), normalize]))
    return Recipe(_model(preset, DataSpec((1, 28, 28), 10, kind="image")), _loader(preset, images))


class _Pictures(Dataset[Any]):
    """What torchvision's CIFAR10 is: an array of pixels, made a PIL image a sample."""

    def __init__(self, transform: Callable[[Any], Any]) -> None:
        self._pixels, self._labels = cifar_pixels()
        self._transform = transform

    def __len__(self) -> int:
        return len(self._pixels)

    def __getitem__(self, number: int) -> tuple[Any, int]:
        image = Image.fromarray(self._pixels[number])
        return self._transform(image), int(self._labels[number])


def cifar(preset: Preset, _data: Path) -> Recipe:
    """Crop and flip by torchvision's transforms."""
    from torchvision import transforms

    steps = [
        *(transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()),
        transforms.ToTensor(),
        transforms.Normalize((0.491, 0.482, 0.447), (0.247, 0.243, 0.262)),
    ]  # fmt: skip
    pictures = _Pictures(transforms.Compose(steps))
    spec = DataSpec((3, 32, 32), 10, kind="image")
    return Recipe(_model(preset, spec), _loader(preset, pictures))


def photographs(preset: Preset, data: Path) -> Recipe:
    """ImageFolder, and a frozen ResNet-18 with a new last layer; weights are drawn."""
    from torchvision import transforms
    from torchvision.datasets import ImageFolder
    from torchvision.models import resnet18

    steps = [
        *(transforms.Resize(224), transforms.CenterCrop(224), transforms.ToTensor()),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ]
    images = ImageFolder(str(data / "images" / "train"), transforms.Compose(steps))
    network = resnet18()
    network.requires_grad_(False)
    network.fc = nn.Linear(network.fc.in_features, 2)
    return Recipe(network, _loader(preset, images))


def texts(preset: Preset, data: Path) -> Recipe:
    """Texts of words' numbers, padded to the longest of a batch as they are collated."""
    splits = registry.dataset.find("python_docs")(_context(data), **preset.data.options)
    rows = [(row[row != 0].long(), label) for row, label in zip(*_parts(splits.train), strict=True)]

    def collate(batch: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        padded = nn.utils.rnn.pad_sequence([row for row, _label in batch], batch_first=True)
        return padded, torch.stack([label for _row, label in batch])

    spec = DataSpec(
        (splits.train.inputs.shape[1],), len(splits.classes), "tokens", splits.vocabulary
    )
    return Recipe(_model(preset, spec), _loader(preset, rows, collate_fn=collate))


def characters(preset: Preset, data: Path) -> Recipe:
    """Batches cut at random places of a text, as nanoGPT has them."""
    splits = registry.dataset.find("text_file")(_context(data), **preset.data.options)
    length, size = splits.train.inputs.shape[1], preset.train.batch_size
    text = splits.train.inputs.flatten().numpy().astype(np.uint16)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            places = torch.randint(len(text) - length, (size,)).tolist()
            cut = [[text[at : at + length], text[at + 1 : at + 1 + length]] for at in places]
            inputs, targets = torch.from_numpy(np.array(cut).astype(np.int64)).unbind(1)
            yield inputs, targets

    outputs = splits.vocabulary or 0
    spec = DataSpec((length,), outputs, "tokens", outputs, (length,))
    return Recipe(_model(preset, spec), batches, item_every=10)


RECIPES: dict[str, Callable[[Preset, Path], Recipe]] = {
    "mnist-mlp": mnist,
    "mnist-cnn": mnist,
    "cifar10-resnet": cifar,
    "cifar10-fast": cifar,
    "images-resnet18-features": photographs,
    "text-lstm": texts,
    "char-gpt": characters,
}


def _model(preset: Preset, spec: DataSpec) -> nn.Module:
    model: nn.Module = registry.model.find(preset.model.name)(spec, **preset.model.options)
    return model


def _loader(preset: Preset, data: Any, **more: Any) -> Callable[[], Iterator[Any]]:
    loader = DataLoader(data, batch_size=preset.train.batch_size, shuffle=True, **more)
    return lambda: iter(loader)


def _context(data: Path) -> DataContext:
    return DataContext(data, lambda _text: None)


def _parts(samples: Any) -> tuple[Tensor, Tensor]:
    return samples.inputs, samples.targets


def train(preset: Preset, recipe: Recipe, watch: Stopwatch, device: str) -> None:
    """Train until the time is over."""
    model, criterion = recipe.model.to(device), nn.CrossEntropyLoss()
    trained = [p for p in model.parameters() if p.requires_grad]
    kinds: dict[str, Any] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    optimizer = (
        torch.optim.SGD(trained, lr=0.1, momentum=0.9, weight_decay=5e-4)
        if preset.optimizer.name == "sgd"
        else kinds[preset.optimizer.name](trained, lr=preset.optimizer.lr)
    )
    steps = count()
    for _epoch in count():
        running_loss, correct = 0.0, 0.0
        for batch in recipe.batches():
            inputs, targets = (part.to(device) for part in batch)
            optimizer.zero_grad()
            outputs = model(inputs)
            loss = criterion(outputs.flatten(0, -2), targets.flatten())
            loss.backward()
            if preset.train.clip_norm:
                nn.utils.clip_grad_norm_(trained, preset.train.clip_norm)
            optimizer.step()
            if next(steps) % recipe.item_every == 0:
                running_loss += loss.item()
                correct += (outputs.argmax(-1) == targets).float().mean().item()
            if not watch.step():
                return


def main() -> None:
    """Run the loop that the arguments name."""
    name, data, seconds, threads, device = sys.argv[1:]
    if int(threads):
        torch.set_num_threads(int(threads))
    preset = load_preset(find_preset(name).path, ())
    recipe = RECIPES[name](preset, Path(data))
    watch = Stopwatch(float(seconds))
    train(preset, recipe, watch, device)
    print(json.dumps({"steps_per_s": watch.steps_per_s}))


if __name__ == "__main__":
    main()
