"""Starting and resuming runs of this machine, giving them commands, and waiting for both.

The one way in: the command line, the interface and own scripts use it. It knows that a run has a
supervisor and how one is started; nothing of what a supervisor does, nor of other machines.
"""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuitrain.errors import FolderError, RunBusyError, TuitrainError
from tuitrain.messages import FINAL_STATES, Continue, Request
from tuitrain.runs.commands import give_command, wait_for_command
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.listing import find_run
from tuitrain.runs.lock import is_alive
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import CommandRow, StateRow
from tuitrain.runs.upkeep.remove import remove_run
from tuitrain.runs.waiting import Patience
from tuitrain.runs.watched import is_script, refuse_script, refuse_watched
from tuitrain.supervisor.background import (
    last_words,
    start_in_background,
    start_script_in_background,
)

if TYPE_CHECKING:
    from tuitrain.config.schema import Preset
    from tuitrain.supervisor.launch import LaunchSpec
    from tuitrain.supervisor.queueing.wish import Wish
    from tuitrain.supervisor.scripts.launch import ScriptLaunch

ScriptLauncher = Callable[["ScriptLaunch"], "subprocess.Popen[Any] | None"]
"""Starts the supervisor of a script, likewise."""
Launcher = Callable[["LaunchSpec"], "subprocess.Popen[Any] | None"]
"""Starts a supervisor, and returns its process where it is another one than this."""

_POLL_S = 0.05
_STARTED = frozenset({"running", "paused", *FINAL_STATES})


@dataclass(frozen=True, slots=True)
class _Launched:
    """A supervisor that was started, for whoever waits for it."""

    attempts_before: int
    process: "subprocess.Popen[Any] | None"
    queued: bool

    def is_gone(self) -> bool:
        """Return whether the process has ended."""
        return self.process is not None and self.process.poll() is not None


