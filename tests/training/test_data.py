"""Data sets, their preparation, and what is said when their files are not there or not whole."""

import gzip
import hashlib
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tuitrain.components import DataContext, Samples
from tuitrain.components.augmentations.images import flip, shift
from tuitrain.components.datasets.digits import digits
from tuitrain.components.datasets.mnist import mnist
from tuitrain.components.datasets.synthetic import circles, linear
from tuitrain.components.draw import Draw
from tuitrain.components.tasks.regression import Regression
from tuitrain.errors import DataUnavailableError
from tuitrain.training.data.sample_rule import rule_of
from tuitrain.training.data.sources import sample_shape
from tuitrain.training.data.stream import Stream
from tuitrain.training.data.transform import BatchTransform, measure_statistics

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def context(tmp_path: Path) -> DataContext:
    return DataContext(tmp_path / "data", lambda _text: None)


def idx(array: np.ndarray) -> bytes:
    """Return an array of bytes in the format of MNIST's files."""
    head = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


@pytest.fixture
def small_mnist(context: DataContext) -> Path:
    """Write MNIST's four files, with a few images each."""
    raw = context.folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    random = np.random.default_rng(0)
    for name, count in (("train", 50), ("t10k", 20)):
        images = random.integers(0, 256, (count, 28, 28))
        (raw / f"{name}-images-idx3-ubyte").write_bytes(idx(images))
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(idx(np.arange(count) % 10))
    return raw


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, NOWHERE)
    # urllib reads the proxies once for a process, and other tests post through it.
    monkeypatch.setattr("urllib.request._opener", None)


def test_mnist_is_read_from_its_own_files(context: DataContext, small_mnist: Path) -> None:
    splits = mnist(context)
    assert isinstance(splits.train, Samples)
    assert tuple(splits.train.inputs.shape) == (50, 1, 28, 28)
    assert splits.train.inputs.dtype == torch.uint8
    assert isinstance(splits.validation, Samples)
    assert splits.validation.targets.tolist() == [number % 10 for number in range(20)]
    assert splits.classes == tuple("0123456789")
    assert (
        hashlib.md5(splits.train.inputs.numpy().tobytes()).digest()
        == hashlib.md5((small_mnist / "train-images-idx3-ubyte").read_bytes()[16:]).digest()
    )


@pytest.mark.usefixtures("offline")
def test_mnist_that_is_missing_offline_names_folder_and_files(
    context: DataContext,
) -> None:
    with pytest.raises(DataUnavailableError) as caught:
        mnist(context)
    for part in (str(context.folder / "MNIST" / "raw"), "train-images-idx3-ubyte.gz", "--data-dir"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("damage", [lambda data: data[:-100], lambda data: data[:3], lambda _: b""])
def test_mnist_that_is_truncated_is_said_to_be_not_whole(
    context: DataContext, small_mnist: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = small_mnist / "train-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataUnavailableError, match="is not whole in"):
        mnist(context)


@pytest.mark.usefixtures("offline")
def test_a_download_that_was_cut_is_not_taken_for_the_data(
    context: DataContext,
) -> None:
    raw = context.folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{name}-ubyte.gz").write_bytes(gzip.compress(b"half")[:10])
    with pytest.raises(DataUnavailableError, match="is not whole in"):
        mnist(context)


def test_digits_are_split_with_each_class_in_its_share(context: DataContext) -> None:
    splits = digits(context, validation_fraction=0.2)
    assert isinstance(splits.train, Samples)
    assert isinstance(splits.validation, Samples)
    assert (len(splits.train), len(splits.validation)) == (1437, 360)
    assert splits.train.inputs.dtype == torch.uint8
    assert int(splits.train.inputs.max()) == 255
    counts = torch.bincount(splits.validation.targets)
    assert int(counts.min()) >= 34
    assert int(counts.max()) <= 37


def test_computed_sets_are_the_same_each_time(context: DataContext) -> None:
    for build in (lambda: linear(context), lambda: circles(context)):
        one, other = build(), build()
        assert isinstance(one.train, Samples)
        assert isinstance(other.train, Samples)
        assert torch.equal(one.train.inputs, other.train.inputs)
        assert sample_shape(one.train) in {(1,), (2,)}
    line = linear(context).train
    assert isinstance(line, Samples)
    assert torch.allclose(line.targets, 0.7 * line.inputs[:, 0] + 0.3)


@pytest.mark.parametrize("shape", [(5000, 3, 6, 7), (9000, 4)])
def test_prepared_inputs_have_mean_0_and_deviation_1_in_each_channel(
    shape: tuple[int, ...],
) -> None:
    inputs = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0))
    inputs = inputs.to(torch.uint8)
    inputs[:, 1] = 7
    samples = Samples(inputs, torch.zeros(len(inputs)))
    preparation = BatchTransform(
        seed=0, statistics=measure_statistics(samples), augment=(), channels_last=False
    )
    prepared = preparation.evaluate(inputs)
    dimensions = [0, *range(2, inputs.ndim)]
    deviation = prepared.std(dimensions, correction=0)
    assert prepared.mean(dimensions).abs().max() < 1e-4
    assert deviation[1] == 0
    assert (deviation[[0, 2]] - 1).abs().max() < 1e-4
    assert inputs[0, 1].eq(7).all()


def test_a_set_that_yields_one_sample_at_a_time_is_measured_alike() -> None:
    inputs = torch.rand(100, 2, 3, 3)
    pairs = Stream(
        [(row, 0) for row in inputs], rule_of(Regression(), None, False, "its training set")
    )
    whole = measure_statistics(Samples(inputs, torch.zeros(100)))
    streamed = measure_statistics(pairs)
    assert torch.equal(whole.mean, streamed.mean)
    assert torch.equal(whole.inverse_deviation, streamed.inverse_deviation)


def test_a_shift_moves_each_image_by_its_own_draw_and_fills_with_zeros() -> None:
    images = torch.randint(1, 256, (64, 2, 5, 4), dtype=torch.uint8)
    index = torch.arange(64)
    moved = shift(images, Draw(index, 3), pixels=2)
    assert (moved.shape, moved.dtype) == (images.shape, images.dtype)
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2))
    draw = Draw(index, 3)
    rows, columns = draw.integers(0, 4), draw.integers(0, 4)
    for number in range(64):
        row, column = int(rows[number]), int(columns[number])
        window = padded[number, :, row : row + 5, column : column + 4]
        assert torch.equal(moved[number], window)
    assert len({(int(r), int(c)) for r, c in zip(rows, columns, strict=True)}) > 15


def test_a_flip_mirrors_about_its_share_of_the_images() -> None:
    images = torch.rand(400, 1, 3, 4)
    flipped = flip(images, Draw(torch.arange(400), 1), probability=0.25)
    changed = (flipped != images).flatten(1).any(1)
    assert 70 < int(changed.sum()) < 130
    assert torch.equal(flipped[changed], images[changed].flip(3))
