"""Generated images in the files of MNIST, so that every loop reads them with torchvision's loader.

Knows nothing of training.
"""

from pathlib import Path

import numpy as np

TRAIN_SAMPLES = 60_000
TEST_SAMPLES = 10_000
_PIXELS = 28


def write_mnist(folder: Path) -> None:
    """Write the four uncompressed files of MNIST below `folder`, where torchvision looks.

    Each class is a pattern of its own under as much noise, so that it can be learned.
    """
    random = np.random.default_rng(0)
    patterns = random.integers(0, 128, size=(10, _PIXELS, _PIXELS), dtype=np.uint8)
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, count in (("train", TRAIN_SAMPLES), ("t10k", TEST_SAMPLES)):
        labels = random.integers(0, 10, size=count, dtype=np.uint8)
        noise = random.integers(0, 128, size=(count, _PIXELS, _PIXELS), dtype=np.uint8)
        _write_idx(raw / f"{name}-images-idx3-ubyte", patterns[labels] + noise)
        _write_idx(raw / f"{name}-labels-idx1-ubyte", labels)


def _write_idx(path: Path, values: np.ndarray) -> None:
    """Write unsigned bytes as idx: type and rank, the sizes big-endian, the values."""
    head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, dtype=">i4").tobytes()
    path.write_bytes(head + values.tobytes())
