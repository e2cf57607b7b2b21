"""`tuitrain data`: what a preset trains on, in figures and as samples drawn in the terminal.

Knows what may be asked for and what stdout is; how things look is the view's.
"""

from typing import Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.inspect.asking import (
    AskedGraphics,
    DataDir,
    Overrides,
    ask_about,
    canvas,
    plain_look,
    print_lines,
    terminal_width,
)
from tuitrain.cli.options import Json, PresetArgument


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
    graphics: AskedGraphics = None,
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
    lines = sample_lines(answer, canvas(graphics, width), look)
    if lines:
        output.data("\n" + "\n".join(lines))
