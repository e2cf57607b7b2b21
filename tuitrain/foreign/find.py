"""What logs there are at a path: a file by what is in it, a folder by all below it.

Names each by its path below the one that was asked for, as TensorBoard does. Reads the first lines
of files at most.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tuitrain.errors import UsageError
from tuitrain.extras import installed
from tuitrain.foreign import aim_repo, mlflow_store, trackio_store
from tuitrain.foreign.aim_repo import AimReader
from tuitrain.foreign.mlflow import MetricsReader, is_metrics_folder, run_name
from tuitrain.foreign.mlflow_store import SUFFIXES as STORE_SUFFIXES
from tuitrain.foreign.reader import LogReader
from tuitrain.foreign.sqlite_file import tables_of
from tuitrain.foreign.tables import Form, TableReader, sniff
from tuitrain.foreign.tensorboard.files import is_event_file
from tuitrain.foreign.trackio_store import TrackioReader
from tuitrain.foreign.trainer_state import FILE_NAME as TRAINER_STATE
from tuitrain.foreign.trainer_state import TrainerStateReader, is_trainer_state
from tuitrain.foreign.wandb_file import SUFFIX as WANDB_SUFFIX
from tuitrain.foreign.wandb_file import WandbReader, is_wandb_file

TENSORBOARD, CSV, JSON_LINES, TRAINER, MLFLOW, WANDB, TRACKIO, AIM = (
    "TensorBoard", "CSV", "JSON lines", "Hugging Face Trainer", "MLflow", "Weights & Biases",
    "Trackio", "Aim",
)  # fmt: skip
FORMATS = (
    "TensorBoard event files, CSV (Lightning, Keras and others), JSON lines, Hugging Face's "
    "trainer_state.json, MLflow's file and SQLite stores, Weights & Biases' .wandb files, "
    "Trackio's stores, Aim's repositories (.aim)"
)
_STORES: Mapping[str, tuple[frozenset[str], Callable[[Path], list[tuple[str, str]]]]] = {
    MLFLOW: (mlflow_store.TABLES, mlflow_store.runs_of),
    TRACKIO: (trackio_store.TABLES, trackio_store.runs_of),
}
"""Of files that hold several runs: the tables of each kind, and the id and name of each run."""
_MOST_DEPTH = 16
_TABLE_SUFFIXES: Mapping[str, Form] = {
    ".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
}  # fmt: skip
_MORE_TABLES = frozenset({"log.txt", "training.log", "train.log"})
_USUAL_NAMES = frozenset({
    "metrics.csv", "log.csv", "training.csv", "results.csv", "progress.csv", "history.csv",
    "metrics.jsonl", "log.jsonl", "metrics.json", "log.json", "scalars.json", "log.txt",
    "training.log", "train.log", "progress.json",
})  # fmt: skip
"""Names that say nothing: the folder's name is the run's."""
_NOT_ENTERED = frozenset({"node_modules", "__pycache__", "checkpoints", "latest-run"})
"""`latest-run` is wandb's link to a folder beside it."""


@dataclass(frozen=True, slots=True)
class FoundLog:
    """A log."""

    path: Path
    """The real path of its file or folder, which it is known by."""
    kind: str
    """Who writes such logs, in a user's words."""
    name: str
    """What the run is called."""
    form: Form | None = None
    part: str = ""
    """Which run of a file that has several."""

    def reader(self) -> LogReader:
        """Return what reads it."""
        if self.kind == TENSORBOARD:
            # Imported here: it needs numpy, which takes as long to load as all else.
            from tuitrain.foreign.tensorboard.reader import EventReader

            return EventReader(self.path)
        if self.kind == TRAINER:
            return TrainerStateReader(self.path)
        if self.kind == MLFLOW:
            if self.part:
                return mlflow_store.StoreReader(self.path, self.part)
            return MetricsReader(self.path)
        if self.kind == TRACKIO:
            return TrackioReader(self.path, self.part)
        if self.kind == AIM:
            return AimReader(self.path, self.part)
        if self.kind == WANDB:
            return WandbReader(self.path)
        return TableReader(self.path, self.form or "csv")


def find_logs(path: Path) -> list[FoundLog]:
    """Return the logs at a path, by name.

    Raises:
        UsageError: there is nothing, or nothing that can be read as a log.
    """
    try:
        real = path.resolve(strict=True)
        if real.name.startswith("checkpoint-") and (real / TRAINER_STATE).is_file():
            real /= TRAINER_STATE
        found = _named(real) if real.is_file() else sorted(_below(real), key=_by_name)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    if not found:
        raise UsageError(f"{path}: no logs below it. Known are {FORMATS}.")
    return found


def _by_name(log: FoundLog) -> str:
    return log.name


def _named(path: Path) -> list[FoundLog]:
    """Return the logs that a file holds."""
    return list(_in_store(path, "")) or [_named_file(path)]


def _in_store(path: Path, above: str) -> Iterator[FoundLog]:
    """Yield the runs of a file that holds several; none of any other file.

    Raises:
        OSError: it can't be read.
    """
    if path.suffix not in STORE_SUFFIXES:
        return
    there = tables_of(path)
    for kind, (tables, runs_of) in _STORES.items():
        if there >= tables:
            for run, name in runs_of(path):
                yield FoundLog(path, kind, f"{above}/{name}" if above else name, part=run)


