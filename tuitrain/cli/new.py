"""`tuitrain new`: looks at a folder or a file of the user's, and writes a preset that trains it.

Knows how findings are printed; looking is `tuitrain.userdata`'s.
"""

import os
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Json
from tuitrain.errors import UsageError

if TYPE_CHECKING:
    from tuitrain.userdata.survey_images import ImageSurvey
    from tuitrain.userdata.survey_table import TableSurvey


def new(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="A folder of images, or a CSV file.", show_default=False
        ),
    ],
    destination: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The preset.", show_default="./NAME.toml"
        ),
    ] = None,
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="COLUMN",
            help="The column to predict.",
            show_default="one called target or label, else the last",
        ),
    ] = "",
    encoding: Annotated[
        str,
        typer.Option(
            "--encoding",
            metavar="NAME",
            help="How a table's text is stored, as latin-1 or cp1252.",
            show_default="UTF-8, or as its byte order mark says",
        ),
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing preset.")] = False,
    json: Json = False,
) -> None:
    """Look at images or a table of your own, say what is there, and write a preset that trains it.

    Images: folders train and val with a folder a class, a folder of class folders, or a CSV with
    columns file and label beside the images. Tables: a CSV file with column names.
    """
    from tuitrain.config.new_preset import save_preset
    from tuitrain.userdata.proposal import file_stem, preset_name, propose
    from tuitrain.userdata.report import survey_lines
    from tuitrain.userdata.survey import survey

    found = survey(path, target, encoding)
    whole = _whole(path)
    name = preset_name(destination.stem if destination else file_stem(whole))
    preset = destination or Path(f"{name}.toml")
    proposal = propose(found, _as_written(found.path, preset), name)
    save_preset(preset, proposal.text, str(preset), force=force)
    command = f"tuitrain run {shlex.quote(_as_path(preset))}"
    if json:
        output.data_json({**_plain(found), "preset": str(preset), "command": command})
        return
    output.data("\n".join(survey_lines(found, "--target")))
    output.say(f"wrote {preset}; train it with: {command}")


def add_commands(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(new)


def _whole(path: Path) -> Path:
    """Return the whole path; links in it stay."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - `resolve` would follow them


def _as_path(preset: Path) -> str:
    """Return a file's name as `tuitrain run` takes it for a path."""
    text = str(preset)
    return text if "/" in text or text.endswith(".toml") else f"./{text}"


def _as_written(path: Path, preset: Path) -> str:
    """Return where the data are: relative to the preset's folder where they lie in it.

    Raises:
        UsageError: the name is no text that a preset could hold.
    """
    from tuitrain.config.wording import printable

    whole, folder = _whole(path), _whole(preset).parent
    text = os.path.relpath(whole, folder) if whole.is_relative_to(folder) else str(whole)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{printable(text)}: the name is no UTF-8 text, which a preset can't hold; make a link "
            "to it and name that"
        ) from error
    return text


def _plain(found: "ImageSurvey | TableSurvey") -> dict[str, Any]:
    from tuitrain.userdata.survey_images import ImageSurvey
    from tuitrain.userdata.words import shown

    kind = "images" if isinstance(found, ImageSurvey) else "table"
    return {"kind": kind, **asdict(found), "path": shown(found.path)}
