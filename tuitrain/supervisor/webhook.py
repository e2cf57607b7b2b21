"""Posts alerts to a web address, in a thread of its own: whoever hands one in never waits.

Knows addresses and plain data; nothing of runs.
"""

import json
import queue
import threading
import time
from collections.abc import Mapping
from typing import Any

from tuitrain import __version__

TIMEOUT_S = 5.0
"""How long the other end may take for each of connecting and answering."""
LAST_WAIT_S = 2.0
"""How long the end of a run may wait for what is still to be posted."""
_MOST_WAITING = 64
_POLL_S = 0.02


class Webhook:
    """One address, and what waits to be posted to it."""

    def __init__(self, address: str, timeout_s: float = TIMEOUT_S) -> None:
        """Post to `address` from now on; nothing is sent before there is something to post."""
        self._address = address
        self._timeout_s = timeout_s
        self._waiting: queue.Queue[Mapping[str, Any]] = queue.Queue(_MOST_WAITING)
        self._failure = ""
        self._told = False
        self._thread: threading.Thread | None = None

    def post(self, message: Mapping[str, Any]) -> None:
        """Have a message posted; where too many wait already, it is left out."""
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            self._failure = self._failure or f"{_MOST_WAITING} messages wait already"
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)
            self._thread.start()

    def take_failure(self) -> str:
        """Return why posting failed, once; empty when it did not, or was said before."""
        if not self._failure or self._told:
            return ""
        self._told = True
        return self._failure

    def wait(self, limit_s: float = LAST_WAIT_S) -> None:
        """Wait until everything is posted or has failed, up to a limit."""
        deadline = time.monotonic() + limit_s
        while self._waiting.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        if self._waiting.unfinished_tasks:
            self._failure = self._failure or "no answer before the run ended"

    def _run(self) -> None:
        while True:
            message = self._waiting.get()
            self._failure = self._send(message) or self._failure
            self._waiting.task_done()

    def _send(self, message: Mapping[str, Any]) -> str:
        """Post one message; return what went wrong."""
        # Imported here: most runs have no webhook, and it brings http and ssl with it.
        import http.client
        import urllib.error
        import urllib.request

        headers = {"Content-Type": "application/json", "User-Agent": f"tuitrain/{__version__}"}
        try:
            body = json.dumps(message).encode()
            request = urllib.request.Request(self._address, body, headers, method="POST")
            with urllib.request.urlopen(request, timeout=self._timeout_s) as answer:
                answer.read(1)
        except urllib.error.HTTPError as error:
            error.close()
            return f"it answered {error.code} {error.reason}"
        except (OSError, ValueError, http.client.HTTPException) as error:
            return str(error) or type(error).__name__
        except Exception as error:  # the border of the thread: it goes on with the next message
            return f"{type(error).__name__}: {error}"
        return ""
