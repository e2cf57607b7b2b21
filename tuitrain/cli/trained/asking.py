"""What the commands on a trained model share: their options, and asking with Ctrl-C."""

import re
import shutil
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

    progress = _Progress()
    try:
        return inspection.ask(question, progress.tell)
    except KeyboardInterrupt:
        progress.clear()
        output.say("interrupted: nothing was kept")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    finally:
        progress.clear()


class _Progress:
    """Says what takes long, on a terminal alone: in a pipe nobody waits for it.

    What tells how many of how many are done is a bar that moves.
    """

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._has_bar = False

    def tell(self, text: str) -> None:
        """Say it, or move the bar."""
        if not self._is_terminal:
            return
        counted = _COUNTED.search(text)
        if counted is None:
            self.clear()
            output.say(text)
            return
        done, total = (int(part.replace(",", "")) for part in counted.groups())
        self._has_bar = True
        output.move(_bar_line(done / max(1, total), text))

    def clear(self) -> None:
        """Take the bar away."""
        if self._has_bar:
            self._has_bar = False
            output.move("")


_COUNTED = re.compile(r" ([\d,]+) of ([\d,]+) ")
_BAR_WIDTH = 24


def _bar_line(share: float, text: str) -> str:
    from tuitrain.view.bars import progress_bar
    from tuitrain.view.chart.figure import TerminalStyle
    from tuitrain.view.format import sanitise, shorten

    encoding = (sys.stderr.encoding or "").lower().replace("-", "")
    bar = progress_bar(share, _BAR_WIDTH, TerminalStyle(ascii=encoding != "utf8", colour=False))
    # One cell stays free: a full line makes some terminals wrap.
    room = shutil.get_terminal_size().columns - 1
    return shorten(f"{bar} {sanitise(text)}", room)
