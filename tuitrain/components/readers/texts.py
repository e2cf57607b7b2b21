"""Texts as tokens, by the vocabulary of a data set's training part."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tuitrain.components.data import Facts, Samples, Takes
from tuitrain.components.readers.labelled_texts import LabelledTexts
from tuitrain.components.vocabulary import Vocabulary, split_words
from tuitrain.errors import TrainingError, UsageError


class WordReader:
    """Reads texts as rows of words."""

    takes: Takes = "texts"

    def __init__(
        self,
        vocabulary: Vocabulary,
        length: int,
        labels: Sequence[str],
        rows: LabelledTexts | None,
    ) -> None:
        """Take the training part's vocabulary.

        Args:
            vocabulary: of the words.
            length: words of a text that are taken.
            labels: in the order of the class numbers.
            rows: reads a file of texts and labels; None: there is no way to.
        """
        self.vocabulary, self.length = vocabulary, length
        self._labels, self._rows = tuple(labels), rows

    def read(self, items: Sequence[str]) -> Tensor:
        """Return texts as tokens [n, length]."""
        return self.vocabulary.encode([split_words(text) for text in items], self.length)

    def pieces(self, text: str) -> list[str]:
        """Return what each token of a text stands for."""
        return split_words(text)[: self.length]

    def labelled(self, path: Path) -> tuple[Samples, Facts]:
        """Return the rows of a file like the training file.

        Raises:
            TrainingError: a label is none of the run's.
        """
        if self._rows is None:
            raise UsageError(f"--data {path}: this data set has no other file")
        if not path.is_file():
            raise UsageError(f"--data {path}: there is no such file")
        rows = self._rows.read(path)
        strange = sorted({label for _text, label in rows} - set(self._labels))
        if strange:
            raise TrainingError(
                f"{path} has the label {strange[0]!r}, which is no class of the run: it has "
                f"{', '.join(self._labels)}"
            )
        labels = torch.tensor([self._labels.index(label) for _text, label in rows])
        names = [text[:60] for text, _label in rows]
        return Samples(self.read([text for text, _label in rows]), labels), Facts(names)

    def state(self) -> dict[str, Any]:
        """Return it as JSON data, for `from_state`."""
        return {
            "words": self.vocabulary.words,
            "length": self.length,
            "labels": self._labels,
            "rows": None if self._rows is None else asdict(self._rows),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "WordReader":
        """Return the reader that `state` is of."""
        rows = None if state["rows"] is None else LabelledTexts(**state["rows"])
        return cls(Vocabulary.of(state["words"]), state["length"], state["labels"], rows)


class CharacterReader:
    """Reads the ends of texts, character by character."""

    takes: Takes = "texts"

    def __init__(self, characters: Sequence[str], length: int) -> None:
        """Take the training part's characters, the unknown one first, and a sample's length."""
        self.characters = tuple(characters)
        self.length = length
        self._tokens = {character: number for number, character in enumerate(characters)}

    def read(self, items: Sequence[str]) -> Tensor:
        """Return one text's last characters as tokens [1, up to length]; texts differ in length.

        Raises:
            UsageError: it is empty.
        """
        if not items[0]:
            raise UsageError("an empty text has no character to go on from")
        tokens = [self._tokens.get(character, 0) for character in items[0][-self.length :]]
        return torch.tensor([tokens], dtype=torch.int64)

    def pieces(self, text: str) -> list[str]:
        """Return what each token of a text stands for."""
        return list(text[-self.length :])

    def labelled(self, path: Path) -> tuple[Samples, Facts]:
        """Raise: a text's own end is what it is evaluated on."""
        raise UsageError(f"--data {path}: take --set data.path=PATH, of which the end is held out")

    def state(self) -> dict[str, Any]:
        """Return it as JSON data, for `from_state`."""
        return {"characters": self.characters, "length": self.length}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "CharacterReader":
        """Return the reader that `state` is of."""
        return cls(state["characters"], state["length"])
