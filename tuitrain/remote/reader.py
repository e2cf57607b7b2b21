"""A reader of a run on another machine: the calls of `RunReader`, answered by the far end.

What a screen asked for since the last look is asked for again in one question, and only what has
changed comes back: a refresh is one round trip.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast

from tuitrain.errors import RecordError
from tuitrain.remote.connection import HostConnection
from tuitrain.remote.protocol import (
    CALLS,
    KEPT_CALLS,
    bound_arguments,
    changed,
    from_wire,
    what_is_known,
)
from tuitrain.runs.directory import RunDirectory, remote_path
from tuitrain.runs.reader import RunReader
from tuitrain.runs.summary import RunSummary


@dataclass(frozen=True, slots=True)
class RemoteDirectory(RunDirectory):
    """A run on another machine; its path leads nowhere here."""

    connection: HostConnection = field(compare=False)

    @property
    def host(self) -> str:
        """The host's name."""
        return self.connection.host.name


class RemoteList:
    """The runs of a host as they were last."""

    def __init__(self, connection: HostConnection) -> None:
        """Know nothing yet."""
        self.connection = connection
        self._plain: Any = None
        self.runs: tuple[RunSummary, ...] = ()

    def read(self) -> tuple[RunSummary, ...]:
        """Return the runs as they are.

        Raises:
            HostError: the host does not answer.
        """
        known = [] if self._plain is None else what_is_known(self._plain)
        change = self.connection.ask("runs", known)
        if change is not None:
            self._plain = changed(self._plain, change)
            name = self.connection.host.name
            self.runs = tuple(
                RunSummary(**{**each, "path": remote_path(name, each["id"])})
                for each in self._plain
            )
        return self.runs


def find_remote(connection: HostConnection, text: str) -> RemoteDirectory:
    """Return the run of a host that `text` means.

    Raises:
        HostError: it does not answer.
        RunNotFoundError: no run answers to it, or several.
    """
    found = connection.ask("find", text)
    return RemoteDirectory(Path(remote_path(connection.host.name, found)), connection)


class RemoteReader:
    """Reads one run over a connection; every method raises HostError where the host is gone."""

    def __init__(self, directory: RemoteDirectory) -> None:
        """Ask nothing yet."""
        self.directory = directory
        self._connection = directory.connection
        self._known: dict[str, _Known] = {}
        self._alive: bool | None = None
        self.entries = _Part(self, "entries")
        self.curves = _Part(self, "curves")
        self.readings = _Part(self, "readings")
        self.steps = _Part(self, "steps")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget what is known; the connection is the host's."""
        self._known.clear()

    def snapshot(self) -> AbstractContextManager[None]:
        """Return a context: what was asked for by one `version` is of one moment, nearly."""
        return nullcontext()

    def version(self) -> object:
        """Return what changes whenever anybody has written; asks again for all that was in use."""
        used = {key: each for key, each in self._known.items() if each.used}
        self._known = used
        calls = [[each.call, each.arguments, what_is_known(each.plain)] for each in used.values()]
        answer = self._ask("refresh", calls)
        for each, change in zip(used.values(), answer["values"], strict=True):
            each.used = False
            if change is not None:
                each.plain = changed(each.plain, change)
                each.value = self._value(each.call, each.plain)
        self._alive = bool(answer["alive"])
        return (self._connection.connections, answer["version"])

    @property
    def alive(self) -> bool:
        """Whether the run's supervisor lived at the last `version`."""
        if self._alive is None:
            self.version()
        return bool(self._alive)

    def call(self, call: str, *arguments: Any, **named: Any) -> Any:
        """Return what a call gives: as it was at the last `version` where it was asked before."""
        places = bound_arguments(call, arguments, named)
        if call not in KEPT_CALLS:
            return self._value(call, self._ask(call, *places))
        key = json.dumps([call, places])
        known = self._known.get(key)
        if known is None:
            plain = self._ask(call, *places)
            known = self._known[key] = _Known(call, places, plain, self._value(call, plain))
        known.used = True
        return known.value

    def _ask(self, call: str, *arguments: Any) -> Any:
        return self._connection.ask(call, *arguments, run=self.directory.id)

    def _value(self, call: str, value: Any) -> Any:
        try:
            return from_wire(call, value)
        except (ValueError, TypeError, KeyError) as error:
            host = self._connection.host.name
            raise RecordError(f"{host}: its answer to {call} can't be read: {error}") from error

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in CALLS:
            raise AttributeError(name)
        return lambda *arguments, **named: self.call(name, *arguments, **named)


@dataclass(slots=True)
class _Known:
    """An answer."""

    call: str
    arguments: list[Any]
    plain: Any
    """As it came."""
    value: Any
    used: bool = True


class _Part:
    """A part of a reader, as `entries`."""

    def __init__(self, reader: RemoteReader, name: str) -> None:
        self._reader, self._name = reader, name

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = f"{self._name}.{name}"
        if call not in CALLS:
            raise AttributeError(name)
        return lambda *arguments, **named: self._reader.call(call, *arguments, **named)


def open_remote(directory: RemoteDirectory) -> RunReader:
    """Return a reader of a run on another machine."""
    # It has the same calls, which a test holds against the protocol.
    return cast("RunReader", RemoteReader(directory))
