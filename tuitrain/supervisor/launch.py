"""How one attempt of a run is to be supervised: a value, and the file that hands it on.

Whoever starts or resumes a run makes the value; a supervisor in the background reads it from
launch.json in the run's folder. Knows presets and run directories; nothing of processes.
"""

import json
import os
import sys
import tomllib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from shlex import quote
from typing import IO, TYPE_CHECKING, Annotated, Any, ClassVar, Protocol

from pydantic import BeforeValidator, ConfigDict, PlainSerializer, TypeAdapter, ValidationError

from tuitrain.config.changes import Change
from tuitrain.config.data_path import with_whole_path
from tuitrain.config.folders import data_directory
from tuitrain.config.load import to_toml
from tuitrain.config.schema import Preset
from tuitrain.config.tracking import whole_folder, with_whole_folder
from tuitrain.errors import FolderError, TuitrainError, UsageError
from tuitrain.messages import Command, Nodes, StartTraining
from tuitrain.runs.directory import RunDirectory, create_run
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import History, JobLimit
from tuitrain.runs.watched import refuse_script, refuse_watched
from tuitrain.supervisor.changed_settings import check_length, settle
from tuitrain.supervisor.queueing.wish import Wish
from tuitrain.whole_file import written_whole

if TYPE_CHECKING:
    from tuitrain.alerts.rules import Rules
    from tuitrain.supervisor.observers.observer import Observer
    from tuitrain.supervisor.record_keeper import RecordKeeper

VERSION = 1
"""Of launch.json."""


def _read_config(config: object) -> object:
    """Return the preset of a TOML text; it was checked in full by whoever wrote the text."""
    return Preset.model_validate(tomllib.loads(config)) if isinstance(config, str) else config


class Launch(Protocol):
    """One attempt of a run, whatever trains."""

    @property
    def directory(self) -> RunDirectory:
        """The run."""
        ...

    @property
    def grace_s(self) -> float:
        """How long a worker that is stopped may take to save and end."""
        ...

    @property
    def while_held(self) -> str:
        """What becomes of training while the record can't be written, in a sentence."""
        ...

    @property
    def wish(self) -> Wish | None:
        """What it waits for in the queue; None: it does not wait."""
        ...

    @property
    def usr1_stops(self) -> bool:
        """Whether SIGUSR1 ends it, as SIGTERM does."""
        ...

    def rules(self) -> "Rules":
        """Return the rules on alerts."""
        ...

    def again(self) -> "Launch":
        """Return how the run goes on after it gave way to another."""
        ...

    def observers(self, record: "RecordKeeper", clock: Callable[[], float]) -> "Sequence[Observer]":
        """Return who follows the run for it, beside those that follow every run.

        Args:
            record: of the run.
            clock: seconds since the epoch.
        """
        ...

    def order(self, attempt: int, history: History) -> Command:
        """Return what begins the attempt.

        Args:
            attempt: its number.
            history: what came before it.
        """
        ...


