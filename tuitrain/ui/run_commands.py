"""Commands to single runs, given beside the screens; what becomes of them is shown later.

Knows the clients of runs, and no screen.
"""

from collections.abc import Callable
from functools import partial

from tuitrain.messages import Continue, Request, kind_of
from tuitrain.remote.client import Clients
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.background import BackgroundWork
from tuitrain.ui.bulk import COMMAND_LIMIT_S


class RunCommands:
    """Gives commands to runs."""

    def __init__(self, clients: Clients, work: BackgroundWork) -> None:
        """Begin with nothing given.

        Args:
            clients: of the runs.
            work: waits for what becomes of a command, and tells it.
        """
        self._clients = clients
        self._work = work
        self._tell = work.tell

    def order(self, directory: RunDirectory, request: Request) -> None:
        """Give a live run a command."""
        self._work.do(partial(self._order, directory, request))

    def resume(self, directory: RunDirectory, checkpoint: str = "") -> None:
        """Go on with a run: tell it when it lives, else start a supervisor for it.

        Args:
            directory: the run.
            checkpoint: a file of it to go back to, its path relative to the run; empty: the newest.
        """
        self._work.do(partial(self._resume, directory, checkpoint))

    def _order(self, directory: RunDirectory, request: Request) -> Callable[[], None]:
        number = self._clients.of(directory).send(directory, request)
        return partial(self._await_answer, directory, number, request)

    def _await_answer(self, directory: RunDirectory, number: int, request: Request) -> None:
        kind = kind_of(request)
        answer = self._clients.of(directory).wait_for_answer(
            directory,
            number,
            timeout_s=COMMAND_LIMIT_S,
            tell=lambda why: self._tell(f"{directory.id}: {kind} waits: {why}", "warning"),
        )
        done = answer.outcome == "done"
        self._tell(answer.text, "information" if done else "warning")

    def _resume(self, directory: RunDirectory, checkpoint: str) -> Callable[[], None]:
        command = self._clients.of(directory).resume(directory, checkpoint=checkpoint)
        if command is not None:
            return partial(self._await_answer, directory, command, Continue())
        self._tell(f"{directory.id}: resuming")
        return partial(self._await_start, directory)

    def _await_start(self, directory: RunDirectory) -> None:
        state = self._clients.of(directory).wait_for_start(directory)
        if state.state == "failed":
            self._tell(f"{directory.id} failed: {state.reason}", "error")
