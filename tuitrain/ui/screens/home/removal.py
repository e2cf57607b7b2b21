"""Moving runs to the trash, and bringing back those that were moved last.

Called in threads; what it returns is to be told.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from tuitrain.errors import TuitrainError
from tuitrain.lang import tr
from tuitrain.remote.client import RemoteClient
from tuitrain.runs.directory import RunDirectory, host_of
from tuitrain.runs.summary import RunSummary
from tuitrain.runs.upkeep.trash import TrashedRun, discard_old, list_trash, move_to_trash, restore

Said = tuple[str, bool]
"""Words, and whether all went well."""


class Removal:
    """Remembers what was removed in this session, removal by removal."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._removed: list[list[TrashedRun]] = []
        self._one_at_a_time = threading.Lock()

    def remove(self, runs: Sequence[RunSummary], elsewhere: RemoteClient) -> Said:
        """Move runs to the trash; `elsewhere` moves those of hosts."""
        moved: list[TrashedRun] = []
        away: list[str] = []
        faults: list[str] = []
        with self._one_at_a_time:
            for run in runs:
                directory = RunDirectory(Path(run.path))
                try:
                    if host_of(run.path):
                        elsewhere.remove(directory)
                        away.append(run.id)
                    else:
                        moved.append(move_to_trash(directory))
                except (TuitrainError, OSError) as error:
                    faults.append(f"{run.id} is still there: {error}")
            if moved:
                self._removed.append(moved)
        done = (
            tr("{runs} in the trash for 7 days; u brings back", runs=_names(moved)) if moved else ""
        )
        there = (
            tr("{runs} in the trash of their host for 7 days", runs=", ".join(away)) if away else ""
        )
        return "; ".join(filter(None, [done, there, *faults])), not faults

    def undo(self, root: Path) -> Said:
        """Bring back what was removed last, in this session or before it."""
        with self._one_at_a_time:
            try:
                runs = self._removed.pop() if self._removed else list_trash(root)[:1]
                kept = [run for run in runs if run.path.exists()]
                for run in kept:
                    restore(run)
            except (TuitrainError, OSError) as error:
                return str(error), False
        if not kept:
            return tr("the trash is empty: nothing to bring back"), True
        return tr("{runs} restored", runs=_names(kept)), True


def empty_old(root: Path, told: Callable[[str], None]) -> None:
    """Throw away what was removed a week ago; `told` takes why that can't be done, if so."""
    try:
        discard_old(root)
    except (TuitrainError, OSError) as error:
        told(f"the trash can't be emptied: {error}")


def _names(runs: Sequence[TrashedRun]) -> str:
    return runs[0].id if len(runs) == 1 else tr("{n} runs", n=len(runs))