@dataclass(frozen=True, slots=True)
class LaunchSpec:
    """One attempt of a run: how it is started or resumed."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    directory: RunDirectory
    """The run; not in the file, which lies in it."""
    preset: Annotated[Preset, BeforeValidator(_read_config), PlainSerializer(to_toml)]
    """Resolved; TOML text in the file."""
    resume: bool
    data_directory: Path
    code_folders: tuple[str, ...] = ()
    """Put first on the worker's import path, for a user's own code."""
    checkpoint: str = ""
    """Resume from this file, its path relative to the run; empty: from the newest."""
    changes: tuple[Change, ...] = ()
    """Settings that the resume changes, for whoever shows them."""
    live: tuple[tuple[str, float], ...] = ()
    """Live settings that were named with the resume: they hold whatever was set meanwhile."""
    wish: Wish | None = None
    """What the run waits for in the queue first; None: it starts at once."""
    nodes: Nodes | None = None
    """The machines that train, of which this is node 0; None: this one alone does."""
    job: JobLimit | None = None
    """The scheduler's job that it is in, where that ends at a time that is known."""
    usr1_stops: bool = False
    """SIGUSR1 saves a checkpoint and ends, as SIGTERM does; else it saves one and goes on."""

    @property
    def while_held(self) -> str:
        """What becomes of training while the record can't be written."""
        return "Training holds."

    @property
    def grace_s(self) -> float:
        """How long a worker that is stopped may take to checkpoint and end."""
        return self.preset.train.grace_s

    def rules(self) -> "Rules":
        """Return the rules on alerts that the preset wants."""
        from tuitrain.alerts.rules import Rules

        return Rules(self.preset)

    def again(self) -> "LaunchSpec":
        """Return the next attempt: what was asked of this one holds as the record has it."""
        return replace(self, resume=True, checkpoint="", changes=(), live=())

    def observers(self, record: "RecordKeeper", clock: Callable[[], float]) -> "Sequence[Observer]":
        """Return what hands the record on to where the preset wants it."""
        from tuitrain.supervisor.observers.job_limit import JobLimitRecorder
        from tuitrain.supervisor.observers.standard import log_observers

        logs = log_observers(self.directory, self.preset, clock)
        if self.job is None and not self.resume:
            return logs
        return [JobLimitRecorder(record, self.job), *logs]

    def order(self, attempt: int, history: History) -> StartTraining:
        """Return the worker's order.

        Args:
            attempt: the worker's number.
            history: of the run up to now.
        """
        return StartTraining(
            run_directory=str(self.directory.path.resolve()),
            config=to_toml(self.preset),
            attempt=attempt,
            data_directory=str(self.data_directory),
            code_folders=self.code_folders,
            resume=self.resume,
            had_checkpoint=history.has_checkpoint,
            settings=history.settings,
            checkpoint=self.checkpoint,
            live=self.live,
            abandoned=history.abandoned,
            nodes=self.nodes,
            usr1_stops=self.usr1_stops,
        )

    def to_json(self) -> str:
        """Return the content of launch.json."""
        plain = _adapter().dump_python(self, mode="json", exclude={"directory"})
        return json.dumps({"version": VERSION, **plain}, indent=2) + "\n"

    @classmethod
    def from_json(cls, directory: RunDirectory, text: str) -> "LaunchSpec":
        """Read the content of a run's launch.json.

        Raises:
            TuitrainError: a newer version wrote it, or it is damaged.
        """
        try:
            return _adapter().validate_python({**_plain(directory, text), "directory": directory})
        except ValidationError as error:
            raise _damaged(directory, _fault(error)) from error

    def write(self) -> IO[bytes]:
        """Put launch.json into the run's folder; return it, open for reading.

        Whoever reads from what is returned gets this value, even where another resume of the run
        replaces the file meanwhile.

        Raises:
            FolderError: the folder can't be written.
        """
        path = self.directory.launch_path
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        try:
            with written_whole(path) as draft:
                with os.fdopen(os.open(draft, flags, 0o600), "w", encoding="utf-8") as file:
                    file.write(self.to_json())
                written = draft.open("rb")
        except OSError as error:
            raise FolderError.of(path, error, "can't be written") from error
        return written


@cache
def _adapter() -> TypeAdapter[LaunchSpec]:
    """Return what reads and writes launch.json: half a megabyte that the foreground never needs."""
    return TypeAdapter(LaunchSpec)


def _plain(directory: RunDirectory, text: str) -> dict[str, Any]:
    try:
        plain = json.loads(text)
    except ValueError as error:
        raise _damaged(directory, f"it is not JSON ({error})") from error
    version = plain.pop("version", None) if isinstance(plain, dict) else None
    if type(version) is not int or version < 1:
        raise _damaged(directory, "it is no JSON object with a version")
    if version > VERSION:
        raise TuitrainError(
            f"{directory.launch_path} has version {version}, this tuitrain reads version "
            f"{VERSION}: a newer tuitrain wrote it, and that one can resume {directory.id}."
        )
    return dict(plain)


def _fault(error: ValidationError) -> str:
    """Return the first fault in a few words, unknown fields before others."""
    faults = error.errors(include_url=False)
    unknown = [
        str(each["loc"][0]) for each in faults if each["type"] == "unexpected_keyword_argument"
    ]
    if unknown:
        known = ", ".join(each.name for each in fields(LaunchSpec) if each.name != "directory")
        return f"unknown field {', '.join(map(repr, unknown))}; it may hold {known}"
    return f"{'.'.join(map(str, faults[0]['loc']))}: {faults[0]['msg']}"


def _damaged(directory: RunDirectory, why: str) -> TuitrainError:
    return TuitrainError(
        f"{directory.launch_path} can't be used: {why}; `tuitrain resume {directory.id}` writes it "
        "again."
    )


def begin_run(
    preset: Preset,
    root: Path,
    *,
    name: str | None = None,
    data_dir: Path | None = None,
    preset_folder: Path | None = None,
    wish: Wish | None = None,
) -> LaunchSpec:
    """Make a new run's directory and return how it is to be supervised.

    Args:
        preset: resolved.
        root: the folder of all runs.
        name: what to call the run.
        data_dir: where data sets are kept, when not the default.
        preset_folder: where the preset file lies: own code is looked for there, then here; data
            by path there, here, then among the data sets.
        wish: what the run waits for first.

    Raises:
        UsageError: the name is not allowed, or nothing lies at the path of the data.
        RecordError: the database can't be written.
        OSError: the folder can't be written.
    """
    data = data_directory(data_dir).absolute()
    folders = [folder for folder in (preset_folder, Path.cwd()) if folder is not None]
    preset = _with_whole_log(with_whole_path(preset, [*folders, data]))
    directory = create_run(
        root,
        preset.name,
        name,
        to_toml(preset),
        command_line=sys.argv,
        data_directory=data,
    )
    return LaunchSpec(directory, preset, False, data, code_folders(preset, folders), wish=wish)


