"""Small image files in folders, each of its own content."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from tuitrain.components import DataContext


def pixels(number: int, height: int = 12, width: int = 16) -> np.ndarray:
    """Return a picture, [height, width, 3]: dark or bright by its number, so that it is learned."""
    random = np.random.default_rng(number)
    base = 160 if number % 2 else 20
    return (base + random.integers(0, 60, (height, width, 3))).astype(np.uint8)


def write_classes(
    folder: Path, classes: dict[str, int], first: int = 0, ending: str = ".png"
) -> None:
    """Write so many pictures of each class, in a folder each."""
    for place, (name, count) in enumerate(classes.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            picture = Image.fromarray(pixels(2 * (first + number) + place % 2))
            picture.save(folder / name / f"{first + number:04}{ending}")


class Said:
    """A data set's context, with what it was told."""

    def __init__(self, folder: Path) -> None:
        self.reports: list[str] = []
        self.warnings: list[str] = []
        self.context = DataContext(folder, self.reports.append, self.warnings.append)


def as_bytes(name: bytes) -> str:
    """Return a file name of any bytes as python's `os` takes it."""
    return os.fsdecode(name)
