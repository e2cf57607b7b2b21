"""Predicts what a checkpoint's model says of samples that have no targets.

Knows readers of samples by what they take; nothing of how predictions are shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tuitrain.components.data import SampleReader
from tuitrain.errors import DataUnavailableError, UsageError
from tuitrain.training.evaluating.predictor import Predictor
from tuitrain.training.evaluating.restore import restored
from tuitrain.training.inspection.answers import Inspected
from tuitrain.training.metrics.evaluation import evaluation_size
from tuitrain.training.modules.modes import evaluation_mode

_STDIN = "-"
_TEXT_NAME = 60
"""Characters of a text by which a prediction is called."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Samples that are predicted at once."""

    names: list[str]
    inputs: Tensor | None
    """None: they can't be read."""
    error: str = ""


def predict(
    inspected: Inspected,
    *,
    checkpoint: str,
    averaged: bool,
    sources: Sequence[str],
    stdin: str | None,
    top: int,
) -> dict[str, Any]:
    """Return a prediction of each sample, in the order of the sources.

    Args:
        inspected: the run's preset.
        checkpoint: the file of the weights.
        averaged: take the weights that a hook averaged.
        sources: files and folders; `-`: what came on stdin.
        stdin: a file that holds that; None: nothing did.
        top: how many classes of each.

    Raises:
        TuitrainError: a source does not fit the run.
    """
    with restored(inspected, Path(checkpoint), averaged, needs_data=False) as model:
        parts = model.components
        predictor = Predictor(parts)
        rows: list[dict[str, Any]] = []
        with evaluation_mode(parts.model, parts.loss):
            for chunk in _chunks(predictor.reader, sources, stdin, evaluation_size(parts)):
                rows += _predicted(predictor, chunk, top)
                inspected.report(f"predicted {len(rows):,} samples")
        return {
            "step": model.step,
            "weights": model.weights,
            "task": parts.task.name,
            "classes": list(parts.data.classes),
            "predictions": rows,
        }


def _predicted(predictor: Predictor, chunk: _Chunk, top: int) -> list[dict[str, Any]]:
    if chunk.inputs is None:
        return [{"name": name, "error": chunk.error} for name in chunk.names]
    found = predictor.words(predictor.outputs(chunk.inputs), top)
    return [{"name": name, **one} for name, one in zip(chunk.names, found, strict=True)]


# --- sources ------------------------------------------------------------------------------------


def _chunks(
    reader: SampleReader, sources: Sequence[str], stdin: str | None, size: int
) -> Iterator[_Chunk]:
    for source in sources:
        file = stdin if source == _STDIN and stdin is not None else source
        shown = "stdin" if source == _STDIN else source
        if reader.takes == "images":
            yield from _image_chunks(reader, file, shown, size)
        elif Path(file).is_dir():
            raise UsageError(f"{shown} is a folder: the run takes {_TAKES[reader.takes]}")
        elif reader.takes == "rows":
            yield from _row_chunks(reader, file, shown, size)
        else:
            yield from _text_chunks(reader, file, shown, size)


_TAKES = {"rows": "tables with a row of column names", "texts": "files of texts, one a line"}


def _image_chunks(reader: SampleReader, file: str, shown: str, size: int) -> Iterator[_Chunk]:
    """Yield an image file, or all in a folder; one that is broken is told in its place."""
    from tuitrain.components.readers.images import images_in

    paths = images_in(file) if Path(file).is_dir() else [file]
    names = paths if Path(file).is_dir() else [shown]
    good: list[tuple[str, Tensor]] = []
    for name, path in zip(names, paths, strict=True):
        try:
            good.append((name, reader.read([path])))
        except DataUnavailableError as error:
            yield from _gathered(good)
            good = []
            yield _Chunk([name], None, str(error))
        if len(good) == size:
            yield from _gathered(good)
            good = []
    yield from _gathered(good)


def _gathered(parts: list[tuple[str, Tensor]]) -> Iterator[_Chunk]:
    if parts:
        yield _Chunk([name for name, _ in parts], torch.cat([inputs for _, inputs in parts]))


def _row_chunks(reader: SampleReader, file: str, shown: str, size: int) -> Iterator[_Chunk]:
    inputs = reader.read([file])
    for first in range(0, len(inputs), size):
        part = inputs[first : first + size]
        yield _Chunk([f"{shown} row {first + n + 1}" for n in range(len(part))], part)


def _text_chunks(reader: SampleReader, file: str, shown: str, size: int) -> Iterator[_Chunk]:
    """Yield the texts of a file, one a line; texts of one length go through at once."""
    try:
        lines = Path(file).read_text("utf-8").splitlines()
    except FileNotFoundError:
        raise UsageError(f"{shown}: there is no such file") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{shown} is no text in UTF-8: {error}") from error
    texts = [text for text in lines if text.strip()]
    if not texts:
        raise UsageError(f"{shown} has no text: there must be one a line")
    waiting: list[tuple[str, Tensor]] = []
    for text in texts:
        inputs = reader.read([text])
        if waiting and (len(waiting) == size or waiting[-1][1].shape != inputs.shape):
            yield from _gathered(waiting)
            waiting = []
        waiting.append((text[:_TEXT_NAME], inputs))
    yield from _gathered(waiting)
