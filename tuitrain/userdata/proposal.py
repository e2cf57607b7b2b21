"""A preset for what a survey found: TOML with its reasons beside the keys.

Pure text; knows nothing of how a preset is checked.
"""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tuitrain.userdata.survey_images import ImageSurvey
from tuitrain.userdata.survey_table import TableSurvey
from tuitrain.userdata.words import counted

_MOST_PIXELS = 64
"""Larger images take a CPU long; a line says what to raise."""
_SAMPLES = 64_000
"""About so many samples are trained on in all, where the set is small."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A preset, in parts."""

    name: str
    text: str


def preset_name(folder: str) -> str:
    """Return a preset's name made of a folder's or a file's."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", folder.lower()).strip("-._")[:64]
    return plain if plain and plain[0].isalnum() else "own-data"


def file_stem(path: Path) -> str:
    """Return what a folder or a file is called, without an ending."""
    return path.name if path.is_dir() else path.stem


def propose(found: ImageSurvey | TableSurvey, path: str, name: str) -> Proposal:
    """Return a preset.

    Args:
        found: the survey.
        path: as the preset is to have it.
        name: the preset's.
    """
    lines = _images(found, path) if isinstance(found, ImageSurvey) else _table(found, path)
    return Proposal(name, "\n".join([f"name = {quoted(name)}", *lines]) + "\n")


def quoted(text: str) -> str:
    """Return text as TOML has it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _images(found: ImageSurvey, path: str) -> Iterable[str]:
    size = _size(found)
    grey = bool(found.modes) and set(found.modes) <= {"1", "L", "I;16"}
    blocks = max(1, min(4, int(math.log2(size)) - 2))
    count = len(found.classes)
    samples = sum(train for train, _held in found.classes.values())
    words = f"{counted(found.images, 'image')} of {count} classes"
    yield f"description = {quoted(words)}"
    yield 'task = "classification"'
    yield ""
    yield "[data]"
    yield 'name = "image_folder"'
    yield f"path = {quoted(path)}"
    if found.labels:
        yield f"labels = {quoted(found.labels)}"
    yield f"size = {size}  # the images' middle size is {found.widths[1]}x{found.heights[1]}"
    if grey:
        yield 'channels = "grey"'
    if not found.split:
        yield "validation_share = 0.2"
    if found.broken:
        yield f'broken = "skip"  # {counted(len(found.broken), "image")} can\'t be read'
    yield "# Without flip where left and right matter, as with letters and digits."
    yield f'augment = [{{ name = "shift", pixels = {max(1, size // 16)} }}, {{ name = "flip" }}]'
    yield ""
    yield "[model]"
    yield 'name = "cnn"'
    yield f"channels = {[32, 64, 128, 128][:blocks]}"
    yield "hidden = 128"
    yield "dropout = 0.25"
    yield from _training(samples, lr="1e-3", weight_decay="1e-2")


def _size(found: ImageSurvey) -> int:
    middle = min(found.widths[1], found.heights[1])
    return max(8, min(_MOST_PIXELS, middle - middle % 4))


def _table(found: TableSurvey, path: str) -> Iterable[str]:
    features = found.features
    left_out = [c for c in features if c.kind in {"identifier", "constant"} or c.tells_target]
    used = [column for column in features if column not in left_out] or list(features)
    words = f"{found.target} from {counted(len(used), 'column')}, {counted(found.rows, 'row')}"
    yield f"description = {quoted(words[:200])}"
    yield f"task = {quoted(found.task)}"
    yield ""
    yield "[data]"
    yield 'name = "csv"'
    yield f"path = {quoted(path)}"
    if found.validation:
        yield f"validation = {quoted(found.validation)}"
    if found.encoding:
        yield f"encoding = {quoted(found.encoding)}"
    if found.decimal != ".":
        yield f"decimal = {quoted(found.decimal)}"
    yield f"target = {quoted(found.target)}"
    if len(used) < len(features):
        yield f"drop = [{', '.join(quoted(column.name) for column in left_out)}]"
    if found.task == "regression" and found.spread:
        unit = 10.0 ** round(math.log10(found.spread))
        if unit != 1:
            yield f"target_unit = {unit}  # losses and errors are in this unit"
    yield from _missing(found)
    categories = [column for column in used if column.kind == "category"]
    if categories:
        yield 'encode = "codes"'
    yield ""
    yield "[model]"
    yield f'name = "{"table_mlp" if categories else "mlp"}"'
    yield "hidden = [128, 64]"
    yield "dropout = 0.1"
    yield from _training(found.rows, lr="2e-3", weight_decay="1e-4")


def _missing(found: TableSurvey) -> Iterable[str]:
    goal = next(column for column in found.columns if column.name == found.target)
    if goal.missing:
        yield f'missing = "drop"  # {counted(goal.missing, "row")} have no {found.target}'
    elif any(column.missing for column in found.features):
        yield 'missing = "mean"'


def _training(samples: int, lr: str, weight_decay: str) -> Iterable[str]:
    yield ""
    yield "[optimizer]"
    yield 'name = "adamw"'
    yield f"lr = {lr}"
    yield f"weight_decay = {weight_decay}"
    yield ""
    yield "[schedule]"
    yield 'name = "cosine"'
    yield ""
    yield "[train]"
    yield f"epochs = {max(5, min(60, round(_SAMPLES / max(1, samples))))}"
    yield f"batch_size = {max(4, min(64, samples // 8))}"
