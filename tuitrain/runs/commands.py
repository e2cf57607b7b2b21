"""Commands as rows: given by any process, taken and answered by the run's supervisor.

Knows nothing of what a command does.
"""

import json
import os
import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from tuitrain.errors import RecordError, RunBusyError
from tuitrain.messages import Request, encode_request, storable
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.lock import is_alive
from tuitrain.runs.rows import CommandRow
from tuitrain.runs.storage.database import explained, open_for_command, open_for_reading, to_json
from tuitrain.runs.storage.record_tables import RecordTables
from tuitrain.runs.writing.identity import user_name

_WAITING = "taken IS NULL AND done IS NULL"
COMMAND_COLUMNS = "id, given, given_by, kind, arguments_json, taken, done, outcome, text, step"


def give_command(
    directory: RunDirectory,
    request: Request,
    now: float | None = None,
) -> int:
    """Write a request down for the supervisor to find; return the command's id.

    Raises:
        RecordError: the database can't be written.
    """
    given = time.time() if now is None else now
    kind, arguments = encode_request(request)
    with explained(directory), closing(open_for_command(directory)) as connection:
        cursor = connection.execute(
            "INSERT INTO commands (given, given_by, kind, arguments_json) VALUES (?, ?, ?, ?)",
            (given, _giver(), kind, to_json(arguments)),
        )
        return int(cursor.lastrowid or 0)


def command_status(directory: RunDirectory, command_id: int) -> CommandRow:
    """Return a command as it stands.

    Raises:
        RecordError: the database can't be read, or holds no such command.
    """
    with explained(directory), closing(open_for_reading(directory)) as connection:
        return _read(connection, directory, command_id)


def wait_for_command(
    directory: RunDirectory,
    command_id: int,
    poll_s: float = 0.05,
    limit_s: float | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> CommandRow:
    """Return a command once it has an outcome.

    Args:
        directory: the run.
        command_id: from `give_command`.
        poll_s: time between two looks.
        limit_s: give up after this long; never when None.
        meanwhile: is called after each look that found none, as to say why it takes so long.

    Raises:
        RunBusyError: the supervisor ended before it answered, or the limit ran out.
        RecordError: the database can't be read, or holds no such command.
    """
    deadline = None if limit_s is None else time.monotonic() + limit_s
    with explained(directory), closing(open_for_reading(directory)) as connection:
        while True:
            # Asked before the row is read: a supervisor's last answer comes before its end.
            alive = is_alive(directory)
            command = _read(connection, directory, command_id)
            if command.outcome is not None:
                return command
            if not alive:
                raise RunBusyError(
                    f"{directory.id}: the supervisor ended before it answered the command "
                    f"{command.kind!r}; `tuitrain show {directory.id}` says how the run stands."
                )
            if deadline is not None and time.monotonic() > deadline:
                raise RunBusyError(
                    f"{directory.id}: no answer to the command {command.kind!r} within "
                    f"{limit_s:g} s; it stays on record and may still be obeyed."
                )
            if meanwhile is not None:
                meanwhile()
            time.sleep(poll_s)


class CommandQueue:
    """The commands of a run as its supervisor takes and answers them, a transaction each."""

    def __init__(self, tables: RecordTables) -> None:
        """Work on the record of one run."""
        self._tables = tables

    def take(self, time: float) -> list[CommandRow]:
        """Return the commands that nobody took yet, in order, and mark them taken."""
        connection = self._tables.connection
        with explained(self._tables.directory):
            if not read_commands(connection, _WAITING):
                return []
        with self._tables.transaction():
            commands = read_commands(connection, _WAITING)
            connection.executemany(
                "UPDATE commands SET taken=? WHERE id=?", [(time, row.id) for row in commands]
            )
        return commands

    def finish(
        self, command_id: int, time: float, outcome: str, text: str, step: int | None = None
    ) -> None:
        """Record what became of a command that the supervisor answers itself."""
        with self._tables.transaction():
            self._tables.finish_command(command_id, time, outcome, text, step)

    def refuse_stale(self, time: float, text: str) -> None:
        """Refuse what an earlier supervisor never took or never finished."""
        with self._tables.transaction():
            self._tables.execute(
                "UPDATE commands SET done=?, outcome='refused', text=? WHERE done IS NULL",
                (time, text),
            )


def read_commands(
    connection: sqlite3.Connection, condition: str = "1", values: tuple[Any, ...] = ()
) -> list[CommandRow]:
    """Return the commands that an SQL condition picks, in the order they were given."""
    rows = connection.execute(
        f"SELECT {COMMAND_COLUMNS} FROM commands WHERE {condition} ORDER BY id", values
    ).fetchall()
    return [
        CommandRow(number, given, by, kind, json.loads(arguments), *rest)
        for number, given, by, kind, arguments, *rest in rows
    ]


def _read(connection: sqlite3.Connection, directory: RunDirectory, command_id: int) -> CommandRow:
    found = read_commands(connection, "id=?", (command_id,))
    if not found:
        raise RecordError(f"{directory.database_path} holds no command {command_id}.")
    return found[0]


def _giver() -> str:
    return storable(f"{user_name()}@{socket.gethostname()} {os.getpid()}")
