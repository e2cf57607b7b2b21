"""Predictions as a table, or beneath the images that they are of."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from tuitrain.units import NOTHING
from tuitrain.view.format import metric_value, sanitise, table
from tuitrain.view.images.pixels import Image
from tuitrain.view.images.sheet import Canvas, Captioned, per_row, picture_lines

_HEADS = {"values": "PREDICTION", "shares": "SHARES", "mse": "ERROR"}


def prediction_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a line for each prediction, in order."""
    head = next((name for key, name in _HEADS.items() if any(key in r for r in rows)), "CLASS")
    cells = [(sanitise(row["name"]), prediction_words(row)) for row in rows]
    return table(("SAMPLE", head), cells)


def prediction_pictures(rows: Sequence[Mapping[str, Any]], canvas: Canvas) -> list[str]:
    """Return the images of predictions with what is said of each beneath, as a terminal takes it.

    Those of one sample stand side by side. Predictions without images are left out.
    """
    groups = [_captioned(row) for row in rows if "pictures" in row]
    if not groups:
        return []
    lines: list[str] = []
    for run in _alike(groups):
        each = len(run[0])
        at_once = max(1, per_row(canvas.width) // each)
        for first in range(0, len(run), at_once):
            pictures = [picture for group in run[first : first + at_once] for picture in group]
            lines += [*([""] if lines else []), *picture_lines(pictures, canvas)]
    return lines


def plain_image(picture: Mapping[str, Any]) -> Image:
    """Return an image from an answer's JSON."""
    data = base64.b64decode(picture["data"])
    return Image(picture["width"], picture["height"], picture["channels"], data)


def _captioned(row: Mapping[str, Any]) -> list[Captioned]:
    """Return a sample's images: its name is under the first, what is said of it under the last.

    Of the shares of classes the largest has room there.
    """
    name = str(row["name"]).rsplit("/", maxsplit=1)[-1]
    said = prediction_words({"shares": row["shares"][:1]} if "shares" in row else row)
    pictures = [plain_image(picture) for picture in row["pictures"]]
    if len(pictures) == 1:
        return [Captioned(pictures[0], f"{said}  {name}")]
    between = [""] * (len(pictures) - 2)
    return [Captioned(*p) for p in zip(pictures, [name, *between, said], strict=True)]


def _alike(groups: Sequence[list[Captioned]]) -> list[list[list[Captioned]]]:
    """Return samples in runs whose images have one size: only those stand in one row."""
    runs: list[list[list[Captioned]]] = []
    for group in groups:
        size = group[0].image.width, group[0].image.height
        last = runs[-1][-1][0].image if runs else None
        if last is not None and (last.width, last.height) == size:
            runs[-1].append(group)
        else:
            runs.append([group])
    return runs


def prediction_words(row: Mapping[str, Any]) -> str:
    """Return what a prediction says, on one line."""
    if "error" in row:
        return "can't be read"
    if "values" in row:
        return " ".join(metric_value(value) for value in row["values"])
    if "shares" in row:
        return ", ".join(f"{_class(one)} {one['share']:.1%}" for one in row["shares"])
    if "mse" in row:
        return NOTHING if row["mse"] is None else f"mse {metric_value(row['mse'])}"
    return ", ".join(f"{_class(one)} {one['probability']:.1%}" for one in row["classes"])


def _class(one: Mapping[str, Any]) -> str:
    """Return a class's name; of characters, one that nobody sees stands in quotes."""
    name = str(one["class"])
    return sanitise(name) if name.strip() else repr(name)
