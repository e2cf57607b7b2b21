"""What the commands that look at a preset share: their options, and asking the child process.

Knows how an answer is waited for; nothing of what it says.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tuitrain.cli import output
from tuitrain.errors import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from tuitrain.supervisor.inspection import Kind
    from tuitrain.view.chart.figure import TerminalStyle
    from tuitrain.view.images.sheet import Canvas
    from tuitrain.view.spans import SpanLine

Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="KEY=VALUE",
        help="Change a setting, e.g. --set train.batch_size=128; may be given again.",
        show_default=False,
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Where data sets are kept.",
        show_default="$TUITRAIN_DATA or the user's cache",
        file_okay=False,
    ),
]


Minutes = Annotated[float, typer.Option("--minutes", min=0.01, max=1440, help="Time at the most.")]
AskedGraphics = Annotated[
    Literal["auto", "kitty", "sixel", "blocks", "ascii"] | None,
    typer.Option(
        "--graphics",
        help="How to draw images: by the terminal's own graphics, by half blocks in colour, "
        "in ASCII; auto: as the terminal's environment says.",
        show_default="blocks or ascii",
    ),
]


def ask_about(
    kind: "Kind",
    preset: str,
    overrides: Sequence[str] | None,
    data_dir: Path | None,
    **options: Any,
) -> dict[str, Any]:
    """Return what a child process finds out about a preset; Ctrl-C ends it and this command.

    Raises:
        TuitrainError: the preset is at fault, or there is no answer.
        typer.Exit: interrupted.
    """
    from tuitrain.config.folders import data_directory
    from tuitrain.config.load import load_found
    from tuitrain.config.presets import find_preset
    from tuitrain.supervisor.inspection import Question, ask

    try:
        found = find_preset(preset)
        if found.shadowing:
            output.say(found.shadowing)
        resolved = load_found(found, overrides or ())
        question = Question.of(
            kind, resolved, data_directory(data_dir), found.path.resolve().parent, **options
        )
        return ask(question, _tell)
    except KeyboardInterrupt:
        output.say("interrupted: nothing was kept")
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _tell(text: str) -> None:
    """Say what takes long; in a pipe nobody waits for it."""
    if sys.stderr.isatty():
        output.say(text)


def terminal_width() -> int | None:
    """Return the cells of a line on the terminal; None where stdout is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def plain_look() -> "TerminalStyle":
    """Return what stdout can show, without colours."""
    from tuitrain.view.chart.figure import TerminalStyle

    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return TerminalStyle(ascii=encoding != "utf8", colour=False)


def canvas(graphics: AskedGraphics, width: int | None) -> "Canvas":
    """Return what images are drawn on: stdout, by these graphics where any were asked for."""
    from tuitrain.view.images.graphics import choose_graphics, colour_depth
    from tuitrain.view.images.sheet import Canvas

    chosen = choose_graphics(
        graphics, os.environ, is_terminal=sys.stdout.isatty(), is_ascii=plain_look().ascii
    )
    # Blocks that were asked for need colours, whatever the environment says.
    return Canvas(width or 80, chosen, colour_depth(os.environ) or 24, os.environ)


def print_lines(lines: "Sequence[SpanLine]") -> None:
    """Print lines without their styles."""
    from tuitrain.view.spans import plain_text

    output.data("\n".join(plain_text(line) for line in lines))
