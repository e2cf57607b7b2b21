"""Serves a run's model over HTTP: `python -m tuitrain.training.serving`.

Reads the question as JSON on stdin; the token is in the environment, where other users of the
machine do not see it. Prints the address once requests are answered.
"""

import json
import os
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

from tuitrain.errors import EXIT_FAILED, TuitrainError, UsageError

TOKEN = "TUITRAIN_SERVE_TOKEN"


def main() -> int:
    """Serve until the process is told to end; return the exit code."""
    question = json.load(sys.stdin)
    sys.path[:0] = question["code_folders"]
    try:
        _serve(question, os.environ.get(TOKEN, ""), **question["options"])
    except KeyboardInterrupt:
        # What ends a service is no failure of it.
        return 0
    except TuitrainError as error:
        sys.stderr.write(f"{error.detail}tuitrain: {error}\n")
        return error.exit_code
    except Exception:
        # A user's own code may raise anything.
        traceback.print_exc()
        return EXIT_FAILED
    return 0


def _serve(
    question: dict[str, Any],
    token: str,
    *,
    checkpoint: str,
    averaged: bool,
    card: dict[str, Any],
    host: str,
    port: int,
    batch: int,
) -> None:
    with bound(host, port) as listening:
        _uvicorn(question, listening, Path(checkpoint), averaged, card, batch, token)


def _uvicorn(
    question: dict[str, Any],
    listening: socket.socket,
    checkpoint: Path,
    averaged: bool,
    card: dict[str, Any],
    batch: int,
    token: str,
) -> None:
    import uvicorn

    from tuitrain.training.evaluating.predictor import Predictor
    from tuitrain.training.evaluating.restore import restored
    from tuitrain.training.inspection.answers import inspected_of
    from tuitrain.training.modules.modes import evaluation_mode
    from tuitrain.training.serving.service import Served, Service

    inspected = inspected_of(question, _tell)
    with restored(inspected, checkpoint, averaged, needs_data=False) as model:
        parts = model.components
        predictor = Predictor(parts)
        card |= {
            "step": model.step,
            "weights": model.weights,
            "task": parts.task.name,
            "classes": list(parts.data.classes),
            "takes": predictor.reader.takes,
            "device": str(parts.device),
        }
        app = Service(Served(predictor, card, batch, token)).app()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        with evaluation_mode(parts.model, parts.loss):
            host, port = listening.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            print(f"http://{shown}:{port}", flush=True)  # noqa: T201 - what a script waits for
            server.run(sockets=[listening])


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        UsageError: the address can't be had.
    """
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(1024)
    except OSError as error:
        raise UsageError(
            f"{host}:{port} can't be listened at: {error.strerror or error}; --port 0 takes a port "
            "that is free"
        ) from error
    return listening


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(text + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