def _with_whole_log(preset: Preset) -> Preset:
    """Return the preset with whole folders of `[log]`: a resume may come from elsewhere."""
    log = preset.log
    whole: dict[str, object] = {"to": [with_whole_folder(each) for each in log.to]}
    if log.textfile is not None:
        whole["textfile"] = whole_folder(log.textfile)
    return preset.model_copy(update={"log": log.model_copy(update=whole)})


def continue_run(
    directory: RunDirectory,
    *,
    data_dir: Path | None = None,
    code: Sequence[str] = (),
    checkpoint: str = "",
    settings: Sequence[str] = (),
    wish: Wish | None = None,
) -> LaunchSpec:
    """Return how a run that ended, or was released, is to go on.

    A run's folder may come from anywhere, so own code that its preset names must be named in
    `code` again.

    Args:
        directory: the run.
        data_dir: where data sets are kept, when not where they were.
        code: own code that may be loaded: `package.module:Name`, or a Python file, which stands for
            all that the preset names of it and says where it lies.
        checkpoint: go back to this file, its path relative to the run; empty: to the newest.
        settings: KEY=VALUE texts of settings to change; they are recorded, and written to
            config.toml.
        wish: what the run waits for first.

    Raises:
        UsageError: the run is finished, names code that `code` does not allow, has no such
            checkpoint, was edited by hand, can't be changed like that, or is only watched.
        FolderError: the folder can't be written.
    """
    refuse_watched(directory)
    refuse_script(directory, "resume")
    chosen = settle(directory, settings)
    retry = f"resume {directory.id}"
    folders = trusted_folders(
        chosen.preset, code, retry, tuple(f"--set {quote(each)}" for each in settings)
    )
    if checkpoint and not (directory.path / checkpoint).exists():
        raise UsageError(f"{directory.id} has no checkpoint {checkpoint}")
    with closing(RunReader(directory)) as reader:
        check_length(reader, chosen, checkpoint)
        recorded = reader.meta().get("data_directory")
    chosen.put_on_record(directory)
    kept = Path(recorded) if recorded and data_dir is None else data_directory(data_dir)
    return LaunchSpec(
        directory,
        chosen.preset,
        True,
        kept.absolute(),
        folders,
        checkpoint=checkpoint,
        changes=chosen.changes,
        live=chosen.live,
        wish=wish,
    )


def trusted_folders(
    preset: Preset, code: Sequence[str], command: str, more: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return where a run's own code lies, for the import path.

    Args:
        preset: the run's.
        code: own code that may be loaded, as `--code` names it.
        command: what asks, without its first word, for the advice.
        more: what else the command line had.

    Raises:
        UsageError: the preset names code that `code` does not allow.
    """
    files = _code_files(code)
    trusted = {*code, *(f"{file.stem}:" for file in files)}
    missing = [
        name
        for name in own_code(preset)
        if name not in trusted and f"{name.partition(':')[0]}:" not in trusted
    ]
    if missing:
        flags = " ".join([*(f"--code {name}" for name in missing), *more])
        raise UsageError(
            f"this run's config.toml names code outside tuitrain ({', '.join(missing)}); "
            f"if you trust it, {command.partition(' ')[0]} with: tuitrain {command} {flags}"
        )
    return code_folders(preset, [*(file.parent for file in files), Path.cwd()])


def _code_files(code: Sequence[str]) -> list[Path]:
    """Return the Python files that were named.

    Raises:
        UsageError: one is not there.
    """
    files = [Path(each) for each in code if each.endswith(".py")]
    gone = [str(file) for file in files if not file.is_file()]
    if gone:
        raise UsageError(f"--code {gone[0]}: there is no such Python file")
    return files


def own_code(preset: Preset) -> list[str]:
    """Return the user's own code that a preset names, as `package.module:Name`."""
    sections = (
        preset.data,
        preset.model,
        preset.loss,
        preset.optimizer,
        preset.schedule,
        *preset.data.augment,
        *preset.hooks,
        *preset.metrics,
    )
    names = {preset.task, *(section.name for section in sections)}
    return sorted(name for name in names if ":" in name)


def code_folders(preset: Preset, folders: Sequence[Path]) -> tuple[str, ...]:
    """Return what goes on the worker's import path: folders, where the preset names own code."""
    return tuple(str(folder.absolute()) for folder in folders) if own_code(preset) else ()
