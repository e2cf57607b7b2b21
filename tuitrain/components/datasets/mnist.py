"""MNIST, by torchvision."""

from urllib.error import URLError

from tuitrain.components.data import DataContext, Samples, Splits
from tuitrain.components.registry import dataset
from tuitrain.errors import DataUnavailableError

_BROKEN_FILE = (ValueError, AssertionError, LookupError)
"""What torchvision's reader raises for a file that ends too soon or is something else."""


@dataset("mnist", download="MNIST, 12 MB", tasks=("classification",))
def mnist(context: DataContext) -> Splits:
    """MNIST: 60,000 and 10,000 handwritten digits, 28x28 grey pixels, 10 classes."""
    context.report("loading MNIST")
    from torchvision.datasets import MNIST

    parts = []
    for is_train in (True, False):
        try:
            part = MNIST(context.folder, train=is_train, download=True)
        except (*_BROKEN_FILE, URLError, OSError, RuntimeError) as error:
            raise DataUnavailableError(_missing_mnist(context, error)) from error
        parts.append(Samples(part.data.unsqueeze(1), part.targets))
    return Splits(parts[0], parts[1], classes=tuple(str(digit) for digit in range(10)))


def _missing_mnist(context: DataContext, error: Exception) -> str:
    from torchvision.datasets import MNIST

    raw = context.folder / "MNIST" / "raw"
    files = ", ".join(name for name, _checksum in MNIST.resources)
    return (
        f"MNIST is not whole in {raw} and could not be downloaded ({_first_line(error)}); put the "
        f"files {files} there, or name another folder with --data-dir or $TUITRAIN_DATA"
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")
