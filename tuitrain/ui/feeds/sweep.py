"""The thread behind the screen of sweeps: how one stands, again and again.

Reads what the driver puts down; knows nothing of widgets.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tuitrain.sweeps.directory import Control, SweepDirectory, read_control, sweep_directories
from tuitrain.sweeps.table import SweepTable, read_table, standing
from tuitrain.ui.feeds.run import Follower

_LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class SweepSeen:
    """One sweep as it was read, and which others there are."""

    directory: SweepDirectory | None
    """None: there is no sweep."""
    table: SweepTable | None
    state: str
    control: Control
    place: int
    """Among all sweeps, from 1, the newest first."""
    number: int


class SweepFollower(Follower):
    """Reads one of the sweeps; the newest, until another one is asked for."""

    def __init__(self, root: Path, deliver: Callable[[SweepSeen], None], wanted: str = "") -> None:
        super().__init__(_LOOK_S)
        self._root = root
        self._deliver = deliver
        self._wanted = wanted
        self._seen: SweepSeen | None = None

    def turn(self, by: int) -> None:
        """Show the sweep that is so many places older."""
        found = sweep_directories(self._root)
        ids = [each.id for each in found]
        if ids:
            place = ids.index(self._wanted) if self._wanted in ids else 0
            self._wanted = ids[(place + by) % len(ids)]
            self.wake()

    def poll(self) -> None:
        """Read; hand on what differs."""
        seen = self._read()
        if seen != self._seen and not self.closed:
            self._seen = seen
            self._deliver(seen)

    def _read(self) -> SweepSeen:
        found = sweep_directories(self._root)
        place = next((i for i, each in enumerate(found) if each.id == self._wanted), 0)
        if not found:
            return SweepSeen(None, None, "", Control(), 0, 0)
        directory = found[place]
        self._wanted = directory.id
        table = read_table(directory)
        state = standing(directory, table)
        return SweepSeen(directory, table, state, read_control(directory), place + 1, len(found))
