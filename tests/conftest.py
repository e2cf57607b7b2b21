"""For all tests: properties are tried on the same examples everywhere, however slowly."""

import compileall
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "any machine",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")
# Programs that tests start speak English in whatever locale.
os.environ["TUITRAIN_LANG"] = "en"


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the package once, as it is where it is installed.

    Tests start hundreds of processes, and where PYTHONDONTWRITEBYTECODE is set each would compile
    what it imports.
    """
    if not hasattr(session.config, "workerinput"):  # not in each process of pytest-xdist
        compileall.compile_dir(Path(__file__).parents[1] / "tuitrain", quiet=2, workers=2)


class _Posted(BaseHTTPRequestHandler):
    """Keeps what is posted; answers as the message itself says, or that all is well."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)  # type: ignore[attr-defined]
        self.send_response(int(body.get("answer", 204)))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """An address that takes what is posted to it."""
    with HTTPServer(("127.0.0.1", 0), _Posted) as server:
        server.bodies = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
