"""What was measured of a model's layers, off the record: the last values and how they came to be.

Reads records; judges and draws nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tuitrain.metric_names import LAYER_KINDS, layer_metric, layer_of
from tuitrain.runs.reader import RunReader
from tuitrain.runs.series import Series


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer."""

    name: str
    """Of the module in the model."""
    last: Mapping[str, float] = field(default_factory=dict)
    """The newest value of each kind in `LAYER_KINDS` that is measured of it."""
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Means over time, oldest first."""


@dataclass(frozen=True, slots=True)
class Layers:
    """All layers of a run."""

    rows: tuple[LayerRow, ...] = ()
    """In the order of the model."""
    step: int = 0
    """Of the newest values; 0: nothing was measured yet."""
    every: int = 0
    """Steps from one measurement to the next as it is set now; 0: none is made."""


def read_layers(reader: RunReader, columns: int) -> Layers:
    """Return what is on record of a run's layers.

    Args:
        reader: of the run.
        columns: of each curve, at most.

    Raises:
        RecordError: the record can't be read.
    """
    found = (layer_of(name) for name in reader.curves.layer_names())
    names = dict.fromkeys(layer for _kind, layer in filter(None, found))
    read = [_row(reader, name, columns) for name in names]
    return Layers(
        tuple(row for row, _step in read),
        max((step for _row, step in read), default=0),
        layers_every(reader),
    )


def _row(reader: RunReader, name: str, columns: int) -> tuple[LayerRow, int]:
    series = {
        kind: reader.curves.series(layer_metric(kind, name), columns=columns)
        for kind in LAYER_KINDS
    }
    curves = {kind: _means(each) for kind, each in series.items() if each.columns}
    step = max((each.last_step for each in series.values() if each.columns), default=0)
    last = {kind: _last(reader, kind, name) for kind in curves}
    return LayerRow(name, last, curves), step


def _means(series: Series) -> tuple[float, ...]:
    return tuple(column.mean for column in series.columns)


def _last(reader: RunReader, kind: str, name: str) -> float:
    metric = layer_metric(kind, name)
    step = reader.curves.last_step(metric)
    column = reader.curves.series(metric, step, step, 1).columns[-1]
    return column.mean


def layers_every(reader: RunReader) -> int:
    """Return every how many steps layers are measured now: as set last, else by the settings."""
    for mark in reversed(reader.entries.marks()):
        key, value = getattr(mark.data, "key", ""), getattr(mark.data, "new", None)
        if key == "train.layers_every" and value is not None:
            return int(value)
    train = reader.config().get("train")
    return int(train.get("layers_every", 0)) if isinstance(train, Mapping) else 0
