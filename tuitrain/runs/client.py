"""What any run can be told, wherever it is: one protocol, with a client for here and one for hosts.

Knows neither supervisors nor connections.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from tuitrain.messages import Request
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.rows import CommandRow, StateRow


class Client(Protocol):
    """Gives runs commands, goes on with them, and waits for what becomes of both."""

    def send(self, directory: RunDirectory, request: Request) -> int:
        """Give a live run a command; return its id.

        Raises:
            TuitrainError: the run can't be told.
        """
        ...

    def wait_for_answer(
        self,
        directory: RunDirectory,
        command_id: int,
        *,
        timeout_s: float | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> CommandRow:
        """Return a command once it has an outcome.

        Raises:
            RunBusyError: the supervisor ended before it answered, or the time ran out.
        """
        ...

    def resume(
        self, directory: RunDirectory, *, checkpoint: str = "", settings: Sequence[str] = ()
    ) -> int | None:
        """Go on with a run; return the command's id where it is live, None where it is started.

        Raises:
            TuitrainError: it can't be resumed, or not like that.
        """
        ...

    def wait_for_start(self, directory: RunDirectory) -> StateRow:
        """Return the state of a run that this client resumed, once it runs, waits or has ended.

        Raises:
            TuitrainError: the supervisor ended before the run was started; the text says why.
        """
        ...
