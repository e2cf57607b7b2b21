"""Predicts what a checkpoint's model says of samples that have no targets.

Knows nothing of how samples are read and predictions are shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuitrain.errors import UsageError
from tuitrain.training.build import TrainingComponents
from tuitrain.training.evaluating.collect import family_of
from tuitrain.training.evaluating.pictures import PictureFolder, PredictionPictures, as_plain
from tuitrain.training.evaluating.predictor import Predictor
from tuitrain.training.evaluating.restore import restored
from tuitrain.training.evaluating.sources import Chunk, read_sources
from tuitrain.training.inspection.answers import Inspected
from tuitrain.training.metrics.evaluation import evaluation_size
from tuitrain.training.modules.modes import evaluation_mode


def predict(
    inspected: Inspected,
    *,
    checkpoint: str,
    averaged: bool,
    sources: Sequence[str],
    stdin: str | None,
    top: int,
    show: int = 0,
    out: str | None = None,
) -> dict[str, Any]:
    """Return a prediction of each sample, in the order of the sources.

    Args:
        inspected: the run's preset.
        checkpoint: the file of the weights.
        averaged: take the weights that a hook averaged.
        sources: files and folders; `-`: what came on stdin.
        stdin: a file that holds that; None: nothing did.
        top: how many classes of each.
        show: give the first so many samples' pictures as well, where they are images.
        out: a folder to write masks or reconstructions into; None: none are written.

    Raises:
        TuitrainError: a source does not fit the run.
    """
    with restored(inspected, Path(checkpoint), averaged, needs_data=False) as model:
        parts = model.components
        predictor = Predictor(parts)
        _refuse_pictures(parts, predictor, show, out)
        asked = _Asked(predictor, parts, top, show, PictureFolder(Path(out)) if out else None)
        rows: list[dict[str, Any]] = []
        with evaluation_mode(parts.model, parts.loss):
            for chunk, images in read_sources(
                predictor.reader, sources, stdin, evaluation_size(parts)
            ):
                rows += _predicted(asked, chunk, len(rows))
                of = f" of {images:,}" if images else ""
                inspected.report(f"predicted {len(rows):,}{of} samples")
        return {
            "step": model.step,
            "weights": model.weights,
            "task": parts.task.name,
            "classes": list(parts.data.classes),
            "predictions": rows,
        }


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is wanted of each sample."""

    predictor: Predictor
    parts: TrainingComponents
    top: int
    show: int
    folder: PictureFolder | None


def _refuse_pictures(
    parts: TrainingComponents, predictor: Predictor, show: int, out: str | None
) -> None:
    """Raise where there is nothing to draw or to write."""
    family, name = family_of(parts.task), parts.task.name
    if show and predictor.reader.takes != "images":
        raise UsageError(f"--show: it draws images, the run takes {predictor.reader.takes}")
    if out and family != "tensors" and parts.task.target_dimensions != 2:
        raise UsageError(
            f"--out: task = {name} makes no images; it is for segmentation and reconstruction"
        )


def _predicted(asked: _Asked, chunk: Chunk, before: int) -> list[dict[str, Any]]:
    if chunk.inputs is None:
        return [{"name": name, "error": chunk.error} for name in chunk.names]
    prepared = asked.predictor.prepared(chunk.inputs)
    outputs = asked.predictor.given(prepared)
    found = asked.predictor.words(outputs, asked.top, prepared)
    rows = [{"name": name, **one} for name, one in zip(chunk.names, found, strict=True)]
    if asked.show > before or asked.folder:
        pictures = PredictionPictures(asked.parts, chunk.inputs)
        samples = zip(rows, prepared, outputs, strict=True)
        for number, (row, *sample) in enumerate(samples, before):
            if number < asked.show:
                row["pictures"] = as_plain(pictures.shown(*sample))
            if asked.folder:
                places = chunk.places
                stem = places[number - before] if places else Path(f"sample-{number + 1}")
                row["files"] = asked.folder.write(stem, pictures.files(*sample))
    return rows
