"""`tuitrain data`: what a preset trains on, in figures and as samples drawn in the terminal.

Knows what may be asked for and what stdout is; how things look is the view's.
"""

import os
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tuitrain.cli import output
from tuitrain.cli.inspect.asking import (
    DataDir,
    Overrides,
    ask_about,
    plain_look,
    print_lines,
    terminal_width,
)
from tuitrain.cli.options import Json, PresetArgument

if TYPE_CHECKING:
    from tuitrain.view.images.sheet import Canvas


def data(
    preset: PresetArgument,
    overrides: Overrides = None,
    samples: Annotated[
        int, typer.Option("--samples", "-n", min=0, max=256, help="Training samples to show.")
    ] = 8,
    read: Annotated[
        int,
        typer.Option(
            "--read",
            min=0,
            help="Samples of each part to read of a set that is read one at a time; 0: all.",
        ),
    ] = 2048,
    graphics: Annotated[
        Literal["auto", "kitty", "sixel", "blocks", "ascii"] | None,
        typer.Option(
            "--graphics",
            help="How to draw images: by the terminal's own graphics, by half blocks in colour, "
            "in ASCII; auto: as the terminal's environment says.",
            show_default="blocks or ascii",
        ),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Show a preset's data: sizes, classes, ranges, what is missing or leaks, and samples."""
    answer = ask_about("data", preset, overrides, data_dir, samples=samples, read=read)
    if json:
        output.data_json(answer)
        return
    from tuitrain.view.inspect.data import data_lines, sample_lines

    look, width = plain_look(), terminal_width()
    print_lines(data_lines(answer, width, look))
    lines = sample_lines(answer, _canvas(graphics, width), look)
    if lines:
        output.data("\n" + "\n".join(lines))


def _canvas(
    asked: Literal["auto", "kitty", "sixel", "blocks", "ascii"] | None, width: int | None
) -> "Canvas":
    from tuitrain.view.images.graphics import choose_graphics, colour_depth
    from tuitrain.view.images.sheet import Canvas

    is_ascii = plain_look().ascii
    graphics = choose_graphics(
        asked, os.environ, is_terminal=sys.stdout.isatty(), is_ascii=is_ascii
    )
    # Blocks that were asked for need colours, whatever the environment says.
    return Canvas(width or 80, graphics, colour_depth(os.environ) or 24, os.environ)
