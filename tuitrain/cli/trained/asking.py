"""What the commands on a trained model share: the run's settings, its checkpoint, and asking.

Knows where a run keeps what; nothing of what is asked.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuitrain.cli import output
from tuitrain.errors import EXIT_INTERRUPTED, UsageError

if TYPE_CHECKING:
    from tuitrain.config.schema import Preset
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.supervisor.inspection import Kind

Checkpoint = Annotated[
    str,
    typer.Option(
        "--checkpoint",
        "-c",
        metavar="NAME",
        help="Whose weights: best, last, a name of your own, or step-00000100.",
        show_default="best, else last",
    ),
]
Ema = Annotated[
    bool, typer.Option("--ema", help="The averaged weights of the hook ema, not the raw ones.")
]
Code = Annotated[
    list[str] | None,
    typer.Option(
        "--code",
        help="Own code that the run's preset names and that may be loaded; may be given again.",
        show_default=False,
    ),
]
Device = Annotated[
    str, typer.Option("--device", help="cpu, cuda, mps or auto.", show_default="as in training")
]

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Where data sets are kept.",
        show_default="where they were in training",
        file_okay=False,
    ),
]


@dataclass(frozen=True, slots=True)
class Trained:
    """A run whose model is asked."""

    directory: "RunDirectory"
    preset: "Preset"
    checkpoint: Path
    """The file itself."""
    name: str
    """What leads to it, as best."""
    data_directory: Path
    code_folders: tuple[str, ...]

    def ask(self, kind: "Kind", **options: Any) -> dict[str, Any]:
        """Return what a child process answers; Ctrl-C ends it and this command.

        Raises:
            TuitrainError: there is no answer.
            typer.Exit: interrupted.
        """
        from tuitrain.supervisor.inspection import Question, ask

        question = Question(
            kind,
            self.preset,
            self.data_directory,
            self.code_folders,
            {"checkpoint": str(self.checkpoint), **options},
        )
        try:
            return ask(question, _tell)
        except KeyboardInterrupt:
            output.say("interrupted: nothing was kept")
            raise typer.Exit(EXIT_INTERRUPTED) from None


def open_trained(
    directory: "RunDirectory",
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
        UsageError: the run has no such checkpoint, or names code that `code` does not allow.
        TuitrainError: its record or its settings can't be read.
    """
    from tuitrain.config.folders import data_directory
    from tuitrain.config.load import parse_preset
    from tuitrain.runs.config import recorded_config
    from tuitrain.runs.reader import RunReader
    from tuitrain.supervisor.launch import trusted_folders

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


def find_checkpoint(directory: "RunDirectory", name: str) -> tuple[Path, str]:
    """Return the file that a name leads to, and the name; without one the best, else the last.

    Raises:
        UsageError: there is none.
    """
    folder = directory.checkpoints
    there = sorted(path.stem for path in folder.glob("*.pt") if path.is_file())
    wanted = [name.removesuffix(".pt")] if name else ["best", "last"]
    found = next((each for each in wanted if each in there), None)
    if found is not None:
        return (folder / f"{found}.pt").resolve(), found
    if not there:
        raise UsageError(f"{directory.id} has no checkpoint yet; `tuitrain show` says how it is")
    missing = f"no checkpoint {name}" if name else "neither a best nor a last checkpoint"
    raise UsageError(f"{directory.id} has {missing}; it has {', '.join(there)}")


def _tell(text: str) -> None:
    """Say what takes long; in a pipe nobody waits for it."""
    if sys.stderr.isatty():
        output.say(text)
