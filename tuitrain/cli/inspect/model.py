"""`tuitrain model`: a preset's model as a table of layers, with what it computes and takes.

Knows what may be asked for; how the table looks is the view's.
"""

from typing import Annotated

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


def model(
    preset: PresetArgument,
    overrides: Overrides = None,
    depth: Annotated[
        int | None,
        typer.Option("--depth", min=0, help="Levels of nested modules.", show_default="all"),
    ] = None,
    unfold: Annotated[
        bool, typer.Option("--unfold", help="Show equal layers in a row one by one.")
    ] = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Show a preset's model: layers, shapes, parameters, multiply-adds, and memory of a step.

    The model is built on the CPU; of the data only what its shapes follow from is used.
    """
    answer = ask_about("model", preset, overrides, data_dir)
    if json:
        output.data_json(answer)
        return
    from tuitrain.view.inspect.model import model_lines

    lines = model_lines(answer, terminal_width(), plain_look(), depth=depth, unfold=unfold)
    print_lines(lines)
