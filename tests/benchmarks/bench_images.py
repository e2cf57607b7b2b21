"""Images from a folder: decoding them once, and samples a second against torchvision's way."""

import json
import subprocess
import sys
from pathlib import Path

from report import Row, Table, spread, table

_CHILD = Path(__file__).with_name("image_loading.py")
_NOTES = (
    "JPEGs of 256x256 pixels made 224x224. torchvision: ImageFolder, Resize, CenterCrop, "
    "PILToTensor and a DataLoader with as many workers. Batches of 64 in turn in one process; "
    "samples a second, no model. The median, the least and the most of the rounds."
)


def measure(folder: Path, quick: bool) -> list[Table]:
    """Measure all ways in one process, in turn."""
    images, rounds = (300, 2) if quick else (2000, 5)
    command = [sys.executable, str(_CHILD), str(folder), str(images), str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    found = json.loads(done.stdout.splitlines()[-1])
    rows = [
        Row(f"decoding {images:,} images into the cache, once", f"{found['make_s']:.1f} s"),
        Row("opening it again", f"{found['open_s'] * 1000:.0f} ms"),
        *(
            Row(name, spread(found[name], 0, " samples/s"))
            for name in ("torchvision, 2 workers", "stream, 2 workers", "cache, as tensors")
        ),
        Row("stream / torchvision", f"{_ratio(found, 'stream, 2 workers'):.2f} x"),
        Row("cache / torchvision", f"{_ratio(found, 'cache, as tensors'):.1f} x"),
    ]
    return [table("Images from a folder", rows, _NOTES)]


def _ratio(found: dict[str, list[float]], name: str) -> float:
    pairs = zip(found[name], found["torchvision, 2 workers"], strict=True)
    ratios = sorted(ours / theirs for ours, theirs in pairs)
    return ratios[len(ratios) // 2]
