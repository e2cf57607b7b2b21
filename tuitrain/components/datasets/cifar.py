"""CIFAR-10 and CIFAR-100, by torchvision, which holds each file against its checksum."""

import pickle
import tarfile
from typing import Any
from urllib.error import URLError

import numpy as np
import torch

from tuitrain.components.data import DataContext, Samples, Splits
from tuitrain.components.datasets.unavailable import first_line
from tuitrain.components.registry import dataset
from tuitrain.errors import DataUnavailableError

_UNUSABLE = (URLError, OSError, RuntimeError, EOFError, tarfile.TarError, pickle.UnpicklingError)
"""What torchvision raises for files that are missing, not whole, or can't be fetched."""


@dataset("cifar10", download="CIFAR-10, 170 MB", tasks=("classification",))
def cifar10(context: DataContext) -> Splits:
    """CIFAR-10: 50,000 and 10,000 photographs, 32x32 colour pixels, 10 classes."""
    from torchvision.datasets import CIFAR10

    return _load(CIFAR10, "CIFAR-10", context)


@dataset("cifar100", download="CIFAR-100, 169 MB", tasks=("classification",))
def cifar100(context: DataContext) -> Splits:
    """CIFAR-100: 50,000 and 10,000 photographs, 32x32 colour pixels, 100 classes."""
    from torchvision.datasets import CIFAR100

    return _load(CIFAR100, "CIFAR-100", context)


def _load(reader: Any, title: str, context: DataContext) -> Splits:
    context.report(f"loading {title}")
    try:
        train, validation = (
            reader(context.folder, train=is_train, download=True) for is_train in (True, False)
        )
    except _UNUSABLE as error:
        raise DataUnavailableError(_missing(reader, title, context, error)) from error
    return Splits(_samples(train), _samples(validation), classes=tuple(train.classes))


def _samples(part: Any) -> Samples:
    """Return images as [n, 3, 32, 32]; torchvision holds them with the channels last."""
    images = np.ascontiguousarray(part.data.transpose(0, 3, 1, 2))
    return Samples(torch.from_numpy(images), torch.tensor(part.targets))


def _missing(reader: Any, title: str, context: DataContext, error: Exception) -> str:
    files = [name for name, _checksum in (*reader.train_list, *reader.test_list)]
    files.append(reader.meta["filename"])
    return (
        f"{title} is not whole in {context.folder / reader.base_folder} and could not be "
        f"downloaded ({first_line(error)}); put the archive {reader.filename} into "
        f"{context.folder}, or its files {', '.join(files)} into the folder {reader.base_folder} "
        "there, or name another folder with --data-dir or $TUITRAIN_DATA"
    )
