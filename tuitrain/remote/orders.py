"""The far end of commands: what is asked of a run is done here, unless its host is to look at only.

A command is a row in the run's record, as anybody's is. Knows nothing of lines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from tuitrain.errors import RunBusyError, UsageError
from tuitrain.messages import Request, decode_request
from tuitrain.runs.commands import command_status, give_command
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.lock import is_alive
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import StateRow
from tuitrain.runs.upkeep.trash import move_to_trash
from tuitrain.runs.watched import refuse_watched


class Starter(Protocol):
    """Whoever goes on with runs here: `RunClient`."""

    def resume(
        self, directory: RunDirectory, *, checkpoint: str = "", settings: Sequence[str] = ()
    ) -> int | None:
        """Go on with a run; return the command's id where it is live."""
        ...

    def look_at_start(self, directory: RunDirectory) -> tuple[StateRow, bool]:
        """Return a run's state, and whether it runs, waits or has ended."""
        ...


class Orders:
    """Carries out what is asked of runs."""

    def __init__(self, starter: Starter | None, *, readonly: bool) -> None:
        """Obey.

        Args:
            starter: goes on with runs; None: that is refused.
            readonly: refuse everything that changes a run.
        """
        self._starter, self._readonly = starter, readonly

    def resume(
        self, directory: RunDirectory, checkpoint: str, settings: Sequence[str]
    ) -> int | None:
        """Go on with a run; return the command's id where it is live."""
        self._refuse_readonly()
        return self._able_starter().resume(directory, checkpoint=checkpoint, settings=settings)

    def started(self, directory: RunDirectory) -> dict[str, Any]:
        """Return the state of a run that was resumed, and whether that stands."""
        state, stands = self._able_starter().look_at_start(directory)
        return {"state": asdict(state), "stands": stands}

    def remove(self, directory: RunDirectory) -> None:
        """Move a run to the trash."""
        self._refuse_readonly()
        move_to_trash(directory)

    def command(self, directory: RunDirectory, kind: str, arguments: Mapping[str, Any]) -> int:
        """Give a live run a command; return its id."""
        self._refuse_readonly()
        refuse_watched(directory)
        if not is_alive(directory):
            with RunReader(directory) as reader:
                state = reader.state().state
            raise RunBusyError(f"{directory.id} is not live, it is {state}")
        request: Request = decode_request(kind, 0, arguments)
        return give_command(directory, request)

    def answered(self, directory: RunDirectory, number: int) -> dict[str, Any]:
        """Return what became of a command, and whether the run lives."""
        return {**asdict(command_status(directory, number)), "alive": is_alive(directory)}

    def _able_starter(self) -> Starter:
        if self._starter is None:
            raise UsageError("nothing can be resumed here")
        return self._starter

    def _refuse_readonly(self) -> None:
        if self._readonly:
            raise UsageError("runs of this host are only to be looked at (serve-stdio --readonly)")
