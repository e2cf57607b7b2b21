"""The image sets that torchvision fetches: read from their own files, or missed in one sentence."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.catalogue.image_files import IDX_FOLDERS, write_cifar, write_idx
from tuitrain.components import DataContext, Samples
from tuitrain.components.datasets.cifar import cifar10, cifar100
from tuitrain.components.datasets.mnist import fashion_mnist, kmnist, mnist
from tuitrain.errors import DataUnavailableError

IDX_SETS = {"mnist": mnist, "fashion_mnist": fashion_mnist, "kmnist": kmnist}
CIFARS = {"cifar10": (cifar10, 10), "cifar100": (cifar100, 100)}


@pytest.fixture
def context(tmp_path: Path) -> DataContext:
    return DataContext(tmp_path / "data", lambda _text: None)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    # urllib reads the proxies once for a process, and other tests post through it.
    monkeypatch.setattr("urllib.request._opener", None)


@pytest.mark.parametrize("name", IDX_SETS)
def test_a_set_in_the_format_of_mnist_is_read_from_its_own_folder(
    context: DataContext, name: str
) -> None:
    raw = write_idx(context.folder, name)
    splits = IDX_SETS[name](context)
    assert isinstance(splits.train, Samples)
    assert tuple(splits.train.inputs.shape) == (50, 1, 28, 28)
    assert len(splits.validation) == 20
    assert len(set(splits.classes)) == 10
    pixels = (raw / "train-images-idx3-ubyte").read_bytes()[16:]
    assert splits.train.inputs.numpy().tobytes() == pixels


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", IDX_SETS)
def test_a_set_that_is_missing_offline_names_folder_and_files(
    context: DataContext, name: str
) -> None:
    with pytest.raises(DataUnavailableError) as caught:
        IDX_SETS[name](context)
    folder = str(context.folder / IDX_FOLDERS[name] / "raw")
    for part in (folder, "train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", "--data-dir"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", CIFARS)
def test_cifar_is_read_from_its_batches(
    context: DataContext, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, classes = CIFARS[name]
    folder = write_cifar(context.folder, name, monkeypatch)
    splits = build(context)
    assert isinstance(splits.train, Samples)
    assert tuple(splits.train.inputs.shape) == (50, 3, 32, 32)
    assert (splits.train.inputs.dtype, splits.train.targets.dtype) == (torch.uint8, torch.int64)
    assert (len(splits.validation), len(splits.classes)) == (20, classes)
    first = "train" if name == "cifar100" else "data_batch_1"
    pixels = pickle.loads((folder / first).read_bytes())["data"][0].reshape(3, 32, 32)
    assert np.array_equal(splits.train.inputs[0].numpy(), pixels)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", CIFARS)
@pytest.mark.parametrize("damage", [None, b"", b"another file"])
def test_cifar_that_is_not_whole_offline_names_archive_folder_and_files(
    context: DataContext, name: str, damage: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if damage is not None:
        folder = write_cifar(context.folder, name, monkeypatch)
        (folder / ("test" if name == "cifar100" else "test_batch")).write_bytes(damage)
    with pytest.raises(DataUnavailableError) as caught:
        CIFARS[name][0](context)
    number = name.removeprefix("cifar")
    for part in (str(context.folder), f"cifar-{number}-python.tar.gz", "test", "--data-dir"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)
