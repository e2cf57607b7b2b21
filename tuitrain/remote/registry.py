"""The hosts that this process looks at: what leads from a run's path to its host's connection.

One for a process, as there is one ssh for a host: every thread that reads asks through it.
"""

from collections.abc import Iterable
from typing import Any

from tuitrain.errors import UsageError
from tuitrain.remote.connection import HostConnection
from tuitrain.remote.log import RemoteLogFile
from tuitrain.remote.reader import RemoteDirectory, RemoteReader, open_remote
from tuitrain.runs.directory import RunDirectory, host_of
from tuitrain.runs.lock import is_alive, is_worker_alive
from tuitrain.runs.log import LogFile
from tuitrain.runs.reader import RunReader


class Hosts:
    """Connections by the names of their hosts."""

    def __init__(self) -> None:
        self._connections: dict[str, HostConnection] = {}

    def use(self, connections: Iterable[HostConnection]) -> None:
        """Look at these hosts from now on; connections to others are closed."""
        for connection in self._connections.values():
            connection.close()
        self._connections = {each.host.name: each for each in connections}

    @property
    def connections(self) -> tuple[HostConnection, ...]:
        """All of them."""
        return tuple(self._connections.values())

    def remote(self, directory: RunDirectory) -> RemoteDirectory | None:
        """Return a run on another machine as what can be asked; None for one that is here.

        Raises:
            UsageError: its host is none of those that are looked at.
        """
        if isinstance(directory, RemoteDirectory):
            return directory
        host = host_of(str(directory.path))
        if not host:
            return None
        if host not in self._connections:
            raise UsageError(f"{directory.id} is on {host}: `tuitrain --host {host}` shows it")
        return RemoteDirectory(directory.path, self._connections[host])

    def ask(self, directory: RunDirectory, call: str, *arguments: Any) -> Any:
        """Return the answer of a run's host to a question about it.

        Raises:
            HostError: it does not answer.
            UsageError: it is none of those that are looked at.
            TuitrainError: what it refuses, as its own error.
        """
        remote = self.remote(directory)
        assert remote is not None, directory
        return remote.connection.ask(call, *arguments, run=remote.id)


HOSTS = Hosts()


def open_reader(directory: RunDirectory) -> RunReader:
    """Return a reader of a run, wherever it is.

    Raises:
        RecordError: a local record is missing, damaged or of a newer version.
    """
    remote = HOSTS.remote(directory)
    return RunReader(directory) if remote is None else open_remote(remote)


def is_live(reader: RunReader) -> bool:
    """Return whether the run of a reader has a supervisor; as of its last `version` elsewhere."""
    found: object = reader
    return found.alive if isinstance(found, RemoteReader) else is_alive(reader.directory)


def open_log(directory: RunDirectory) -> LogFile:
    """Return a run's log, wherever it is."""
    remote = HOSTS.remote(directory)
    return LogFile(directory.log_path) if remote is None else RemoteLogFile(remote)


def may_log(directory: RunDirectory, log: LogFile) -> bool:
    """Return whether more may come into a run's log."""
    if isinstance(log, RemoteLogFile):
        return log.alive
    return is_alive(directory) or is_worker_alive(directory)
