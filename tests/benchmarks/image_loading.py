"""Loads one epoch of a folder of JPEGs in turn by every way; prints JSON on its last line.

python image_loading.py FOLDER IMAGES ROUNDS
"""

import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from tuitrain.components import DataContext
from tuitrain.components.datasets.images import image_folder
from tuitrain.components.tasks.classification import Classification
from tuitrain.training.data.batches import TensorBatches
from tuitrain.training.data.checks import check_splits
from tuitrain.training.data.loader import LoaderBatches
from tuitrain.training.data.schedule import BatchSchedule
from tuitrain.training.data.sources import count
from tuitrain.training.data.transform import BatchTransform

_SIZE = 224
_BATCH = 64
_WORKERS = 2


def write(folder: Path, images: int) -> None:
    """Write smooth noise, which JPEG makes as large as a photograph, in folders of two classes."""
    random = np.random.default_rng(0)
    for part, number in (("train", images), ("val", 4)):
        for each in range(number):
            place = folder / part / "ab"[each % 2]
            place.mkdir(parents=True, exist_ok=True)
            small = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
            picture = Image.fromarray(small).resize((256, 256), Image.Resampling.BICUBIC)
            picture.save(place / f"{each}.jpg", quality=90)


def theirs(folder: Path) -> Iterable[Any]:
    """Return the batches of a PyTorch tutorial."""
    transform = transforms.Compose(
        [transforms.Resize(_SIZE), transforms.CenterCrop(_SIZE), transforms.PILToTensor()]
    )
    data = ImageFolder(str(folder / "train"), transform)
    return DataLoader(data, batch_size=_BATCH, shuffle=True, num_workers=_WORKERS)


def ours(folder: Path, cache: bool) -> tuple[Callable[[], Iterable[Any]], float]:
    """Return the batches of an epoch as a run gets them, and the seconds that opening took."""
    started = time.perf_counter()
    context = DataContext(folder, lambda _text: None)
    found = image_folder(context, path="images", size=_SIZE, cache=cache)
    splits = check_splits("image_folder", Classification(), found)
    took_s = time.perf_counter() - started
    plan = BatchSchedule(count(splits.train), _BATCH, 1, False, 0)
    raw = BatchTransform(seed=0, statistics=None, augment=(), channels_last=False)
    raw.evaluate = lambda inputs: inputs  # type: ignore[method-assign] # as torchvision's: uint8

    def epoch() -> Iterable[Any]:
        batches: Any
        if cache:
            batches = TensorBatches(splits.train, plan, raw)
        else:
            batches = LoaderBatches(
                splits.train,
                plan,
                raw,
                workers=_WORKERS,
                first_step=0,
                end_step=plan.steps_per_epoch,
                device=torch.device("cpu"),
            )
        for step in range(plan.steps_per_epoch):
            yield from batches.step(step)
        batches.close()

    return epoch, took_s


def rate(batches: Iterable[Any], images: int) -> float:
    """Return samples a second of one epoch, the start of its workers included."""
    started = time.perf_counter()
    for _batch in batches:
        pass
    return images / (time.perf_counter() - started)


def main(folder: Path, images: int, rounds: int) -> None:
    """Measure."""
    torch.set_num_threads(1)
    write(folder / "images", images)
    _, make_s = ours(folder, cache=True)
    cached, open_s = ours(folder, cache=True)
    streamed, _ = ours(folder, cache=False)
    ways: dict[str, Callable[[], Iterable[Any]]] = {
        "torchvision, 2 workers": lambda: theirs(folder / "images"),
        "stream, 2 workers": streamed,
        "cache, as tensors": cached,
    }
    found: dict[str, Any] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(rate(way(), images))
    print(json.dumps({**found, "make_s": make_s, "open_s": open_s}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