class RunClient:
    """Starts runs in one folder of runs, and talks to any run of this machine.

    Attributes:
        root: the folder of all runs.
    """

    def __init__(self, root: Path, *, data_dir: Path | None = None) -> None:
        """Use a folder of runs.

        Args:
            root: the folder of all runs; made when the first one is started.
            data_dir: where data sets are kept, when not where the environment says.
        """
        self.root = root
        self._data_dir = data_dir
        self._launched: dict[RunDirectory, _Launched] = {}

    def find(self, name: str) -> RunDirectory:
        """Return the run that answers to an id, a name, or the beginning of either; or `last`.

        Raises:
            RunNotFoundError: none does, or more than one.
        """
        return find_run(self.root, name)

    # --- starting -------------------------------------------------------------------------------

    def start(
        self,
        preset: "Preset",
        *,
        name: str | None = None,
        preset_folder: Path | None = None,
        wish: "Wish | None" = None,
        launch: Launcher = start_in_background,
    ) -> RunDirectory:
        """Start a new run; return its directory, once there is a process that supervises it.

        Where none can be started, nothing of the run is left.

        Args:
            preset: resolved.
            name: what to call the run.
            preset_folder: where the preset file lies: own code is looked for there, then here.
            wish: what the run waits for in the queue first.
            launch: starts the supervisor; in the background when left out.

        Raises:
            UsageError: the name is not allowed.
            RecordError: the database can't be written.
            FolderError: the folder can't be written.
            OSError: no process can be started.
        """
        # Imported here: the interface opens without what reads presets.
        from tuitrain.supervisor.launch import begin_run

        spec = begin_run(
            preset,
            self.root,
            name=name,
            data_dir=self._data_dir,
            preset_folder=preset_folder,
            wish=wish,
        )
        with _undone_unless_begun(spec.directory):
            self._launch(spec, launch)
        return spec.directory

    def start_script(
        self,
        command: Sequence[str],
        *,
        name: str | None = None,
        launch: ScriptLauncher = start_script_in_background,
    ) -> RunDirectory:
        """Run a script that somebody else wrote; return its directory, once it is supervised.

        Args:
            command: the program and its arguments, to be run in the current folder.
            name: what to call the run.
            launch: starts the supervisor; in the background when left out.

        Raises:
            UsageError: there is no such program, or the name is not allowed.
            RecordError: the database can't be written.
            FolderError: the folder can't be written.
            OSError: no process can be started.
        """
        from tuitrain.supervisor.scripts.launch import begin_script

        spec = begin_script(self.root, command, name=name)
        with _undone_unless_begun(spec.directory):
            self._launched[spec.directory] = _Launched(0, launch(spec), queued=False)
        return spec.directory

    def resume(
        self,
        directory: RunDirectory,
        *,
        checkpoint: str = "",
        settings: Sequence[str] = (),
        code: Sequence[str] = (),
        wish: "Wish | None" = None,
        launch: Launcher = start_in_background,
    ) -> int | None:
        """Go on with a run: send a live one the command, start a supervisor for any other.

        Args:
            directory: the run.
            checkpoint: go back to this file, its path relative to the run; empty: to the newest.
            settings: KEY=VALUE texts of settings to change.
            code: own code that may be loaded.
            wish: what the run waits for in the queue first.
            launch: starts the supervisor; in the background when left out.

        Returns:
            The command's id where the run is live, None where a supervisor was started.

        Raises:
            RunBusyError: the run is live, and more is asked than to go on.
            UsageError: the run can't be resumed, or not like that; or it is a log, only watched.
            FolderError: the folder can't be written.
            OSError: no process can be started.
        """
        from tuitrain.supervisor.launch import continue_run

        refuse_watched(directory)
        if is_alive(directory):
            _refuse_while_live(directory, checkpoint, settings)
            return self.send(directory, Continue())
        refuse_script(directory, "resume")
        spec = continue_run(
            directory,
            data_dir=self._data_dir,
            code=code,
            checkpoint=checkpoint,
            settings=settings,
            wish=wish,
        )
        self._launch(spec, launch)
        return None

    def _launch(self, spec: "LaunchSpec", launch: Launcher) -> None:
        with RunReader(spec.directory) as reader:
            before = len(reader.attempts())
        self._launched[spec.directory] = _Launched(before, launch(spec), spec.wish is not None)

    def wait_for_start(
        self,
        directory: RunDirectory,
        report: Callable[[StateRow], None] = lambda _state: None,
        given_up: Callable[[], bool] = lambda: False,
    ) -> StateRow:
        """Return the state of a run that this client started, once it runs, waits or has ended.

        Args:
            directory: the run.
            report: is given each state on the way, and the one that is returned.
            given_up: says that nobody waits any more; the state is returned as it is then.

        Raises:
            TuitrainError: the supervisor ended before the run was started; the text says why.
        """
        launched = self._launched[directory]
        reported: StateRow | None = None
        with RunReader(directory) as reader:
            while True:
                state, begun, stands = _look_at_start(reader, launched)
                if begun and state != reported:
                    report(state)
                    reported = state
                if given_up() or stands:
                    return state
                time.sleep(_POLL_S)

    def look_at_start(self, directory: RunDirectory) -> tuple[StateRow, bool]:
        """Return the state of a run, and whether it stands: it runs, waits or has ended.

        Raises:
            TuitrainError: the supervisor ended before the run was started; the text says why.
        """
        with RunReader(directory) as reader:
            launched = self._launched.get(directory)
            if launched is None:
                state = reader.state()
                return state, state.state in _STARTED
            state, _begun, stands = _look_at_start(reader, launched)
            return state, stands

    # --- commands -------------------------------------------------------------------------------

    def send(self, directory: RunDirectory, request: Request) -> int:
        """Give a live run a command; return its id.

        Args:
            directory: the run.
            request: what it is to do.

        Raises:
            RunBusyError: the run has no supervisor to hear it.
            UsageError: it is somebody else's log, which is only watched.
            RecordError: the record can't be written.
        """
        refuse_watched(directory)
        if not is_alive(directory):
            with RunReader(directory) as reader:
                state = reader.state().state
            resumable = state != "finished" and not is_script(directory)
            hint = f"; `tuitrain resume {directory.id}` resumes it" if resumable else ""
            raise RunBusyError(f"{directory.id} is not live, it is {state}{hint}")
        return give_command(directory, request)

    def wait_for_answer(
        self,
        directory: RunDirectory,
        command_id: int,
        *,
        timeout_s: float | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> CommandRow:
        """Return a command once it has an outcome.

        Args:
            directory: the run.
            command_id: from `send`.
            timeout_s: give up after this long; never when None.
            tell: is told in a sentence why it takes long.

        Raises:
            RunBusyError: the supervisor ended before it answered, or the time ran out.
            RecordError: the record can't be read, or holds no such command.
        """
        meanwhile = None if tell is None else Patience(directory, tell).poll
        return wait_for_command(directory, command_id, limit_s=timeout_s, meanwhile=meanwhile)

    def wait_for_end(
        self, directory: RunDirectory, tell: Callable[[str], None] | None = None
    ) -> None:
        """Return once nobody owns the run any more: it can be resumed or removed at once.

        Args:
            directory: the run.
            tell: is told in a sentence why it takes long.
        """
        patience = None if tell is None else Patience(directory, tell)
        while is_alive(directory):
            if patience is not None:
                patience.poll()
            time.sleep(_POLL_S)


def _look_at_start(reader: RunReader, launched: _Launched) -> tuple[StateRow, bool, bool]:
    """Return a run's state, whether its supervisor has begun, and whether the run stands.

    Raises:
        TuitrainError: the supervisor ended before that; the text says why.
    """
    # Asked in this order: what a supervisor says last comes before its end.
    gone = launched.is_gone()
    begun = len(reader.attempts()) > launched.attempts_before
    state = reader.state()
    waits = launched.queued and _is_in_queue(state)
    begun = begun or waits
    stands = waits or (begun and state.state in _STARTED)
    if not stands and (gone or (state.state == "lost" and launched.process is None)):
        raise TuitrainError(_why_gone(reader.directory))
    return state, begun, stands


def _is_in_queue(state: StateRow) -> bool:
    """Return whether a supervisor has said what the run waits for."""
    return state.state == "queued" and bool(state.reason)


def _refuse_while_live(directory: RunDirectory, checkpoint: str, settings: Sequence[str]) -> None:
    if checkpoint:
        raise RunBusyError(f"{directory.id} is live: stop it before going back to a checkpoint")
    if settings:
        from tuitrain.config.schema import LIVE_SETTINGS

        raise RunBusyError(
            f"{directory.id} is live: `tuitrain set` changes {', '.join(LIVE_SETTINGS)} while it "
            "is; to change anything else, stop it first"
        )


@contextmanager
def _undone_unless_begun(directory: RunDirectory) -> Iterator[None]:
    """Remove a new run whose supervisor could not be started: nothing of it was ever done."""
    try:
        yield
    except (OSError, FolderError, KeyboardInterrupt):
        with suppress(TuitrainError, OSError):
            with RunReader(directory) as reader:
                begun = bool(reader.attempts())
            if not begun:
                remove_run(directory)
        raise


def _why_gone(directory: RunDirectory) -> str:
    said = last_words(directory) or "it said nothing"
    return (
        f"the run's supervisor ended at once: {said} (all of it: {directory.supervisor_log_path})"
    )
