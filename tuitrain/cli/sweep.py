"""`tuitrain sweep`: many runs of a preset over a space of settings.

Knows what a person may ask of a sweep, not how it is driven.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from tuitrain.cli import output
from tuitrain.cli.options import Json, RunsDir
from tuitrain.errors import EXIT_FAILED, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuitrain.config.presets import FoundPreset
    from tuitrain.sweeps.directory import SweepDirectory
    from tuitrain.sweeps.table import SweepTable

_VALUE_WIDTH = 24


class _StartsByDefault(TyperGroup):
    """Takes what is no command's name for the preset of a sweep to start."""

    # Click's own classes, which some versions of Typer bring under another name.
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; what is none's name goes to `start`."""
        if args and args[0] not in self.commands:
            args = ["start", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_StartsByDefault,
    help="Run a preset many times over a space of settings, and find the best.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def complete_sweep(incomplete: str) -> list[str]:
    """Offer the sweeps whose id begins like what was typed."""
    from tuitrain.runs.directory import runs_root
    from tuitrain.sweeps.directory import sweep_directories

    found = sweep_directories(runs_root(None))
    return [each.id for each in found if each.id.startswith(incomplete)]


SweepArgument = Annotated[
    str,
    typer.Argument(
        metavar="SWEEP",
        help="A sweep's id, a unique beginning of it, or `last`.",
        autocompletion=complete_sweep,
        show_default=False,
    ),
]
Parallel = Annotated[
    int | None,
    typer.Option("--parallel", min=1, help="Trials at a time.", show_default="as the sweep says"),
]


@app.command()
def start(
    preset: Annotated[
        str,
        typer.Argument(
            metavar="PRESET|SWEEP",
            help="A preset; or a sweep's file or name, where that names its preset.",
            show_default=False,
        ),
    ],
    sweep: Annotated[
        str | None,
        typer.Option("--sweep", metavar="FILE", help="The sweep's TOML file.", show_default=False),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-s",
            metavar="KEY=VALUE",
            help="Change a setting of every trial; may be given again.",
            show_default=False,
        ),
    ] = None,
    parallel: Parallel = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Drive it in the background; print its id.")
    ] = False,
    runs_dir: RunsDir = None,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="Where data sets are kept.", file_okay=False)
    ] = None,
    json: Json = False,
) -> None:
    """Start a sweep (the word `start` may be left out).

    Ctrl-C lets the trials save a checkpoint and end; `tuitrain sweep resume SWEEP` goes on.
    """
    from tuitrain.config.presets import find_preset
    from tuitrain.config.source import read_text
    from tuitrain.sweeps.settings import find_sweep, read_sweep

    path = find_sweep(sweep or preset)
    named = preset if sweep else read_sweep(path).preset
    if not named:
        raise UsageError(
            f'{path} names no preset: write preset = "NAME" above [sweep], or say which: '
            f"tuitrain sweep PRESET --sweep {path}"
        )
    directory = make(
        read_text(path), str(path), find_preset(named), overrides or (), runs_dir, data_dir
    )
    raise typer.Exit(launch(directory, detach=detach, parallel=parallel, json=json))


def make(
    text: str,
    source: str,
    found: "FoundPreset",
    overrides: "Sequence[str]",
    runs_dir: Path | None,
    data_dir: Path | None,
) -> "SweepDirectory":
    """Make a sweep of a preset in the folder of runs that an option names."""
    from tuitrain.config.user import load_user_config
    from tuitrain.runs.directory import runs_root
    from tuitrain.sweeps.start import make_sweep

    return make_sweep(
        runs_root(runs_dir),
        text,
        source,
        found,
        overrides=overrides,
        alerts=load_user_config().alert_defaults,
        data_dir=data_dir,
    )


