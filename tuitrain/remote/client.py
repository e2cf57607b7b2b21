"""Runs of hosts told what to do: every word goes over their connections, and is done there."""

import time
from collections.abc import Callable, Sequence

from tuitrain.errors import RunBusyError
from tuitrain.messages import Request, encode_request
from tuitrain.remote.registry import Hosts
from tuitrain.runs.client import Client
from tuitrain.runs.directory import RunDirectory, host_of
from tuitrain.runs.rows import CommandRow, StateRow

_POLL_S = 0.25
"""Each look is a round trip."""


class RemoteClient:
    """The client of runs on other machines; every method raises HostError where one is gone."""

    def __init__(self, hosts: Hosts) -> None:
        """Talk to runs of these hosts."""
        self._hosts = hosts

    def send(self, directory: RunDirectory, request: Request) -> int:
        """Give a live run a command; return its id there.

        Raises:
            RunBusyError: the run has no supervisor to hear it.
        """
        kind, arguments = encode_request(request)
        return int(self._hosts.ask(directory, "command", kind, arguments))

    def wait_for_answer(
        self,
        directory: RunDirectory,
        command_id: int,
        *,
        timeout_s: float | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> CommandRow:
        """Return a command once it has an outcome; why it takes long is not known here.

        Raises:
            RunBusyError: the supervisor ended before it answered, or the time ran out.
        """
        del tell
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while (row := self._answer(directory, command_id)) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise RunBusyError(f"{directory.id} has not answered yet")
            time.sleep(_POLL_S)
        return row

    def _answer(self, directory: RunDirectory, command_id: int) -> CommandRow | None:
        found = dict(self._hosts.ask(directory, "answered", command_id))
        alive = found.pop("alive")
        row = CommandRow(**found)
        if row.done is None and not alive:
            raise RunBusyError(f"{directory.id}: its supervisor ended before it answered")
        return row if row.done is not None else None

    def resume(
        self, directory: RunDirectory, *, checkpoint: str = "", settings: Sequence[str] = ()
    ) -> int | None:
        """Go on with a run; its supervisor is started there.

        Raises:
            TuitrainError: it can't be resumed, or not like that.
        """
        found = self._hosts.ask(directory, "resume", checkpoint, list(settings))
        return None if found is None else int(found)

    def wait_for_start(self, directory: RunDirectory) -> StateRow:
        """Return the state of a run that was resumed, once it runs, waits or has ended.

        Raises:
            TuitrainError: its supervisor ended before it was started; the text says why.
        """
        while not (found := self._hosts.ask(directory, "started"))["stands"]:
            time.sleep(_POLL_S)
        return StateRow(**found["state"])

    def remove(self, directory: RunDirectory) -> None:
        """Move a run to the trash of its host.

        Raises:
            RunBusyError: its supervisor or its worker lives.
            FolderError: the folder can't be written.
        """
        self._hosts.ask(directory, "remove")


class Clients:
    """The client that a run has: the one for here, or that of hosts."""

    def __init__(self, here: Client, hosts: Hosts) -> None:
        """Choose between the client of runs here, and one of runs of these hosts."""
        self._here = here
        self._elsewhere = RemoteClient(hosts)

    def of(self, directory: RunDirectory) -> Client:
        """Return the client of a run, by where it is."""
        return self._elsewhere if host_of(str(directory.path)) else self._here
