"""The columns of a table as people know them, and the features that each becomes."""

from dataclasses import dataclass

from torch import Tensor

from tuitrain.components.data import Column, SampleReader
from tuitrain.training.data.build import Data
from tuitrain.training.data.sources import sample_shape
from tuitrain.training.evaluating.other_data import reader_of


@dataclass(frozen=True, slots=True)
class Part:
    """A column and where its features are."""

    column: Column
    first: int

    @property
    def features(self) -> slice:
        """The column's features."""
        return slice(self.first, self.first + self.column.width)

    def said(self, raw: Tensor) -> str | float:
        """Return what a row [features], as a reader gives it, has in the column.

        A value that the training part does not have is an empty text.
        """
        found = raw[self.features]
        choices = self.column.choices
        if not choices:
            return float(found[0])
        # One-hot, or a code from 1 on; of a single value the two are the same.
        code = int(found.argmax()) + 1 if len(found) > 1 and found.max() > 0 else int(found[0])
        return choices[code - 1] if code else ""


def table_columns(data: Data) -> list[Part]:
    """Return the columns of a table in the order of their features, by number where they have none.

    Args:
        data: whose samples are rows [features].
    """
    features = sample_shape(data.train)[0]
    columns = _named(reader_of(data))
    if sum(column.width for column in columns) != features:
        columns = tuple(Column(f"column {number + 1}") for number in range(features))
    parts, first = [], 0
    for column in (each for each in columns if each.width):
        parts.append(Part(column, first))
        first += column.width
    return parts


def _named(reader: SampleReader | None) -> tuple[Column, ...]:
    named: tuple[Column, ...] = getattr(reader, "columns", ())
    return named
