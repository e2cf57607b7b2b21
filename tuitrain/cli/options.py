"""Arguments and options that several commands share, with their shell completion."""

from pathlib import Path
from typing import Annotated

import typer


def complete_run(incomplete: str) -> list[str]:
    """Offer the runs whose id or name begins like what was typed."""
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.listing import list_run_names

    return [name for name in list_run_names(runs_root(None)) if name.startswith(incomplete)]


def complete_preset(incomplete: str) -> list[str]:
    """Offer the presets whose name begins like what was typed."""
    from tuitrain.config.presets import preset_names

    return [name for name in preset_names() if name.startswith(incomplete)]


RunsDir = Annotated[
    Path | None,
    typer.Option(
        "--runs-dir",
        help="Where runs are kept.",
        show_default="$TUITRAIN_RUNS or ./runs",
        # What is wrong with it is told as for $TUITRAIN_RUNS, when it is used.
        readable=False,
    ),
]
RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run's id, a unique beginning of it, its name, or `last`.",
        autocompletion=complete_run,
        show_default=False,
    ),
]
RunsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN",
        help="Ids, unique beginnings of them, names, or `last`.",
        autocompletion=complete_run,
        show_default=False,
    ),
]
PresetArgument = Annotated[
    str,
    typer.Argument(
        metavar="PRESET",
        help="A preset's name, a TOML file, or FILE.py:NAME.",
        autocompletion=complete_preset,
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Code = Annotated[
    list[str] | None,
    typer.Option(
        "--code",
        metavar="MODULE:NAME|FILE.py",
        help="Code of your own that the run may load; needed where its preset names any.",
        show_default=False,
    ),
]
Name = Annotated[
    str | None, typer.Option("--name", "-n", help="What to call the run.", show_default=False)
]
