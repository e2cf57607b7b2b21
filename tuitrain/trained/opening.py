"""A run's model as one of its checkpoints has it, and the questions that can be put to it.

Knows where a run keeps what; nothing of what is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuitrain.config.folders import data_directory
from tuitrain.config.load import parse_preset
from tuitrain.config.schema import Preset
from tuitrain.errors import UsageError
from tuitrain.runs.config import recorded_config
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.watched import refuse_script, refuse_watched
from tuitrain.supervisor.inspection import Kind, Question
from tuitrain.supervisor.launch import trusted_folders


@dataclass(frozen=True, slots=True)
class Trained:
    """A run whose model is asked."""

    directory: RunDirectory
    preset: Preset
    checkpoint: Path
    """The file itself."""
    name: str
    """What leads to it, as best."""
    data_directory: Path
    code_folders: tuple[str, ...]

    def question(self, kind: Kind, **options: Any) -> Question:
        """Return what is asked of the model, for `tuitrain.supervisor.inspection.ask`.

        Args:
            kind: of the question.
            options: of this kind, as JSON data.
        """
        return Question(
            kind,
            self.preset,
            self.data_directory,
            self.code_folders,
            {"checkpoint": str(self.checkpoint), **options},
        )


def open_trained(
    directory: RunDirectory,
    checkpoint: str,
    *,
    command: str,
    code: Sequence[str] | None,
    device: str = "",
    data_dir: Path | None = None,
) -> Trained:
    """Return a run with one of its checkpoints.

    Args:
        directory: the run.
        checkpoint: a name; empty: the best, else the last.
        command: the command's name, for advice.
        code: own code that may be loaded.
        device: as in a preset; empty: as in training.
        data_dir: where data sets are kept, when not where they were.

    Raises:
        UsageError: the run has no such checkpoint, or names code that `code` does not allow; or
            it is somebody else's log, which is only watched.
        TuitrainError: its record or its settings can't be read.
    """
    refuse_watched(directory)
    refuse_script(directory, "model")
    text = recorded_config(directory)
    if text is None:
        text = directory.config_path.read_text(encoding="utf-8")
    preset = parse_preset(text, "config.toml", [f"train.device={device}"] if device else ())
    with RunReader(directory) as reader:
        recorded = reader.meta().get("data_directory")
    kept = Path(recorded) if recorded and data_dir is None else data_directory(data_dir)
    return Trained(
        directory,
        preset,
        *find_checkpoint(directory, checkpoint),
        kept.absolute(),
        trusted_folders(preset, code or (), f"{command} {directory.id}"),
    )


def find_checkpoint(directory: RunDirectory, name: str) -> tuple[Path, str]:
    """Return the file that a name leads to, and the name; without one the best, else the last.

    Raises:
        UsageError: there is none.
    """
    folder = directory.checkpoints
    there = sorted(path.stem for path in folder.glob("*.pt") if path.exists())
    wanted = [name.removesuffix(".pt")] if name else ["best", "last"]
    found = next((each for each in wanted if each in there), None)
    if found is not None:
        return (folder / f"{found}.pt").resolve(), found
    if not there:
        raise UsageError(f"{directory.id} has no checkpoint yet; `tuitrain show` says how it is")
    missing = f"no checkpoint {name}" if name else "neither a best nor a last checkpoint"
    raise UsageError(f"{directory.id} has {missing}; it has {', '.join(there)}")
