"""What a run's model made of validation samples, as the hook `samples` has written it.

Each evaluation that is kept has a folder `samples/step-NNNNNNNN/` with an `index.json`; a folder
is whole or absent. Texts come as they were written: who shows them makes them safe for a terminal.
"""

import hashlib
import json
import re
import shutil
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuitrain.errors import RecordError
from tuitrain.runs.directory import RunDirectory
from tuitrain.whole_file import written_whole

FORMAT = 1
"""Of `index.json`; a newer one is refused."""

_MOST_STEPS = 64
"""Of a watched log: the newest steps whose images and texts are kept."""
_BARS, _BAR_CELLS = 16, 40
"""Rows of a histogram, and cells of its longest bar."""

Buckets = Sequence[tuple[float, float, float]]
"""Left edge, right edge and count of each."""
_FOLDER = re.compile(r"step-(\d{8,})")


@dataclass(frozen=True, slots=True)
class SampledStep:
    """The samples of one evaluation."""

    step: int
    folder: Path
    samples: tuple[Mapping[str, Mapping[str, Any]], ...]
    """Of each sample its parts by name, in their order: `kind` is text (`text`), numbers (`shape`,
    `values`) or image (`file` in the folder, `width`, `height`, `range` of black and white)."""

    def image_bytes(self, part: Mapping[str, Any]) -> bytes:
        """Return the PNG file that a part names.

        Raises:
            RecordError: there is none.
        """
        try:
            # A name alone: an index leads to no other folder.
            return (self.folder / Path(part["file"]).name).read_bytes()
        except (OSError, KeyError, TypeError) as error:
            raise RecordError(f"an image of {self.folder} can't be read: {error}.") from error


def sampled_steps(directory: RunDirectory) -> list[int]:
    """Return the steps that have samples, ascending; none where there is no such hook."""
    if not directory.samples.is_dir():
        return []
    found = (_FOLDER.fullmatch(path.name) for path in directory.samples.iterdir())
    return sorted(int(match[1]) for match in found if match)


def read_samples(directory: RunDirectory, step: int) -> SampledStep:
    """Return the samples of a step.

    Raises:
        RecordError: there are none (any more), or they can't be read.
    """
    folder = _folder(directory, step)
    try:
        index = json.loads((folder / "index.json").read_text("utf-8"))
        if index["format"] > FORMAT:
            raise RecordError(f"{folder} was written by a newer tuitrain: it can't be shown here.")
        return SampledStep(int(index["step"]), folder, tuple(index["samples"]))
    except FileNotFoundError as error:
        kept = ", ".join(map(str, sampled_steps(directory))) or "none"
        raise RecordError(
            f"there are no samples of step {step} in {directory.samples}; kept are those of steps "
            f"{kept}."
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"the samples in {folder} can't be read: {error}.") from error


# --- of watched logs ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """An image or a text that a log has of a step."""

    step: int
    name: str
    part: Mapping[str, Any]
    """As in a `SampledStep`, an image without its file."""
    png: bytes = b""
    """Of an image, as `plain_png` writes it."""


def add_samples(directory: RunDirectory, kept: Iterable[Kept]) -> None:
    """Add images and texts to the folders of their steps; the newest steps are kept.

    Raises:
        OSError: they can't be written.
    """
    by_step: dict[int, list[Kept]] = {}
    for each in kept:
        by_step.setdefault(each.step, []).append(each)
    # Of many that come at once the older ones would be removed again.
    for step in sorted(by_step)[-_MOST_STEPS:]:
        _add_to_step(directory, step, by_step[step])
    for step in sampled_steps(directory)[:-_MOST_STEPS] if by_step else ():
        shutil.rmtree(_folder(directory, step))


def remove_samples(directory: RunDirectory, first_step: int) -> None:
    """Remove what was kept of `first_step` and later ones.

    Raises:
        OSError: it can't be removed.
    """
    for step in sampled_steps(directory):
        if step >= first_step:
            shutil.rmtree(_folder(directory, step))


def _add_to_step(directory: RunDirectory, step: int, kept: Iterable[Kept]) -> None:
    folder = _folder(directory, step)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    samples: dict[str, Mapping[str, Any]] = {}
    if (folder / "index.json").exists():
        for sample in read_samples(directory, step).samples:
            samples |= sample
    for each in kept:
        part = dict(each.part)
        if each.png:
            part["file"] = f"{hashlib.sha256(each.name.encode()).hexdigest()[:16]}.png"
            (folder / part["file"]).write_bytes(each.png)
        samples[each.name] = part
    index = {"format": FORMAT, "step": step, "samples": [{name: p} for name, p in samples.items()]}
    with written_whole(folder / "index.json") as draft:
        draft.write_text(json.dumps(index), encoding="utf-8")


def _folder(directory: RunDirectory, step: int) -> Path:
    return directory.samples / f"step-{step:08d}"


def histogram_text(buckets: Buckets) -> str:
    """Return a histogram, neighbours joined where there are many.

    Args:
        buckets: at least one, ascending.
    """
    low, high = buckets[0][0], max(right for _left, right, _count in buckets)
    width = (high - low) / _BARS or 1.0
    rows = [0.0] * _BARS
    for left, right, count in buckets:
        rows[min(_BARS - 1, max(0, int(((left + right) / 2 - low) / width)))] += count
    most = max(rows)
    lines = [f"{sum(rows):g} values from {low:.4g} to {high:.4g}"]
    for number, count in enumerate(rows):
        bar = "#" * round(_BAR_CELLS * count / most)
        lines.append(f"{low + number * width:>11.4g} {bar:<{_BAR_CELLS}} {count:g}".rstrip())
    return "\n".join(lines)


def plain_png(width: int, height: int, channels: int, pixels: bytes) -> bytes:
    """Return the PNG file of pixels, row by row, of 1 channel (grey) or 3: rows without a filter.

    Source: the PNG specification, ISO/IEC 15948.
    """
    row = width * channels
    # Each row begins with the number of its filter; 0 is none.
    rows = b"".join(b"\0" + pixels[at : at + row] for at in range(0, len(pixels), row))
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    check = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)
