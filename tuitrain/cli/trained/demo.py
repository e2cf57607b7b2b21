"""`tuitrain demo`: a run's model on a page in the browser, on this machine alone.

Knows where the page is and when it ends; a child process serves it.
"""

import ipaddress
import signal
import sys
import tempfile
from types import FrameType
from typing import Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.control import open_client
from tuitrain.cli.options import RunArgument, RunsDir
from tuitrain.cli.trained.asking import Checkpoint, Code, DataDir, Device, Ema
from tuitrain.errors import EXIT_TERMINATED


def demo(
    run: RunArgument,
    host: Annotated[
        str, typer.Option("--host", help="The address to listen on: 0.0.0.0 is every one.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, show_default="the first free one from 7860 on"),
    ] = None,
    checkpoint: Checkpoint = "",
    ema: Ema = False,
    device: Device = "",
    code: Code = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = None,
) -> None:
    """Serve a page to try a run's model on, with what decided beside each answer.

    Nothing is sent anywhere and no browser is opened; Ctrl-C ends it.
    """
    from tuitrain.supervisor import inspection
    from tuitrain.trained.opening import open_trained

    trained = open_trained(
        open_client(runs_dir).find(run), checkpoint, command="demo", code=code, device=device,
        data_dir=data_dir,
    )  # fmt: skip
    if not _is_own(host):
        output.say(
            f"--host {host}: whoever reaches this machine can use the page without a password"
        )
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    with tempfile.TemporaryDirectory(prefix="tuitrain-demo-") as folder:
        question = trained.question(
            "demonstration", averaged=ema, title=f"{trained.directory.id}, {trained.name}",
            host=host, port=port, folder=folder,
        )  # fmt: skip
        try:
            inspection.ask(question, _tell)
        except KeyboardInterrupt:
            output.say("the page is closed")


def _is_own(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tell(text: str) -> None:
    """Print the address; say what takes long to a person."""
    if text.startswith(("http://", "https://")):
        output.data(text)
        if sys.stderr.isatty():
            output.say("Ctrl-C ends it")
    elif sys.stderr.isatty():
        output.say(text)


def _end(_number: int, _frame: FrameType | None) -> None:
    """End as on Ctrl-C, so that no process and no file is left."""
    sys.exit(EXIT_TERMINATED)
