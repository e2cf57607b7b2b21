"""Small files in the formats of the image sets, so that tests go through their own loaders."""

import hashlib
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import torchvision.datasets

IDX_FOLDERS = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST", "kmnist": "KMNIST"}


def idx(array: np.ndarray) -> bytes:
    """Return an array of bytes in the format of MNIST's files."""
    head = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def write_idx(data: Path, name: str, train: int = 50, validation: int = 20) -> Path:
    """Write the four files of a set in MNIST's format; return their folder."""
    raw = data / IDX_FOLDERS[name] / "raw"
    raw.mkdir(parents=True)
    random = np.random.default_rng(0)
    for part, count in (("train", train), ("t10k", validation)):
        images = random.integers(0, 256, (count, 28, 28))
        (raw / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(count) % 10))
    return raw


def write_cifar(
    data: Path, name: str, monkeypatch: pytest.MonkeyPatch, train: int = 50, validation: int = 20
) -> Path:
    """Write the batches of CIFAR-10 or CIFAR-100; return their folder.

    torchvision holds each file against its checksum; it is given the small files' own, so that the
    check is made all the same.
    """
    kind = getattr(torchvision.datasets, name.upper())
    folder = data / kind.base_folder
    folder.mkdir(parents=True)
    fine, classes = (True, 100) if name == "cifar100" else (False, 10)
    random = np.random.default_rng(0)
    for attribute, count in (("train_list", train), ("test_list", validation)):
        files = getattr(kind, attribute)
        batches = [_batch(random, count // len(files), classes, fine) for _file, _checksum in files]
        sums = [
            _write(folder / file, batch) for (file, _), batch in zip(files, batches, strict=True)
        ]
        listed = [[file, checksum] for (file, _), checksum in zip(files, sums, strict=True)]
        monkeypatch.setattr(kind, attribute, listed)
    names = {kind.meta["key"]: [f"class {number}" for number in range(classes)]}
    checksum = _write(folder / kind.meta["filename"], names)
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": checksum})
    return folder


def _batch(random: np.random.Generator, count: int, classes: int, fine: bool) -> dict[str, object]:
    labels = [number % classes for number in range(count)]
    pixels = random.integers(0, 256, (count, 3 * 32 * 32)).astype(np.uint8)
    return {"data": pixels, "fine_labels" if fine else "labels": labels}


def _write(path: Path, content: object) -> str:
    path.write_bytes(pickle.dumps(content))
    return hashlib.md5(path.read_bytes()).hexdigest()
