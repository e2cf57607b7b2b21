"""How a script is run as it is: a value, and the file that hands it on.

Knows run directories; nothing of processes.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuitrain.alerts.rules import Rules
from tuitrain.config.schema import AlertsSection, StopSection, TrainSection
from tuitrain.errors import FolderError, TuitrainError, UsageError
from tuitrain.messages import StartScript
from tuitrain.runs.directory import RunDirectory, create_run
from tuitrain.runs.rows import History
from tuitrain.supervisor.observers.observer import Observer
from tuitrain.supervisor.record_keeper import RecordKeeper
from tuitrain.supervisor.scripts.held import WORDS
from tuitrain.supervisor.scripts.monitor import MonitorChoice
from tuitrain.supervisor.scripts.nonfinite import NonfiniteWatch
from tuitrain.supervisor.scripts.ranks import RankWatch

_HANG_S = 300.0
"""Nobody says when a script evaluates, which is no hang."""
_GRACE_S = 60.0
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_MOST_NAME = 40
_PROGRAMS = re.compile(r"(python[0-9.]*|torchrun|accelerate|uv|poetry|bash|sh|env)")


@dataclass(frozen=True, slots=True)
class _Loaders:
    workers: int = 0
    """A script ends its own between epochs, or for an evaluation: that is no news. One that dies is
    told by what torch raises."""


@dataclass(frozen=True, slots=True)
class _WatchedFor:
    """What the rules on alerts ask of a preset, for what has none."""

    alerts: AlertsSection
    stop: StopSection
    train: TrainSection
    data: _Loaders


@dataclass(frozen=True, slots=True)
class ScriptLaunch:
    """One script, and the run that it is."""

    directory: RunDirectory
    command: tuple[str, ...]
    cwd: str

    @property
    def grace_s(self) -> float:
        """How long it may take to save and end when it is stopped."""
        return _GRACE_S

    @property
    def while_held(self) -> str:
        """What becomes of training while the record can't be written."""
        return WORDS

    @property
    def wish(self) -> None:
        """Nothing: a script waits in no queue."""

    @property
    def usr1_stops(self) -> bool:
        """No: SIGUSR1 asks a script to save."""
        return False

    def rules(self) -> Rules:
        """Return the rules on alerts: those that hold for a loop of which little is known."""
        # The time of a step has evaluations in it, so that none is known to be slow.
        alerts = AlertsSection(off=["slowdown"], hang_s=_HANG_S)
        return Rules(_WatchedFor(alerts, StopSection(), TrainSection(), _Loaders()))

    def order(self, attempt: int, history: History) -> StartScript:
        """Return what begins the attempt."""
        del history
        return StartScript(attempt)

    def again(self) -> "ScriptLaunch":
        """Return it as it is: a script waits in no queue, and gives way to nobody."""
        return self

    def observers(self, record: RecordKeeper, clock: Callable[[], float]) -> list[Observer]:
        """Return who follows the run for it."""
        return [MonitorChoice(record), NonfiniteWatch(), RankWatch(self.directory.path, clock)]

    def to_json(self) -> str:
        """Return the content of launch.json."""
        plain = {"version": 1, "command": list(self.command), "cwd": self.cwd}
        return json.dumps(plain, indent=2) + "\n"

    @classmethod
    def read(cls, directory: RunDirectory) -> "ScriptLaunch":
        """Read the launch.json of a run.

        Raises:
            TuitrainError: it is damaged.
        """
        try:
            plain = json.loads(directory.launch_path.read_bytes())
            return cls(directory, tuple(map(str, plain["command"])), str(plain["cwd"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TuitrainError(f"{directory.launch_path} can't be used: {error}") from error

    def write(self) -> None:
        """Put launch.json into the run's folder.

        Raises:
            FolderError: the folder can't be written.
        """
        path = self.directory.launch_path
        try:
            with os.fdopen(
                os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w"
            ) as file:
                file.write(self.to_json())
        except OSError as error:
            raise FolderError.of(path, error, "can't be written") from error


def begin_script(root: Path, command: Sequence[str], *, name: str | None = None) -> ScriptLaunch:
    """Make a new run's directory for a command.

    Args:
        root: the folder of all runs.
        command: the program and its arguments.
        name: what to call the run; after the script where it is left out.

    Raises:
        UsageError: there is no such program, or the name is not allowed.
        RecordError: the database can't be written.
        FolderError: the folder can't be written.
    """
    if shutil.which(command[0]) is None:
        raise UsageError(_no_program(command[0]))
    directory = create_run(
        root, script_name(command), name, "", command_line=command, facts=script_facts(command)
    )
    launch = ScriptLaunch(directory, tuple(command), str(Path.cwd()))
    launch.write()
    return launch


def _no_program(name: str) -> str:
    if Path(name).is_file():
        how = "python" if name.endswith(".py") else "sh"
        return f"{name} is a file that can't be run by itself: tuitrain exec -- {how} {name}"
    return (
        f"{name}: there is no such program here; what follows `--` is run as in a shell, "
        "e.g. tuitrain exec -- python train.py"
    )


def script_facts(command: Sequence[str]) -> dict[str, object]:
    """Return what the record of a script has beside that of a preset."""
    script = {"command": list(command), "ability": "watched", "by": []}
    return {"monitor": "", "mode": "min", "script": script}


def script_name(command: Sequence[str]) -> str:
    """Return what a command is called after: its script's name, else its program's."""
    words = [word for word in command if not word.startswith("-")]
    named = [Path(word).stem for word in words if word.endswith(".py")]
    plain = [Path(word).name for word in words if not _PROGRAMS.fullmatch(Path(word).name)]
    found = (named or plain or [Path(command[0]).name])[0]
    return _UNFIT.sub("-", found).strip("-.").lower()[:_MOST_NAME] or "script"
