"""What the commands on a trained model share: their options, and asking with Ctrl-C."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuitrain.cli import output
from tuitrain.errors import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from tuitrain.supervisor.inspection import Question

Checkpoint = Annotated[
    str,
    typer.Option(
        "--checkpoint",
        "-c",
        metavar="NAME",
        help="Whose weights: best, last, a name of your own, or step-00000100.",
        show_default="best, else last",
    ),
]
Ema = Annotated[
    bool, typer.Option("--ema", help="The averaged weights of the hook ema, not the raw ones.")
]
Code = Annotated[
    list[str] | None,
    typer.Option(
        "--code",
        help="Own code that the run's preset names and that may be loaded; may be given again.",
        show_default=False,
    ),
]
Device = Annotated[
    str, typer.Option("--device", help="cpu, cuda, mps or auto.", show_default="as in training")
]

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Where data sets are kept.",
        show_default="where they were in training",
        file_okay=False,
    ),
]


def ask(question: "Question") -> dict[str, Any]:
    """Return what a child process answers; Ctrl-C ends it and this command.

    Raises:
        TuitrainError: there is no answer.
        typer.Exit: interrupted.
    """
    from tuitrain.supervisor import inspection

    try:
        return inspection.ask(question, _tell)
    except KeyboardInterrupt:
        output.say("interrupted: nothing was kept")
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _tell(text: str) -> None:
    """Say what takes long; in a pipe nobody waits for it."""
    if sys.stderr.isatty():
        output.say(text)
