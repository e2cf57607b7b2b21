"""What ranks other than 0 do where a checkpoint is written: bring their part, or write it."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tuitrain.training.checkpoints.files import CheckpointFolder
from tuitrain.training.checkpoints.sharded import bring_parts
from tuitrain.training.checkpoints.writer import CheckpointWriter

_LOOK_S = 0.1


class FollowingWriter(CheckpointWriter):
    """Follows rank 0, which says whether there is a checkpoint of a step, and names it."""

    def __init__(self, run_directory: Path) -> None:
        folder = CheckpointFolder(run_directory / "checkpoints")
        super().__init__(folder, run_directory)
        self._place = folder.temporary
        self._writing: threading.Thread | None = None
        self._tries_again = threading.Event()

    def write_in(self, folder: Path) -> None:
        """Write this rank's parts into checkpoints of this folder, which rank 0 names."""
        self._place = CheckpointFolder(folder).temporary

    def has(self, step: int) -> bool:
        """Rank 0 knows."""
        del step
        return False

    def save(
        self,
        collect: Callable[[], Mapping[str, Any]],
        *,
        step: int,
        names: tuple[str, ...],
        keep: int,
        metrics: Mapping[str, float],
    ) -> None:
        """Bring this rank's part to rank 0, or let a thread write it where that is asked for."""
        del names, keep, metrics
        if self._writing is not None:
            self._writing.join()
        state = collect()
        rest, parts = self.parts.take(state)
        if parts is None:
            bring_parts(rest)
            return
        self._tries_again.clear()
        # Where a disk is full, rank 0 waits and tries again.
        given = (parts, self._place(step), self._tries_again.set)
        self._writing = threading.Thread(target=self.parts.follow, args=given, daemon=True)
        self._writing.start()

    def wait(self) -> None:
        """Wait for this rank's part; not where it failed, as rank 0 may give it up."""
        while self._writing is not None and self._writing.is_alive():
            if self._tries_again.is_set():
                return
            self._writing.join(_LOOK_S)

    def add_names(self, names: tuple[str, ...]) -> None:
        """Rank 0 does."""
        del names
