"""A text file, character by character."""

from typing import Annotated

import numpy as np
import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from tuitrain.components.data import DataContext, Samples, Splits, TokenTexts
from tuitrain.components.files import file_in
from tuitrain.components.readers.texts import CharacterReader
from tuitrain.components.registry import dataset
from tuitrain.config.schema import NonNegativeInt
from tuitrain.errors import DataUnavailableError, TrainingError

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""Stands for the characters of the held-out part that the training part does not have."""


@dataset("text_file", tasks=("language_modelling",))
def text_file(
    context: DataContext,
    *,
    path: str = "",
    length: PositiveInt = 128,
    stride: NonNegativeInt = 0,
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.1,
) -> Splits:
    """Characters of a UTF-8 text, each with the next one as its target; its end is held out.

    Without `path` the text is Python's own documentation topics.
    `stride` is the distance of two samples' beginnings; 0: `length`. Classes are the characters.
    """
    text, source = _read(context, path)
    held = max(length + 1, round(len(text) * validation_fraction))
    if len(text) < held + length + 1:
        raise TrainingError(
            f"{source} has {len(text):,} characters: with data.length = {length} and "
            f"data.validation_fraction = {validation_fraction} there must be {held + length + 1:,}"
        )
    train, validation = text[:-held], text[-held:]
    characters = (UNKNOWN, *sorted(set(train) - {UNKNOWN}))
    return Splits(
        _windows(_encode(train, characters), length, stride or length),
        _windows(_encode(validation, characters), length, length),
        classes=characters,
        kind="tokens",
        vocabulary=len(characters),
        token_texts=TokenTexts(characters),
        reader=CharacterReader(characters, length),
    )


def _read(context: DataContext, path: str) -> tuple[str, str]:
    """Return the text, and what it is from in words."""
    if not path:
        return _topics(), "pydoc_data.topics"
    file = file_in(context, path)
    try:
        return file.read_text("utf-8"), str(file)
    except UnicodeDecodeError as error:
        raise TrainingError(f"{file} is no text in UTF-8: {error}") from error


def _topics() -> str:
    """Return what `help()` says on the language's topics, one after the other."""
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise DataUnavailableError(
            "this Python has no documentation topics (pydoc_data); name a text with data.path"
        ) from error
    return "\n\n".join(topics[name] for name in sorted(topics))


def _encode(text: str, characters: tuple[str, ...]) -> Tensor:
    """Return [characters] token numbers in as few bits as they need."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    known, places = np.unique(points, return_inverse=True)
    token = {ord(character): number for number, character in enumerate(characters)}
    kind = np.uint8 if len(characters) <= 256 else np.int32
    return torch.from_numpy(np.array([token.get(int(point), 0) for point in known], kind)[places])


def _windows(tokens: Tensor, length: int, stride: int) -> Samples:
    """Return each stretch of `length` tokens, with the tokens that follow each of them."""
    # Copies: side by side the two would share their memory, and be counted twice.
    inputs, targets = (part.unfold(0, length, stride).clone() for part in (tokens[:-1], tokens[1:]))
    return Samples(inputs.contiguous(), targets.contiguous())
