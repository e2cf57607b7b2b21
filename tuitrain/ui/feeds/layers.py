"""The thread that reads what was measured of a run's layers.

It never waits for the screen, and opens the record for reading alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from tuitrain.analysis.layers import Layers, read_layers
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.lock import is_alive
from tuitrain.runs.reader import RunReader
from tuitrain.runs.summary import RunSummary
from tuitrain.ui.feeds.run import RecordFollower

_LOOK_S = 2.0
"""Four curves a layer are read each time: a hundred layers take 0.1 s."""
COLUMNS = 48


@dataclass(frozen=True, slots=True)
class LayersSnapshot:
    """A run's layers at one moment."""

    layers: Layers = field(default_factory=Layers)
    summary: RunSummary | None = None
    live: bool = False
    error: str = ""
    """Why the record can't be read."""


class LayersFollower(RecordFollower[int, LayersSnapshot]):
    """Follows the layers of one run; what is asked for are columns of each curve."""

    def __init__(self, directory: RunDirectory, deliver: Callable[[LayersSnapshot], None]) -> None:
        super().__init__(directory, deliver, COLUMNS)
        self._period_s = _LOOK_S

    def read(self, reader: RunReader, request: int) -> LayersSnapshot:
        """Read the layers."""
        live = is_alive(self._directory)
        return LayersSnapshot(read_layers(reader, request), reader.summary(), live)

    def fail(self, reason: str) -> LayersSnapshot:
        """Show why nothing else is shown."""
        return LayersSnapshot(error=reason)
