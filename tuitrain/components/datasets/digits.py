"""scikit-learn's digits."""

import gzip
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from tuitrain.components.data import DataContext, Samples, Splits
from tuitrain.components.held_out import held_out_rows
from tuitrain.components.registry import dataset


@dataset("digits", tasks=("classification",))
def digits(
    context: DataContext, *, validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
) -> Splits:
    """scikit-learn's 1,797 scanned digits, 8x8 pixels, 10 classes."""
    context.report("loading digits")
    images, labels = _load()
    # Pixels count 0..16 set points of a 4x4 block; as 0..255 they are images like any other.
    images = np.round(images.reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    train, held = held_out_rows(labels, validation_fraction)
    return Splits(
        Samples(torch.from_numpy(images[train]), torch.from_numpy(labels[train])),
        Samples(torch.from_numpy(images[held]), torch.from_numpy(labels[held])),
        classes=tuple(str(digit) for digit in range(10)),
    )


def _load() -> tuple[np.ndarray, np.ndarray]:
    """Return images [n, 64] and labels [n].

    They are read from the file in scikit-learn's package: importing it takes a second.
    """
    found = find_spec("sklearn")
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder, "datasets", "data", "digits.csv.gz")
        if path.is_file():
            with gzip.open(path, "rt", encoding="ascii") as file:
                table = np.loadtxt(file, delimiter=",")
            return table[:, :-1], table[:, -1].astype(np.int64)
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return images, labels
