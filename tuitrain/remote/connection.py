"""One host: its ssh, questions and answers, and coming back after it was gone.

Safe to be asked by several threads. Knows lines, not what is asked.
"""

import contextlib
import json
import queue
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tuitrain import errors
from tuitrain.errors import TuitrainError
from tuitrain.remote.hosts import Host
from tuitrain.remote.protocol import HELLO, PROTOCOL, line_of

CONNECT_S = 20.0
"""ssh itself gives up connecting after 10."""
ANSWER_S = 15.0
"""As long as ssh takes to find that the other end is gone."""
_FIRST_RETRY_S, _LAST_RETRY_S = 1.0, 30.0
_BANNER_LINES = 200
"""Lines that a login may print before ours."""
_SAID_LINES = 20
_LAST_WORDS_S = 1.0
"""How long an ssh that closed its output has to say why."""


class HostError(TuitrainError):
    """A host can't be reached, or speaks another protocol; the text begins with its name."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a host stands."""

    name: str
    answered: float | None
    """When it last answered, as `time.monotonic` counts; None: never."""
    fault: str = ""
    """Why it does not answer; empty: it does."""


class HostConnection:
    """Asks one host, over a connection that is made when it is needed."""

    def __init__(self, host: Host, clock: Callable[[], float] = time.monotonic) -> None:
        self.host = host
        self._clock = clock
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._said: deque[str] = deque(maxlen=_SAID_LINES)
        self._listener: threading.Thread | None = None
        self._number = 0
        self._wait_s = 0.0
        self._retry_at = 0.0
        self._answered: float | None = None
        self._fault = ""
        self._closed = False
        self.connections = 0
        """How often it was connected to: what an earlier far end was told, this one was not."""

    @property
    def standing(self) -> Standing:
        """How the host stands."""
        return Standing(self.host.name, self._answered, self._fault)

    def ask(self, call: str, *arguments: Any, run: str = "") -> Any:
        """Return the answer to a question.

        Raises:
            HostError: the host does not answer, or did not a moment ago.
            TuitrainError: what the far end refuses, as its own error.
        """
        with self._lock:
            if self._closed or self._clock() < self._retry_at:
                raise HostError(self._fault or f"{self.host.name}: closed")
            try:
                answer = self._exchange({"run": run, "call": call, "args": list(arguments)})
            except HostError as error:
                self._give_up(str(error))
                raise
            self._answered, self._fault, self._wait_s = self._clock(), "", 0.0
        if "error" in answer:
            raise _error(f"{self.host.name}: {answer['error']}", str(answer.get("kind")))
        return answer.get("value")

    def close(self) -> None:
        """End the connection; nothing can be asked any more."""
        self._closed = True
        self._end()

    # --- a question -----------------------------------------------------------------------------

    def _exchange(self, question: dict[str, Any]) -> dict[str, Any]:
        process = self._connected()
        self._number += 1
        assert process.stdin is not None
        try:
            process.stdin.write(line_of({"id": self._number, **question}))
            process.stdin.flush()
        except OSError as error:
            raise self._gone(process) from error
        while True:
            answer = self._answer(process, ANSWER_S)
            if answer.get("id") == self._number:
                return answer

    def _answer(self, process: "subprocess.Popen[bytes]", limit_s: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=limit_s)
        except queue.Empty:
            raise HostError(f"{self.host.name}: no answer for {limit_s:.0f} s") from None
        if not line:
            raise self._gone(process)
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        return found if isinstance(found, dict) else {}

    # --- the connection -------------------------------------------------------------------------

    def _connected(self) -> "subprocess.Popen[bytes]":
        if self._process is not None:
            return self._process
        try:
            process = subprocess.Popen(
                self.host.words(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            why = error.strerror or error
            raise HostError(f"{self.host.name}: ssh can't be started: {why}") from error
        self._process, self._lines = process, queue.SimpleQueue()
        self._said.clear()
        _in_background(lambda: _pump(process, self._lines))
        self._listener = _in_background(lambda: _keep(process, self._said))
        self._greet(process)
        self.connections += 1
        return process

    def _greet(self, process: "subprocess.Popen[bytes]") -> None:
        """Skip what a login prints, up to the first line of the far end."""
        deadline = time.monotonic() + CONNECT_S
        for _line in range(_BANNER_LINES):
            hello = self._answer(process, max(0.0, deadline - time.monotonic()))
            if HELLO not in hello:
                continue
            if hello[HELLO] != PROTOCOL:
                raise HostError(
                    f"{self.host.name}: its tuitrain {hello.get('version')} speaks protocol "
                    f"{hello[HELLO]}, this one {PROTOCOL}: install the same version on both"
                )
            return
        raise HostError(f"{self.host.name}: {_BANNER_LINES} lines, and none of them tuitrain's")

    def _gone(self, process: "subprocess.Popen[bytes]") -> HostError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LAST_WORDS_S)
        if self._listener is not None:
            self._listener.join(_LAST_WORDS_S)
        code = process.poll()
        said = next((line for line in reversed(self._said) if line), "")
        hint = ""
        if code == 127:
            hint = "; `command` in hosts.toml says where tuitrain is there"
        return HostError(f"{self.host.name}: {said or f'ssh ended with exit code {code}'}{hint}")

    def _give_up(self, fault: str) -> None:
        """Ask no more for a while, the longer the more often it was in vain."""
        self._fault = fault
        self._wait_s = min(_LAST_RETRY_S, max(_FIRST_RETRY_S, 2 * self._wait_s))
        self._retry_at = self._clock() + self._wait_s
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        process.terminate()
        _in_background(lambda: _reap(process))


def _pump(process: "subprocess.Popen[bytes]", lines: "queue.SimpleQueue[bytes]") -> None:
    assert process.stdout is not None
    with contextlib.suppress(OSError, ValueError), process.stdout:
        for line in process.stdout:
            lines.put(line)
    lines.put(b"")


def _keep(process: "subprocess.Popen[bytes]", said: deque[str]) -> None:
    assert process.stderr is not None
    with contextlib.suppress(OSError, ValueError), process.stderr:
        for line in process.stderr:
            said.append(line.decode("utf-8", "replace").strip())


def _reap(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(5.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _in_background(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, name="host", daemon=True)
    thread.start()
    return thread


def _error(text: str, kind: str) -> TuitrainError:
    """Return a far end's error as one of this program's classes."""
    found = getattr(errors, kind, TuitrainError)
    return found(text) if issubclass(found, TuitrainError) else TuitrainError(text)
