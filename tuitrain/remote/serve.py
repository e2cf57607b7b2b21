"""The far end: answers questions about the runs of one folder until nobody asks any more.

Only what is listed in the protocol can be asked, of runs in that folder; a command is a row in a
run's record, as anybody's is. Knows records; nothing of ssh.
"""

import base64
import json
import socket
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from tuitrain import __version__
from tuitrain.errors import RunNotFoundError, TuitrainError, UsageError
from tuitrain.remote.orders import Orders, Starter
from tuitrain.remote.protocol import (
    CALLS,
    HELLO,
    PROTOCOL,
    bound_call,
    change_of,
    line_of,
    to_wire,
)
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.listing import find_run, list_runs, run_paths
from tuitrain.runs.lock import is_alive, is_worker_alive
from tuitrain.runs.log import LogFile
from tuitrain.runs.reader import RunReader

_MOST_OPEN = 16
"""Records held open: those of the screens in sight."""
_MOST_LOG_BYTES = 1 << 21


class Service:
    """Answers questions."""

    def __init__(
        self,
        root: Path,
        *,
        starter: Starter | None = None,
        machine: Mapping[str, Callable[[], Any]] | None = None,
        readonly: bool = False,
    ) -> None:
        """Answer questions about the runs below `root`.

        Args:
            root: the folder of all runs.
            starter: goes on with runs; left out: that is refused.
            machine: what may be asked of the machine itself, by name.
            readonly: refuse commands.
        """
        self._root, self._readonly = root, readonly
        self._orders = Orders(starter, readonly=readonly)
        self._machine = machine or {}
        self._readers: OrderedDict[str, RunReader] = OrderedDict()

    def serve(self, lines: Iterable[bytes], out: BinaryIO) -> None:
        """Answer line by line until there are no more, or nobody reads the answers."""
        try:
            hello = {HELLO: PROTOCOL, "version": __version__, "host": socket.gethostname()}
            self._say(out, {**hello, "readonly": self._readonly})
            for line in lines:
                self._say(out, self.answer(line))
        except BrokenPipeError:
            return
        finally:
            for reader in self._readers.values():
                reader.close()

    def _say(self, out: BinaryIO, value: Mapping[str, Any]) -> None:
        out.write(line_of(value))
        out.flush()

    def answer(self, line: bytes) -> dict[str, Any]:
        """Return the answer to one line."""
        number: Any = None
        try:
            asked = json.loads(line)
            number = asked.get("id")
            return {"id": number, "value": self._dispatch(asked)}
        except TuitrainError as error:
            return {"id": number, "error": str(error), "kind": type(error).__name__}
        except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
            text = f"{type(error).__name__}: {error}"
            return {"id": number, "error": text, "kind": "UsageError"}

    def _dispatch(self, asked: Mapping[str, Any]) -> Any:
        call, arguments = asked["call"], asked.get("args", [])
        own: dict[str, Callable[..., Any]] = {
            "runs": self._runs, "find": self._find, **self._machine
        }  # fmt: skip
        if call in own:
            return own[call](*arguments)
        directory = self._directory(asked["run"])
        about: dict[str, Callable[..., Any]] = {
            "refresh": self._refresh, "log": self._log, "remove": self._remove,
            "command": self._orders.command, "answered": self._orders.answered,
            "resume": self._orders.resume, "started": self._orders.started,
        }  # fmt: skip
        if call in about:
            return about[call](directory, *arguments)
        return self._read(directory, call, arguments)

    # --- the list -------------------------------------------------------------------------------

    def _runs(self, known: Sequence[Any]) -> Any:
        return change_of([asdict(run) for run in list_runs(self._root)], known)

    def _find(self, text: str) -> str:
        return find_run(self._root, text).id

    def _directory(self, run_id: object) -> RunDirectory:
        """Return a run of the folder by its id alone: nothing else on this machine can be asked."""
        paths = {Path(path).name: path for path in run_paths(self._root)}
        if str(run_id) not in paths:
            raise RunNotFoundError(f"no run {run_id!r} in {self._root}")
        return RunDirectory(Path(paths[str(run_id)]))

    # --- one run --------------------------------------------------------------------------------

    def _reader(self, directory: RunDirectory) -> RunReader:
        reader = self._readers.pop(directory.id, None) or RunReader(directory)
        self._readers[directory.id] = reader
        if len(self._readers) > _MOST_OPEN:
            self._readers.popitem(last=False)[1].close()
        return reader

    def _read(self, directory: RunDirectory, call: str, arguments: Sequence[Any]) -> Any:
        if call not in CALLS:
            raise UsageError(f"no call {call!r}: this end of protocol {PROTOCOL} does not know it")
        return to_wire(bound_call(self._reader(directory), call)(*arguments))

    def _refresh(self, directory: RunDirectory, calls: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """Return the record's number, whether the run lives, and what has changed.

        Each call is its name, its arguments and what the near end knows of its answer.
        """
        reader = self._reader(directory)
        return {
            "version": reader.version(),
            "alive": is_alive(directory),
            "values": [
                change_of(self._read(directory, call, arguments), known)
                for call, arguments, known in calls
            ],
        }

    def _log(self, directory: RunDirectory, place: int, most_bytes: int) -> dict[str, Any]:
        """Return bytes of the log from a place on, its size, and whether more may come."""
        alive = is_alive(directory) or is_worker_alive(directory)
        block, size = LogFile(directory.log_path).block(place, min(most_bytes, _MOST_LOG_BYTES))
        return {"block": base64.b64encode(block).decode(), "size": size, "alive": alive}

    def _remove(self, directory: RunDirectory) -> None:
        """Move a run to the trash, and let go of its record first."""
        if directory.id in self._readers:
            self._readers.pop(directory.id).close()
        self._orders.remove(directory)
