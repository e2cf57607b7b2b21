"""Labelled texts: each is a row of words, padded to one length."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import Field, PositiveInt

from tuitrain.components.data import DataContext, Facts, Samples, Splits
from tuitrain.components.files import file_in
from tuitrain.components.readers.labelled_texts import LabelledTexts, Row
from tuitrain.components.readers.texts import WordReader
from tuitrain.components.registry import dataset
from tuitrain.components.vocabulary import build_vocabulary, split_words
from tuitrain.config.schema import NonNegativeInt
from tuitrain.errors import TrainingError

_NAME = 60
"""Characters of a text by which a sample is called."""


@dataset("text_csv", tasks=("classification",))
def text_csv(
    context: DataContext,
    *,
    path: Annotated[str, Field(min_length=1)],
    text: str = "text",
    label: str = "label",
    validation_path: str = "",
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2,
    length: PositiveInt = 128,
    vocabulary: PositiveInt = 10000,
    min_count: PositiveInt = 2,
    bucket: NonNegativeInt = 0,
) -> Splits:
    """Texts and labels in columns of a CSV file with a header."""
    files = [file_in(context, each) for each in (path, validation_path) if each]
    rows = LabelledTexts("csv", text, label)
    return text_splits(
        [rows.read(file) for file in files], files, validation_fraction, length, vocabulary,
        min_count, bucket, rows,
    )  # fmt: skip


@dataset("jsonl", tasks=("classification",))
def jsonl(
    context: DataContext,
    *,
    path: Annotated[str, Field(min_length=1)],
    text: str = "text",
    label: str = "label",
    validation_path: str = "",
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2,
    length: PositiveInt = 128,
    vocabulary: PositiveInt = 10000,
    min_count: PositiveInt = 2,
    bucket: NonNegativeInt = 0,
) -> Splits:
    """Texts and labels in fields of a file of one JSON object a line."""
    files = [file_in(context, each) for each in (path, validation_path) if each]
    rows = LabelledTexts("jsonl", text, label)
    return text_splits(
        [rows.read(file) for file in files], files, validation_fraction, length, vocabulary,
        min_count, bucket, rows,
    )  # fmt: skip


def text_splits(
    parts: Sequence[Sequence[Row]],
    files: Sequence[Path],
    validation_fraction: float,
    length: int,
    vocabulary: int,
    min_count: int,
    bucket: int,
    rows: LabelledTexts | None = None,
) -> Splits:
    """Return labelled texts as token numbers; the vocabulary is the training part's.

    Args:
        parts: the rows that are trained on and those that are not, or all of them.
        files: that they are from, for words.
        validation_fraction: of each label's rows, where there is one part.
        length: words of a text that are taken.
        vocabulary: words that have a token of their own, at the most.
        min_count: times that a word must occur to have one.
        bucket: texts of similar length that come one after the other; 0: none.
        rows: reads another file of such rows; None: there is no way to.

    Raises:
        TrainingError: there are too few rows or labels.
    """
    labels = _sorted_labels(parts, files)
    train, held = parts if len(parts) == 2 else _split(parts[0], labels, validation_fraction)
    if not train or not held:
        raise TrainingError(f"{files[0]} has too few rows to train on some and validate on others")
    words = [[split_words(text) for text, _label in part] for part in (train, held)]
    known = build_vocabulary(words[0], vocabulary, min_count)
    if not known.tokens:
        raise TrainingError(f"{files[0]} has no word that occurs {min_count} times (min_count)")
    number = {label: place for place, label in enumerate(labels)}
    training, validation = (
        Samples(known.encode(texts, length), torch.tensor([number[row[1]] for row in part]))
        for texts, part in zip(words, (train, held), strict=True)
    )
    return Splits(
        training,
        validation,
        classes=tuple(labels),
        kind="tokens",
        vocabulary=len(known),
        bucket=bucket,
        token_texts=known.texts(),
        facts=lambda: Facts([text[:_NAME] for text, _label in held]),
        reader=WordReader(known, length, labels, rows),
    )


def _sorted_labels(parts: Sequence[Sequence[Row]], files: Sequence[Path]) -> list[str]:
    """Return the labels, as numbers in their order where all are."""
    labels = {label for _text, label in parts[0]}
    if len(labels) < 2:
        raise TrainingError(
            f"{files[0]} has {len(labels)} different labels, it must have 2 or more"
        )
    if len(parts) == 2:
        unknown = {label for _text, label in parts[1]} - labels
        if unknown:
            raise TrainingError(
                f"{files[1]} has the label {min(unknown)!r}, which {files[0]} does not have"
            )
    numbers = all(label.isdecimal() for label in labels)
    return sorted(labels, key=int if numbers else None)


def _split(
    rows: Sequence[Row], labels: Sequence[str], fraction: float
) -> tuple[list[Row], list[Row]]:
    """Hold a share of each label's rows back: the same ones for every seed."""
    random = np.random.default_rng(0)
    held: set[int] = set()
    for label in labels:
        places = [place for place, row in enumerate(rows) if row[1] == label]
        number = min(len(places) - 1, max(1, round(len(places) * fraction)))
        held.update(int(place) for place in random.permutation(places)[:number])
    return (
        [row for place, row in enumerate(rows) if place not in held],
        [row for place, row in enumerate(rows) if place in held],
    )
