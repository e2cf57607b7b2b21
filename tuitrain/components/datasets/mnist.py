"""MNIST and the sets in its format, by torchvision."""

from typing import Any
from urllib.error import URLError

from tuitrain.components.data import DataContext, Samples, Splits
from tuitrain.components.datasets.unavailable import first_line
from tuitrain.components.registry import dataset
from tuitrain.errors import DataUnavailableError

_BROKEN_FILE = (ValueError, AssertionError, LookupError)
"""What torchvision's reader raises for a file that ends too soon or is something else."""


@dataset("mnist", download="MNIST, 12 MB", tasks=("classification",))
def mnist(context: DataContext) -> Splits:
    """MNIST: 60,000 and 10,000 handwritten digits, 28x28 grey pixels, 10 classes."""
    return _load("MNIST", "MNIST", context, tuple(str(digit) for digit in range(10)))


@dataset("fashion_mnist", download="Fashion-MNIST, 31 MB", tasks=("classification",))
def fashion_mnist(context: DataContext) -> Splits:
    """Fashion-MNIST: 60,000 and 10,000 articles of clothing, 28x28 grey pixels, 10 classes."""
    return _load("FashionMNIST", "Fashion-MNIST", context)


@dataset("kmnist", download="KMNIST, 21 MB", tasks=("classification",))
def kmnist(context: DataContext) -> Splits:
    """Kuzushiji-MNIST: 60,000 and 10,000 cursive hiragana, 28x28 grey pixels, 10 classes."""
    return _load("KMNIST", "KMNIST", context)


def _load(kind: str, title: str, context: DataContext, classes: tuple[str, ...] = ()) -> Splits:
    """Read the set that torchvision calls `kind`; its own classes' names where none are given.

    Raises:
        DataUnavailableError: a file is missing and can't be downloaded, or is not whole.
    """
    context.report(f"loading {title}")
    from torchvision import datasets

    reader = getattr(datasets, kind)
    parts = []
    for is_train in (True, False):
        try:
            part = reader(context.folder, train=is_train, download=True)
        except (*_BROKEN_FILE, URLError, OSError, RuntimeError) as error:
            raise DataUnavailableError(_missing(reader, kind, title, context, error)) from error
        parts.append(Samples(part.data.unsqueeze(1), part.targets))
    return Splits(parts[0], parts[1], classes=classes or tuple(reader.classes))


def _missing(reader: Any, kind: str, title: str, context: DataContext, error: Exception) -> str:
    raw = context.folder / kind / "raw"
    files = ", ".join(name for name, _checksum in reader.resources)
    return (
        f"{title} is not whole in {raw} and could not be downloaded ({first_line(error)}); put the "
        f"files {files} there, or name another folder with --data-dir or $TUITRAIN_DATA"
    )
