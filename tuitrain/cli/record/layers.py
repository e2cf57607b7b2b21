"""`tuitrain layers`: what was measured of a model's layers, and having it measured.

Knows who is asked; how it looks is known to `tuitrain.view`.
"""

import os
import shutil
from dataclasses import asdict
from typing import Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Json, RunArgument, RunsDir

_KEY = "train.layers_every"
_PIPE_WIDTH = 120
_COLUMNS = 48


def layers(
    run: RunArgument,
    every: Annotated[
        int | None,
        typer.Option(
            "--every",
            metavar="N",
            help="Have them measured every N steps from now on; 0: never.",
            show_default=False,
        ),
    ] = None,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Show activation, gradient and weight norms and dead units by layer, or have them measured."""
    if every is not None:
        _order(run, every, runs_dir, json)
        return
    from tuitrain.analysis.layers import read_layers
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.listing import find_run
    from tuitrain.runs.reader import RunReader

    with RunReader(find_run(runs_root(runs_dir), run)) as reader:
        found = read_layers(reader, _COLUMNS)
    if json:
        output.data_json({"id": reader.directory.id, **asdict(found)})
        return
    if not found.rows:
        output.say(
            f"{reader.directory.id}: no layer was measured yet; `tuitrain layers {run} --every 50` "
            "has a live run measure, `--set train.layers_every=50` a new one"
        )
        return
    from tuitrain.view.chart.figure import TerminalStyle
    from tuitrain.view.run.layers import layers_table, state_words
    from tuitrain.view.spans import plain_text

    width = shutil.get_terminal_size().columns if os.isatty(1) else _PIPE_WIDTH
    lines = layers_table(found, width, TerminalStyle())
    output.data("\n".join([*map(plain_text, lines), state_words(found)]))


def _order(run: str, every: int, runs_dir: RunsDir, json: bool) -> None:
    from tuitrain.cli.control import open_client, order
    from tuitrain.config.settings import validate_setting
    from tuitrain.messages import ChangeSetting

    value = validate_setting(_KEY, str(every))
    client = open_client(runs_dir)
    order(client, client.find(run), ChangeSetting(0, _KEY, value), json)
