"""`tuitrain serve`: a run's model behind HTTP, in a process that takes this one's place."""

import sys
from typing import Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.control import open_client
from tuitrain.cli.options import RunArgument, RunsDir
from tuitrain.cli.trained.asking import Checkpoint, Code, DataDir, Device, Ema

_MODULE = "tuitrain.training.serving"
_TOKEN = "TUITRAIN_SERVE_TOKEN"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def serve(
    run: RunArgument,
    host: Annotated[
        str, typer.Option("--host", help="Where to listen; 0.0.0.0: at every address.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", "-p", min=0, max=65535, help="0: one that is free.")
    ] = 8000,
    token: Annotated[
        str,
        typer.Option(
            "--token",
            envvar=_TOKEN,
            help="What a request must bring as `Authorization: Bearer TOKEN`.",
            show_default="none",
        ),
    ] = "",
    batch: Annotated[
        int, typer.Option("--batch", min=1, help="Samples of waiting requests run at once.")
    ] = 32,
    checkpoint: Checkpoint = "",
    ema: Ema = False,
    device: Device = "",
    code: Code = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = None,
) -> None:
    """Serve a run's model over HTTP until Ctrl-C: POST /predict, GET /model, /health, /metrics.

    Prints the address once requests are answered. An image, a table as CSV, or texts, one a line,
    may be the body of a request, or JSON with several.
    """
    from tuitrain.extras import installed
    from tuitrain.supervisor.inspection import become
    from tuitrain.trained.opening import open_trained

    installed(("fastapi", "uvicorn", "prometheus_client"), "serve", "serve")
    trained = open_trained(
        open_client(runs_dir).find(run), checkpoint, command="serve", code=code, device=device,
        data_dir=data_dir,
    )  # fmt: skip
    if host not in _LOOPBACK and not token:
        output.say(f"anybody who reaches {host} can ask this model: --token TOKEN keeps others out")
    question = trained.question(
        "service", averaged=ema, host=host, port=port, batch=batch,
        card={"run": trained.directory.id, "checkpoint": trained.name},
    )  # fmt: skip
    sys.stdout.flush()
    become(_MODULE, question, {_TOKEN: token})
