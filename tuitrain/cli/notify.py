"""`tuitrain notify`: who is told of alerts, and a message to try it."""

import os
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Json
from tuitrain.errors import EXIT_FAILED

if TYPE_CHECKING:
    from tuitrain.config.user import NotifySection

_TEXT = "this is a test: alerts arrive here"


def notify(
    test: Annotated[
        bool, typer.Option("--test", help="Tell everybody now that this is a test.")
    ] = False,
    json: Json = False,
) -> None:
    """Say who is told of alerts, by your configuration; --test sends a message to each.

    Exit code 1 where one was not taken.
    """
    from tuitrain.config.folders import user_config_path
    from tuitrain.config.user import load_user_config
    from tuitrain.supervisor.observers.services import form_of

    chosen = load_user_config().notify
    form = form_of(chosen, os.environ)
    ways: dict[str, Any] = {
        "bell": chosen.bell,
        "desktop": chosen.desktop,
        "webhook": chosen.service if form is not None else "",
        "kinds": list(chosen.kinds),
        "configuration": str(user_config_path(os.environ)),
    }
    failed = _tell(chosen) if test else ""
    if json:
        output.data_json({**ways, "tested": test, "failed": failed})
    else:
        output.data(_words(ways, test and not failed))
    if failed:
        output.say(f"tuitrain: {chosen.service} does not take alerts: {failed}")
        raise typer.Exit(EXIT_FAILED)


def _words(ways: dict[str, Any], told: bool) -> str:
    rows = [
        ("bell", "yes" if ways["bell"] else "no"),
        ("desktop", ways["desktop"]),
        ("webhook", ways["webhook"] or "none"),
        ("kinds", ", ".join(ways["kinds"])),
        ("set in", ways["configuration"]),
    ]
    lines = [f"{name:<8} {value}" for name, value in rows]
    if told:
        reached = ways["bell"] or ways["desktop"] != "off" or ways["webhook"]
        nobody = "nobody was told: [notify] of that file says who is (tuitrain help alerts)"
        lines.append("a test was sent" if reached else nobody)
    return "\n".join(lines)


def _tell(chosen: "NotifySection") -> str:
    """Tell everybody of a test; return why the webhook did not take it, empty where it did."""
    from tuitrain.cli.launch.notices import DesktopNotifier
    from tuitrain.messages import AlertRaised
    from tuitrain.supervisor.observers.services import form_of
    from tuitrain.supervisor.observers.webhook import PostError, message_of, post

    alert = AlertRaised(time.time(), 0, chosen.kinds[0] if chosen.kinds else "ended", _TEXT)
    DesktopNotifier("tuitrain", chosen, sys.stderr).told(alert)
    form = form_of(chosen, os.environ)
    if form is None:
        return ""
    try:
        post(form(message_of("tuitrain", alert)))
    except PostError as error:
        return str(error)
    return ""


def add_commands(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(notify)
