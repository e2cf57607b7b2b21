"""Images whose classes stand in a table of file and label.

Reads the table and the files' sizes, no pixels.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tuitrain.errors import DataUnavailableError, FolderError
from tuitrain.userdata.image_files import (
    TEST,
    TRAIN,
    VALIDATION,
    ImageFile,
    ImageSet,
    image_file,
    is_image,
)
from tuitrain.userdata.split import held_out
from tuitrain.userdata.tables import Table, is_missing, read_table
from tuitrain.userdata.words import counted, listed, shown

_FILE = ("file", "filename", "file_name", "image", "path")
_LABEL = ("label", "class", "target", "category")
_PART = ("part", "split")


def find_labelled(root: Path, labels: str, share: float, seed: int) -> ImageSet:
    """Find the images that a table names, with their classes.

    Args:
        root: the folder that names of files are relative to.
        labels: the table, relative to the folder: columns `file` and `label`, perhaps `part`
            (train or val, test rows are left out).
        share: of each class, held out where the table has no parts.
        seed: of that choice.

    Raises:
        DataUnavailableError: the table can't be used, or names files that are not there.
    """
    table = read_table(root / labels)
    file, label = _column(table, _FILE), _column(table, _LABEL)
    part = next((name for name in table.columns if name.lower() in _PART), None)
    empty = [n for name in (file, label) for n, c in enumerate(table.column(name)) if is_missing(c)]
    if empty:
        raise DataUnavailableError(
            f"{shown(table.path)}, line {table.lines[empty[0]]}: a file and a label are needed"
        )
    names, texts = table.column(file), table.column(label)
    _refuse_twice(table, names)
    classes = class_names(texts)
    if len(classes) < 2:
        raise DataUnavailableError(
            f"{shown(table.path)} has one label only, {shown(texts[0])}: nothing to tell apart"
        )
    numbers = {name: number for number, name in enumerate(classes)}
    files = [replace(_known(root, name), label=numbers[t]) for name, t in zip(names, texts)]  # noqa: B905
    _refuse_absent(table, files)
    if part is None:
        held = held_out([each.label for each in files], share, seed)
    else:
        files, held = _parted(table, files, table.column(part))
    train = tuple(each for each, out in zip(files, held, strict=True) if not out)
    validation = tuple(each for each, out in zip(files, held, strict=True) if out)
    return ImageSet(root, tuple(shown(name) for name in classes), train, validation)


def is_label_table(path: Path) -> bool:
    """Say whether a table is one of image files and their labels, by its columns and first row."""
    try:
        table = read_table(path)
    except (DataUnavailableError, FolderError):
        return False
    names = {name.lower() for name in table.columns}
    if not (names & set(_FILE) and names & set(_LABEL)):
        return False
    return is_image(table.column(_column(table, _FILE))[0])


def class_names(texts: Sequence[str]) -> list[str]:
    """Return the different labels: whole numbers by size, else by their text."""
    names = set(texts)
    try:
        return sorted(names, key=lambda name: (int(name), name))
    except ValueError:
        return sorted(names)


def _column(table: Table, names: Sequence[str]) -> str:
    found = next((each for each in table.columns if each.lower() in names), None)
    if found is None:
        raise DataUnavailableError(
            f"{shown(table.path)} needs a column {names[0]}; it has "
            f"{listed([shown(each) for each in table.columns], 30)}"
        )
    return found


def _refuse_twice(table: Table, names: Sequence[str]) -> None:
    first: dict[str, int] = {}
    for number, name in enumerate(names):
        if first.setdefault(name, number) != number:
            raise DataUnavailableError(
                f"{shown(table.path)} has {shown(name)} twice, on lines "
                f"{table.lines[first[name]]} and {table.lines[number]}"
            )


def _known(root: Path, name: str) -> ImageFile:
    return image_file(root, os.path.normpath(name))


def _refuse_absent(table: Table, files: Sequence[ImageFile]) -> None:
    root = table.path.parent
    absent = [
        f"{shown(each.name)} (line {table.lines[number]})"
        for number, each in enumerate(files)
        if not each.changed_ns
    ]
    if absent:
        raise DataUnavailableError(
            f"{shown(table.path)} names {counted(len(absent), 'file')} that {shown(root)} lacks: "
            f"{listed(absent)}"
        )


def _parted(
    table: Table, files: Sequence[ImageFile], parts: Sequence[str]
) -> tuple[list[ImageFile], np.ndarray]:
    known = {**dict.fromkeys(TRAIN, 0), **dict.fromkeys(VALIDATION, 1), **dict.fromkeys(TEST, 2)}
    codes = [known.get(each.lower()) for each in parts]
    if None in codes:
        line = table.lines[codes.index(None)]
        raise DataUnavailableError(
            f"{shown(table.path)}, line {line}: the part {shown(parts[codes.index(None)])} is none "
            "of train, val and test"
        )
    if not {0, 1} <= set(codes):
        raise DataUnavailableError(f"{shown(table.path)} needs rows of both parts, train and val")
    kept = [number for number, code in enumerate(codes) if code != 2]
    return [files[number] for number in kept], np.array([codes[n] == 1 for n in kept])
