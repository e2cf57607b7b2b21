"""Samples from files and folders that a user names, in pieces that go through a model at once.

Knows readers of samples by what they take; nothing of models.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from tuitrain.components.data import SampleReader
from tuitrain.errors import DataUnavailableError, UsageError

_STDIN = "-"
_TEXT_NAME = 60
"""Characters of a text by which a prediction is called."""
_TAKES = {
    "rows": "tables with a row of column names",
    "texts": "files of texts, one a line",
    "series": "CSV files in order of time",
}


@dataclass(frozen=True, slots=True)
class Chunk:
    """Samples that go through the model at once."""

    names: list[str]
    inputs: Tensor | None
    """As the reader gives them; None: they can't be read."""
    error: str = ""
    places: list[Path] = field(default_factory=list)
    """Of images: each as a path that is relative to what the user named, without an ending."""


def read_sources(
    reader: SampleReader, sources: Sequence[str], stdin: str | None, size: int
) -> Iterator[tuple[Chunk, int]]:
    """Yield the samples of all sources in their order, and how many images there are in all.

    Args:
        reader: of the run's data set.
        sources: files and folders; `-`: what came on stdin.
        stdin: a file that holds that; None: nothing did.
        size: samples at once.

    Raises:
        TuitrainError: a source is not what the run takes.
    """
    named = [(stdin if s == _STDIN and stdin is not None else s,
              "stdin" if s == _STDIN else s) for s in sources]  # fmt: skip
    if reader.takes == "images":
        files = [image for file, shown in named for image in _images(file, shown)]
        yield from ((chunk, len(files)) for chunk in _image_chunks(reader, files, size))
        return
    for file, shown in named:
        if Path(file).is_dir():
            raise UsageError(f"{shown} is a folder: the run takes {_TAKES[reader.takes]}")
        chunks = _text_chunks if reader.takes == "texts" else _table_chunks
        yield from ((chunk, 0) for chunk in chunks(reader, file, shown, size))


@dataclass(frozen=True, slots=True)
class _Image:
    path: str
    name: str
    place: Path


def _images(file: str, shown: str) -> list[_Image]:
    """Return an image, or all in a folder."""
    from tuitrain.components.readers.images import images_in

    if not Path(file).is_dir():
        return [_Image(file, shown, Path(Path(shown).stem))]
    return [
        _Image(path, path, Path(path).relative_to(file).with_suffix("")) for path in images_in(file)
    ]


def _image_chunks(reader: SampleReader, files: Sequence[_Image], size: int) -> Iterator[Chunk]:
    """Yield images; one that is broken is told in its place."""
    good: list[tuple[_Image, Tensor]] = []
    for image in files:
        try:
            good.append((image, reader.read([image.path])))
        except DataUnavailableError as error:
            yield from _gathered_images(good)
            good = []
            yield Chunk([image.name], None, str(error), [image.place])
        if len(good) == size:
            yield from _gathered_images(good)
            good = []
    yield from _gathered_images(good)


def _gathered_images(parts: Sequence[tuple[_Image, Tensor]]) -> Iterator[Chunk]:
    if parts:
        images = [image for image, _ in parts]
        inputs = torch.cat([inputs for _, inputs in parts])
        yield Chunk([each.name for each in images], inputs, "", [each.place for each in images])


def _table_chunks(reader: SampleReader, file: str, shown: str, size: int) -> Iterator[Chunk]:
    """Yield the rows of a table, or a series as one sample."""
    inputs = reader.read([file])
    for first in range(0, len(inputs), size):
        part = inputs[first : first + size]
        numbers = range(first + 1, first + len(part) + 1)
        names = [shown] if reader.takes == "series" else [f"{shown} row {n}" for n in numbers]
        yield Chunk(names, part)


def read_texts(file: str, shown: str) -> list[str]:
    """Return the texts of a file, one a line; empty lines are none.

    Raises:
        UsageError: it is no text, or has none.
    """
    try:
        lines = Path(file).read_text("utf-8").splitlines()
    except FileNotFoundError:
        raise UsageError(f"{shown}: there is no such file") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{shown} is no text in UTF-8: {error}") from error
    texts = [text for text in lines if text.strip()]
    if not texts:
        raise UsageError(f"{shown} has no text: there must be one a line")
    return texts


def _text_chunks(reader: SampleReader, file: str, shown: str, size: int) -> Iterator[Chunk]:
    """Yield the texts of a file; texts of one length go through at once."""
    waiting: list[tuple[str, Tensor]] = []
    for text in read_texts(file, shown):
        inputs = reader.read([text])
        if waiting and (len(waiting) == size or waiting[-1][1].shape != inputs.shape):
            yield _gathered(waiting)
            waiting = []
        waiting.append((text[:_TEXT_NAME], inputs))
    yield _gathered(waiting)


def _gathered(parts: Sequence[tuple[str, Tensor]]) -> Chunk:
    return Chunk([name for name, _ in parts], torch.cat([inputs for _, inputs in parts]))
