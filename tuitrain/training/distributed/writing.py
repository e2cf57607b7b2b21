"""What ranks other than 0 do where rank 0 writes a checkpoint: bring their part of the state."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tuitrain.training.checkpoints.files import CheckpointFolder
from tuitrain.training.checkpoints.writer import CheckpointWriter


class FollowingWriter(CheckpointWriter):
    """Writes nothing; rank 0 does, and says whether there is a checkpoint of a step."""

    def __init__(self, run_directory: Path) -> None:
        super().__init__(CheckpointFolder(run_directory / "checkpoints"), run_directory)

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
        """Bring this rank's part."""
        del step, names, keep, metrics
        collect()

    def add_names(self, names: tuple[str, ...]) -> None:
        """Rank 0 does."""
        del names
