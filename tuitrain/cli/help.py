"""`tuitrain help`: texts on topics, laid out for the terminal that they are read in."""

import os
import shutil
import sys
from typing import Annotated

import typer

from tuitrain.cli import output

_WIDEST = 100
"""Longer lines are hard to read."""


def complete_topic(incomplete: str) -> list[str]:
    """Offer the topics whose name begins like what was typed."""
    from tuitrain.help import topics

    return [topic.name for topic in topics() if topic.name.startswith(incomplete)]


def help_(
    topic: Annotated[
        str,
        typer.Argument(
            metavar="TOPIC",
            help="A topic or a unique beginning of it; without one they are listed.",
            autocompletion=complete_topic,
            show_default=False,
        ),
    ] = "",
) -> None:
    """Read about a topic: keys, presets, alerts, exact resume, memory, ..., in a pager."""
    from tuitrain.cli.interface import speak
    from tuitrain.help import find_topic

    fault = speak(ascii=not (sys.stdout.encoding or "").lower().startswith("utf"))
    if fault:
        output.say(fault)
    if not topic:
        output.data(_listed())
        return
    text = find_topic(topic).text
    if not os.isatty(1):
        output.data(text.rstrip("\n"))
        return
    _page(text)


def _page(text: str) -> None:
    """Show Markdown laid out, in the user's pager."""
    from rich.console import Console
    from rich.markdown import Markdown

    # A text of one screen needs no pager, and colours are to come through.
    os.environ.setdefault("LESS", "FRX")
    width = min(_WIDEST, shutil.get_terminal_size().columns)
    console = Console(width=width)
    with console.pager(styles=not os.environ.get("NO_COLOR")):
        console.print(Markdown(text))


def _listed() -> str:
    from tuitrain.help import topics
    from tuitrain.view.format import display_width, pad, shorten

    width = shutil.get_terminal_size().columns
    name_width = max(display_width(topic.name) for topic in topics())
    lines = [f"{pad(topic.name, name_width)}  {topic.summary}" for topic in topics()]
    return "\n".join(shorten(line, width) for line in lines)


def add_commands(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("help")(help_)
