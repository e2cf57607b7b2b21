"""`tuitrain alerts` and `tuitrain stacks`: what called for attention, the rules, the stacks.

Knows what is asked for, not how alerts come about.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Json, RunArgument, RunsDir, complete_run
from tuitrain.errors import UsageError

if TYPE_CHECKING:
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.runs.rows import AlertRow


def alerts(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="A run's id, a unique beginning of it, its name, or `last`.",
            autocompletion=complete_run,
            show_default=False,
        ),
    ] = None,
    rules: Annotated[
        bool,
        typer.Option(
            "--rules", help="Print the rules and their limits: RUN's, or those of new runs."
        ),
    ] = False,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """List the alerts of a run, with stacks where there are any."""
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.listing import find_run

    directory = find_run(runs_root(runs_dir), run) if run is not None else None
    if rules:
        _print_rules(_settings(directory), json)
    elif directory is None:
        raise UsageError("name a run, e.g. `tuitrain alerts last`; --rules prints the rules")
    else:
        _print_alerts(directory, json)


def stacks(run: RunArgument, runs_dir: RunsDir = None, json: Json = False) -> None:
    """Print where every thread of a live run's worker and its loaders is; training continues."""
    from tuitrain.cli.control import open_client, order
    from tuitrain.messages import TakeStacks
    from tuitrain.view.format import sanitise_lines

    client = open_client(runs_dir)
    directory = client.find(run)
    order(client, directory, TakeStacks(), json)
    taken = [row for row in _rows(directory) if row.kind == "stacks"]
    if taken and not json:
        output.data(sanitise_lines(taken[-1].detail))


def add_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(alerts)
    app.command()(stacks)


def _rows(directory: "RunDirectory") -> "list[AlertRow]":
    from tuitrain.runs.reader import RunReader

    with RunReader(directory) as reader:
        return reader.entries.alerts()


def _print_alerts(directory: "RunDirectory", json: bool) -> None:
    from tuitrain.alerts.catalogue import severity
    from tuitrain.view.alerts import alert_blocks

    rows = _rows(directory)
    if json:
        output.data_json([{**asdict(row), "severity": severity(row.kind)} for row in rows])
    elif rows:
        output.data(alert_blocks(rows))
    else:
        output.say(f"{directory.id}: no alerts")


def _settings(directory: "RunDirectory | None") -> dict[str, Any]:
    """Return the limits of a run, or of runs to come."""
    from tuitrain.config.load import load_preset
    from tuitrain.config.user import load_user_config

    if directory is not None:
        return load_preset(directory.config_path).alerts.model_dump()
    return load_user_config().alerts.model_dump()


def _print_rules(settings: dict[str, Any], json: bool) -> None:
    from tuitrain.alerts.catalogue import KINDS
    from tuitrain.view.alerts import rule_table

    if not json:
        output.data(rule_table(settings))
        return
    off = settings["off"]
    output.data_json(
        [
            {
                "kind": kind.name,
                "severity": kind.severity,
                "off": kind.name in off,
                "meaning": kind.meaning,
                "settings": {key: settings[key] for key in kind.settings},
            }
            for kind in KINDS
        ]
    )
