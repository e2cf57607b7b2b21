"""Answers what decided about a sample, or which columns matter over the validation part.

The border between JSON and the parts that explain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from tuitrain.components.data import SampleReader
from tuitrain.components.readers.series import SeriesReader
from tuitrain.errors import FolderError, UsageError
from tuitrain.training.build import TrainingComponents
from tuitrain.training.evaluating.pictures import PredictionPictures, as_plain
from tuitrain.training.evaluating.predictor import Predictor
from tuitrain.training.evaluating.restore import restored
from tuitrain.training.evaluating.sources import read_texts
from tuitrain.training.explaining import heat
from tuitrain.training.explaining.attribute import captum
from tuitrain.training.explaining.columns import table_columns
from tuitrain.training.explaining.explainer import Asked, Explainer, Explanation
from tuitrain.training.explaining.permutation import permutation_importance
from tuitrain.training.inspection.answers import Inspected
from tuitrain.training.modules.modes import evaluation_mode

_TOP = 3
"""Classes that are told of the prediction."""


def explain(
    inspected: Inspected,
    *,
    checkpoint: str,
    averaged: bool,
    source: str | None,
    shown: str,
    row: int,
    method: str,
    name: str,
    steps: int,
    window: int,
    repeats: int,
    picture: str | None,
) -> dict[str, Any]:
    """Return what decided, as JSON data.

    Args:
        inspected: the run's preset.
        checkpoint: the file of the weights.
        averaged: take the weights that a hook averaged.
        source: a file; None: the validation part as a whole.
        shown: what the file is called.
        row: which row of a table or text of a file, from 1 on.
        method: by its name.
        name: of the class, or the output's number; empty: what is predicted.
        steps: of integrated gradients.
        window: pixels of an occlusion's patch; 0: an eighth of the image.
        repeats: of a permutation.
        picture: a PNG file to write, of an image; None: none.

    Raises:
        TuitrainError: the sample or the method does not fit the run.
    """
    if source is not None:
        # What is not installed is told before a model is built.
        captum()
    with restored(inspected, Path(checkpoint), averaged) as model:
        parts = model.components
        about = {"step": model.step, "weights": model.weights, "task": parts.task.name}
        if source is None:
            with evaluation_mode(parts.model, parts.loss):
                found = permutation_importance(parts, repeats, inspected.report)
            return about | {"method": method} | found
        predictor = Predictor(parts)
        sample = _read(predictor.reader, source, shown, row)
        if picture and predictor.reader.takes != "images":
            takes = predictor.reader.takes
            raise UsageError(f"-o: it is for images, the run takes {takes}; --json has the values")
        inspected.report("explaining")
        asked = Asked(method, name, steps, window)  # type: ignore[arg-type]
        return about | explained(parts, predictor, Explainer(parts, predictor), sample, asked,
                                 picture)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sample:
    """What is explained."""

    name: str
    inputs: Tensor
    """[1, ...] as the reader gives it."""
    text: str = ""
    """Of texts: the text itself."""


def explained(
    parts: TrainingComponents,
    predictor: Predictor,
    explainer: Explainer,
    sample: Sample,
    asked: Asked,
    picture: str | None = None,
) -> dict[str, Any]:
    """Return what decided about a sample: the prediction, the score, and each part's attribution.

    Args:
        parts: of the run.
        predictor: of its model.
        explainer: of its model.
        sample: to explain.
        asked: how.
        picture: a PNG file to write; None: none.

    Raises:
        TuitrainError: the method does not fit.
    """
    with evaluation_mode(parts.model, parts.loss):
        outputs = predictor.outputs(sample.inputs)
        (prediction,) = predictor.words(outputs, _TOP)
        found = explainer.explain(sample.inputs, asked)
    takes = predictor.reader.takes
    body = {
        "images": lambda: _pixels(parts, predictor, sample, found, picture),
        "rows": lambda: _columns(parts, sample, found),
        "texts": lambda: _words(parts, predictor.reader, sample, found),
        "series": lambda: _times(predictor.reader, sample, found),
    }[takes]()
    return {
        "sample": sample.name,
        "takes": takes,
        "prediction": prediction,
        "explained": found.score.words,
        "class": found.score.name,
        "method": asked.method,
        "score": found.value,
        **found.how,
        **body,
    }


def _read(reader: SampleReader, source: str, shown: str, row: int) -> Sample:
    """Return the sample that is named.

    Raises:
        TuitrainError: it can't be read, or there are not as many.
    """
    if Path(source).is_dir():
        raise UsageError(f"{shown} is a folder; name one file")
    if reader.takes in {"images", "series"}:
        if row != 1:
            raise UsageError(
                f"--row {row}: it is for tables and texts, the run takes {reader.takes}"
            )
        return Sample(shown, reader.read([source]))
    if reader.takes == "texts":
        texts = read_texts(source, shown)
        text = texts[_place(row, texts, shown)]
        return Sample(f"{shown} line {row}", reader.read([text]), text)
    rows = reader.read([source])
    place = _place(row, rows, shown)
    return Sample(f"{shown} row {row}", rows[place : place + 1])


def _place(row: int, found: Sequence[Any] | Tensor, shown: str) -> int:
    if row > len(found):
        raise UsageError(f"--row {row}: {shown} has {len(found):,}")
    return row - 1


# --- what each kind of sample is told in --------------------------------------------------------


def _pixels(
    parts: TrainingComponents,
    predictor: Predictor,
    sample: Sample,
    found: Explanation,
    picture: str | None,
) -> dict[str, Any]:
    image = PredictionPictures(parts, sample.inputs).input(predictor.prepared(sample.inputs)[0])
    over = heat.drawn_over(image, found.values)
    if picture is not None:
        try:
            Path(picture).write_bytes(heat.as_file(over))
        except OSError as error:
            raise FolderError.of(picture, error, "can't be written") from error
    drawn = {"input": image, "attributions": over, "strength": heat.as_grey(found.values)}
    return {"pictures": as_plain(drawn), "values": found.values.tolist()}


def _columns(parts: TrainingComponents, sample: Sample, found: Explanation) -> dict[str, Any]:
    columns = table_columns(parts.data)
    raw = sample.inputs[0].cpu()
    return {
        "columns": [
            {"column": part.column.name, "value": part.said(raw), "attribution": value}
            for part, value in zip(columns, found.values.tolist(), strict=True)
        ]
    }


def _words(
    parts: TrainingComponents, reader: SampleReader, sample: Sample, found: Explanation
) -> dict[str, Any]:
    texts = parts.data.token_texts
    pieces = getattr(reader, "pieces", None)
    if pieces is not None:
        words = pieces(sample.text)
    else:
        words = [texts.decode([t]) if texts else str(t) for t in sample.inputs[0].tolist()]
    # What fills a sample up says nothing.
    pairs = zip(words, found.values.tolist(), strict=False)
    between = texts.between if texts else " "
    return {
        "between": between,
        "words": [{"word": word, "attribution": value} for word, value in pairs],
    }


def _times(reader: SampleReader, sample: Sample, found: Explanation) -> dict[str, Any]:
    """Return each value of a series with its attribution; -1 is the last time."""
    names = reader.names if isinstance(reader, SeriesReader) else ()
    length = len(found.values)
    return {
        "columns": [
            {"column": f"{name}[{place - length}]", "value": float(sample.inputs[0, place, n]),
             "attribution": float(found.values[place, n])}
            for place in range(length)
            for n, name in enumerate(names)
        ]
    }  # fmt: skip
