"""A trained model's file in another format: asked for, written aside, put in its place.

A process of its own writes it; what that leaves when it is interrupted goes with this one.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuitrain.errors import FolderError, UsageError
from tuitrain.supervisor.inspection import Question
from tuitrain.trained.formats import TOLERANCE, ModelFormat
from tuitrain.trained.opening import Trained

_INT8 = (ModelFormat.ONNX, ModelFormat.TORCHSCRIPT)


@dataclass(frozen=True, slots=True)
class ExportWanted:
    """What is asked for beside the run and its checkpoint."""

    format: ModelFormat
    ema: bool = False
    int8: bool = False
    tolerance: float = TOLERANCE

    def __post_init__(self) -> None:
        if self.int8 and self.format not in _INT8:
            raise UsageError(f"--int8: it is for {' and '.join(_INT8)}, not for {self.format}")

    def target(self, given: Path | None, run: str) -> Path:
        """Return the file to write.

        Args:
            given: a file or a folder; None: the folder one is in.
            run: the run's name, which a file has that is given none.

        Raises:
            UsageError: its folder is not there, or its ending is another format's.
        """
        usual = f"{run}{self.format.suffix}"
        path = (given or Path(usual)).expanduser().absolute()
        path = path / usual if path.is_dir() else path
        if path.suffix != self.format.suffix:
            raise UsageError(
                f"-o {given}: a file of {self.format} must end in {self.format.suffix}"
            )
        if not path.parent.is_dir():
            raise UsageError(f"-o {given}: there is no folder {path.parent}")
        return path


def export_trained(
    trained: Trained, wanted: ExportWanted, target: Path, ask: Callable[[Question], dict[str, Any]]
) -> dict[str, Any]:
    """Write a model's file with what belongs to it, and return how it compares, as JSON data.

    Args:
        trained: the model.
        wanted: which weights, in which format.
        target: the file.
        ask: puts the question to a process and waits, as `tuitrain.supervisor.inspection.ask`.

    Raises:
        FolderError: the file's folder can't be written.
        TuitrainError: the format can't take the model, or a library is missing.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=".export-", dir=target.parent) as folder:
            answer = ask(trained.question(
                "export_model", averaged=wanted.ema, format=str(wanted.format), folder=folder,
                name=target.name, run=trained.directory.id, int8=wanted.int8,
                tolerance=wanted.tolerance,
            ))  # fmt: skip
            files = {
                key: name and str(Path(folder, name).replace(target.with_name(name)))
                for key, name in answer["files"].items()
            }
    except OSError as error:
        raise FolderError.of(target.parent, error, "can't be written") from error
    return {**answer, "checkpoint": trained.name, "files": files}
