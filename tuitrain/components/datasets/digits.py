"""scikit-learn's digits."""

from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from tuitrain.components.data import DataContext, Samples, Splits
from tuitrain.components.registry import dataset


@dataset("digits", tasks=("classification",))
def digits(
    context: DataContext, *, validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
) -> Splits:
    """scikit-learn's 1,797 scanned digits, 8x8 pixels, 10 classes."""
    context.report("loading digits")
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    # Pixels count 0..16 set points of a 4x4 block; as 0..255 they are images like any other.
    images = np.round(images.reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    # The same held-out part for every seed, with each class in its share, so that runs compare.
    train_x, held_x, train_y, held_y = train_test_split(
        images, labels, test_size=validation_fraction, random_state=0, stratify=labels
    )
    return Splits(
        Samples(torch.from_numpy(train_x), torch.from_numpy(train_y)),
        Samples(torch.from_numpy(held_x), torch.from_numpy(held_y)),
        classes=tuple(str(digit) for digit in range(10)),
    )