def _named_file(path: Path) -> FoundLog:
    """Return the log that a file is; an event file stands for its folder."""
    if is_event_file(path.name):
        return FoundLog(path.parent, TENSORBOARD, path.parent.name)
    if path.name == TRAINER_STATE and is_trainer_state(path):
        return FoundLog(_output_folder(path), TRAINER, _output_folder(path).name)
    if path.suffix == WANDB_SUFFIX and is_wandb_file(path):
        return FoundLog(path, WANDB, path.parent.name)
    form = sniff(path, named=True)
    if form is None:
        raise UsageError(f"{path}: not a log that is known. Known are {FORMATS}.")
    usual = path.name.lower() in _USUAL_NAMES
    return FoundLog(path, _form_name(form), path.parent.name if usual else path.name, form)


def _below(root: Path) -> Iterator[FoundLog]:
    seen: set[Path] = set()
    for folder, files in _folders(root, seen, 0):
        yield from _in_folder(root, folder, files)


def _folders(folder: Path, seen: set[Path], depth: int) -> Iterator[tuple[Path, list[str]]]:
    """Yield folders with the names of their files; links are followed, each folder comes once."""
    real = folder.resolve()
    if real in seen or depth > _MOST_DEPTH:
        return
    seen.add(real)
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.is_dir()) for entry in entries]
    except OSError:
        if depth == 0:
            raise
        return
    files = [name for name, is_folder in found if not is_folder]
    if "run.db" in files:
        return
    yield folder, files
    if folder.name == aim_repo.FOLDER or any(name.endswith(WANDB_SUFFIX) for name in files):
        return
    for name, is_folder in found:
        hidden = name.startswith(".") and name != aim_repo.FOLDER
        if is_folder and not hidden and name not in _NOT_ENTERED:
            yield from _folders(folder / name, seen, depth + 1)


def _in_folder(root: Path, folder: Path, files: list[str]) -> Iterator[FoundLog]:
    if aim_repo.is_repo(folder):
        yield from _in_repo(root, folder)
        return
    name = _relative(root, folder)
    taken = False
    if any(map(is_event_file, files)):
        yield FoundLog(folder.resolve(), TENSORBOARD, name)
        taken = True
    if _is_trainer_output(folder, files):
        output = _output_folder(folder / TRAINER_STATE)
        yield FoundLog(output.resolve(), TRAINER, f"{name}/{TRAINER_STATE}" if taken else name)
        taken = True
    if "meta.yaml" in files and is_metrics_folder(folder):
        above = name.rpartition("/")[0]
        called = run_name(folder)
        yield FoundLog(folder.resolve(), MLFLOW, f"{above}/{called}" if above else called)
        taken = True
    for file in files:
        path = folder / file
        if path.suffix == WANDB_SUFFIX and is_wandb_file(path):
            yield FoundLog(path.resolve(), WANDB, name)
            taken = True
        else:
            # A file that was only come across and can't be read is no log.
            with suppress(OSError):
                yield from _in_store(path.resolve(), name)
    yield from _tables(folder, files, name, taken=taken)


def _in_repo(root: Path, folder: Path) -> Iterator[FoundLog]:
    """Yield the runs of a repository of Aim's, named after the folder that it lies in.

    Raises:
        UsageError: Aim, which reads it, is not installed.
    """
    installed(("aim",), "aim", f"{folder}: reading Aim's repositories")
    above = _relative(root, folder.parent) if folder != root else folder.parent.name
    with suppress(OSError):
        for run, name in aim_repo.runs_of(folder):
            yield FoundLog(folder.resolve(), AIM, f"{above}/{name}", part=run)


def _is_trainer_output(folder: Path, files: list[str]) -> bool:
    """Say whether a folder's state stands for a run: that of a checkpoint does for its folder's."""
    if TRAINER_STATE not in files:
        newest = [] if folder.name.startswith("checkpoint-") else _checkpoint_states(folder)
        return any(map(is_trainer_state, newest[-1:]))
    if folder.name.startswith("checkpoint-"):
        return False
    return is_trainer_state(folder / TRAINER_STATE)


def _checkpoint_states(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"checkpoint-*/{TRAINER_STATE}"))


def _output_folder(path: Path) -> Path:
    folder = path.parent
    return folder.parent if folder.name.startswith("checkpoint-") else folder


def _tables(folder: Path, files: list[str], name: str, *, taken: bool) -> Iterator[FoundLog]:
    likely = [
        file
        for file in sorted(files)
        if Path(file).suffix.lower() in _TABLE_SUFFIXES or file.lower() in _MORE_TABLES
    ]
    found = []
    for file in likely:
        if file == TRAINER_STATE:
            continue
        try:
            form = sniff(folder / file, named=False)
        except OSError:
            continue
        if form is not None:
            found.append((file, form))
    for file, form in found:
        plain = len(found) == 1 and not taken and file.lower() in _USUAL_NAMES
        called = name if plain else f"{name}/{file}"
        yield FoundLog((folder / file).resolve(), _form_name(form), called.removeprefix("./"), form)


def _form_name(form: Form) -> str:
    return CSV if form == "csv" else JSON_LINES


def _relative(root: Path, folder: Path) -> str:
    relative = folder.relative_to(root).as_posix()
    return root.name or "/" if relative == "." else relative
