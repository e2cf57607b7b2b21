"""The hosts that are looked at: what leads from a run's path to its host's connection.

Whoever opens hosts hands them on: there is one ssh for a host, which every reader asks.
"""

from collections.abc import Iterable
from typing import Any, Self

from tuitrain.errors import UsageError
from tuitrain.remote.connection import HostConnection
from tuitrain.remote.log import RemoteLogFile
from tuitrain.remote.reader import RemoteDirectory, RemoteReader, open_remote
from tuitrain.runs.directory import RunDirectory, host_of
from tuitrain.runs.lock import is_alive, is_worker_alive
from tuitrain.runs.log import LogFile
from tuitrain.runs.reader import RunReader


class Hosts:
    """Connections by the names of their hosts; as a context, until it ends."""

    def __init__(self, connections: Iterable[HostConnection] = ()) -> None:
        self._connections = {each.host.name: each for each in connections}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for connection in self.connections:
            connection.close()

    @property
    def connections(self) -> tuple[HostConnection, ...]:
        """All of them."""
        return tuple(self._connections.values())

    def located(self, directory: RunDirectory) -> RunDirectory:
        """Return a run as what can be read: one on another machine with its connection.

        Raises:
            UsageError: its host is none of those that are looked at.
        """
        host = host_of(str(directory.path))
        if not host or isinstance(directory, RemoteDirectory):
            return directory
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
        remote = self.located(directory)
        assert isinstance(remote, RemoteDirectory), directory
        return remote.connection.ask(call, *arguments, run=remote.id)


def open_reader(directory: RunDirectory) -> RunReader:
    """Return a reader of a run that was located.

    Raises:
        RecordError: a local record is missing, damaged or of a newer version.
    """
    if isinstance(directory, RemoteDirectory):
        return open_remote(directory)
    return RunReader(directory)


def is_live(reader: RunReader) -> bool:
    """Return whether the run of a reader has a supervisor; as of its last `version` elsewhere."""
    found: object = reader
    return found.alive if isinstance(found, RemoteReader) else is_alive(reader.directory)


def open_log(directory: RunDirectory) -> LogFile:
    """Return the log of a run that was located."""
    if isinstance(directory, RemoteDirectory):
        return RemoteLogFile(directory)
    return LogFile(directory.log_path)


def may_log(directory: RunDirectory, log: LogFile) -> bool:
    """Return whether more may come into a run's log."""
    if isinstance(log, RemoteLogFile):
        return log.alive
    return is_alive(directory) or is_worker_alive(directory)