def launch(
    directory: "SweepDirectory", *, detach: bool, parallel: int | None = None, json: bool = False
) -> int:
    """Drive a sweep here, or let a process in the background do so; return the exit code."""
    from tuitrain.sweeps.process import drive, fresh_control

    fresh_control(directory, parallel)
    if detach:
        from tuitrain.sweeps.start import start_driver

        start_driver(directory)
        if json:
            output.data_json({"id": directory.id, "path": str(directory.path)})
        else:
            output.data(directory.id)
        return 0
    output.say(f"{directory.id}: Ctrl-C lets the trials save and end; they can go on later")
    code = drive(directory, output.say)
    table = _table_of(directory)
    if json:
        output.data_json(_plain(directory, table))
    else:
        output.data(_block(table))
        if code:
            output.say(f"go on with: tuitrain sweep resume {directory.id}")
    return code


@app.command()
def ls(runs_dir: RunsDir = None, json: Json = False) -> None:
    """List sweeps, newest first."""
    from tuitrain.runs.directory import runs_root
    from tuitrain.sweeps.directory import sweep_directories
    from tuitrain.sweeps.table import read_table

    root = runs_root(runs_dir)
    found = [(each, read_table(each)) for each in sweep_directories(root)]
    if json:
        output.data_json([_plain(each, table) for each, table in found if table is not None])
    elif found:
        output.data(_sweeps(found))
    else:
        output.say(f"no sweeps in {root}: `tuitrain sweep PRESET --sweep FILE` starts one")


@app.command()
def show(
    sweep: SweepArgument,
    importance: Annotated[
        bool, typer.Option("--importance", help="Say how much each setting decides, by Optuna.")
    ] = False,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Show a sweep's trials, the best first."""
    directory = _find(sweep, runs_dir)
    table = _table_of(directory)
    weights = None
    if importance:
        from tuitrain.sweeps.study import importance_of

        weights = importance_of(directory)
    if json:
        more = {} if weights is None else {"importance": weights}
        output.data_json({**_plain(directory, table), **more})
        return
    output.data(_block(table))
    if weights is not None:
        output.data("\n" + _weights(weights))
    if table.reason:
        output.say(table.reason)


@app.command()
def attach(sweep: SweepArgument = "last", runs_dir: RunsDir = None) -> None:
    """Watch a sweep in the interface."""
    from tuitrain.cli.interface import open_interface
    from tuitrain.runs.directory import runs_root

    found = _find(sweep, runs_dir).id
    open_interface(runs_root(runs_dir), first=lambda app: app.opener.open_sweeps(found))


@app.command()
def resume(
    sweep: SweepArgument,
    parallel: Parallel = None,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Drive it here, not in the background.")
    ] = False,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Go on with a sweep; of a live one, start new trials again, or more at a time."""
    from tuitrain.sweeps.process import fresh_control

    directory = _find(sweep, runs_dir)
    if directory.is_live():
        fresh_control(directory, parallel)
        output.say(f"{directory.id}: goes on")
        return
    raise typer.Exit(launch(directory, detach=not foreground, parallel=parallel, json=json))


@app.command()
def pause(sweep: SweepArgument, runs_dir: RunsDir = None) -> None:
    """Start no new trial; those that run go on."""
    from tuitrain.sweeps.directory import change_control

    directory = _find(sweep, runs_dir)
    change_control(directory, paused=True)
    output.say(f"{directory.id}: starts no new trial; `tuitrain sweep resume` goes on")


@app.command()
def stop(sweep: SweepArgument, runs_dir: RunsDir = None) -> None:
    """Let the trials save a checkpoint and end; `tuitrain sweep resume` goes on with them."""
    from tuitrain.sweeps.directory import change_control

    directory = _find(sweep, runs_dir)
    if not directory.is_live():
        raise UsageError(f"{directory.id} has no driver: nothing is there to stop")
    change_control(directory, stop=True)
    while directory.is_live():
        time.sleep(0.1)
    output.say(f"{directory.id}: stopped; `tuitrain sweep resume {directory.id}` goes on")


@app.command()
def best(
    sweep: SweepArgument,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE", help="Write it as a preset.", show_default=False),
    ] = None,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Print the best trial's settings, or write them as a preset."""
    directory = _find(sweep, runs_dir)
    table = _table_of(directory)
    found = table.best
    if found is None:
        output.say(f"{directory.id}: no trial is complete yet")
        raise typer.Exit(EXIT_FAILED)
    if save is not None:
        _save(directory, found.point, save)
    if json:
        output.data_json({"run": found.run, "value": found.value, "settings": dict(found.point)})
        return
    from tuitrain.sweeps.space import overrides_of

    output.data("\n".join(overrides_of(found.point)))
    output.say(f"{table.metric} {found.value:.5g}, run {found.run}")


def add_commands(app_: typer.Typer) -> None:
    """Add the commands to the command line."""
    app_.add_typer(app, name="sweep")


# --- words ----------------------------------------------------------------------------------------


def _find(sweep: str, runs_dir: Path | None) -> "SweepDirectory":
    from tuitrain.runs.directory import runs_root
    from tuitrain.sweeps.directory import find_sweep_directory

    return find_sweep_directory(runs_root(runs_dir), sweep)


def _table_of(directory: "SweepDirectory") -> "SweepTable":
    from tuitrain.errors import RecordError
    from tuitrain.sweeps.table import read_table

    table = read_table(directory)
    if table is None:
        raise RecordError(f"{directory.table_path} is missing or can't be read: no driver was here")
    return table


def _save(directory: "SweepDirectory", point: "dict[str, Any] | Any", path: Path) -> None:
    from tuitrain.config.load import to_toml
    from tuitrain.errors import FolderError
    from tuitrain.sweeps.directory import read_launch
    from tuitrain.sweeps.runs import OrdinaryRuns

    if path.exists():
        raise UsageError(f"{path} exists already: give another name")
    preset = OrdinaryRuns(directory, read_launch(directory)).preset(point)
    named = preset.model_copy(update={"name": path.stem})
    try:
        path.write_text(to_toml(named), encoding="utf-8")
    except OSError as error:
        raise FolderError.of(path, error, "can't be written") from error
    output.say(f"wrote {path}: tuitrain run {path}")


def _plain(directory: "SweepDirectory", table: "SweepTable") -> dict[str, Any]:
    from dataclasses import asdict

    from tuitrain.sweeps.table import standing

    best_row = table.best
    return {
        "id": directory.id,
        "path": str(directory.path),
        **asdict(table),
        "state": standing(directory, table),
        "best": asdict(best_row) if best_row is not None else None,
        "rows": [asdict(row) for row in table.ranked],
    }


def _sweeps(found: "list[tuple[SweepDirectory, SweepTable | None]]") -> str:
    from tuitrain.sweeps.table import standing
    from tuitrain.view import format as text

    rows = []
    for directory, table in found:
        over = [row for row in table.rows if row.state in ("complete", "pruned", "failed")] if (
            table) else []  # fmt: skip
        best_row = table.best if table is not None else None
        rows.append(
            (
                text.sanitise(directory.id),
                standing(directory, table),
                f"{len(over)}/{table.budget}" if table is not None else "-",
                f"{table.metric} {text.metric_value(best_row.value)}"
                if table and best_row
                else "-",
            )
        )
    return text.table(("SWEEP", "STATE", "DONE", "BEST"), rows, ("left", "left", "right", "left"))


def _block(table: "SweepTable") -> str:
    """Return the trials, and what repeats with other seeds say."""
    from tuitrain.view.sweep import group_table, trial_table

    parts = (trial_table(table, _VALUE_WIDTH), group_table(table))
    return "\n\n".join(part for part in parts if part)


def _weights(weights: dict[str, float]) -> str:
    from tuitrain.view.sweep import weight_lines

    return "\n".join(weight_lines(weights, 40))
