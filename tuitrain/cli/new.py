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

_NAMED = 5
"""Files that are named of each kind of fault; `--json` has all."""


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
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing preset.")] = False,
    json: Json = False,
) -> None:
    """Look at images or a table of your own, say what is there, and write a preset that trains it.

    Images: folders train and val with a folder a class, a folder of class folders, or a CSV with
    columns file and label beside the images. Tables: a CSV file with column names.
    """
    from tuitrain.userdata.proposal import preset_name, propose
    from tuitrain.userdata.survey import survey
    from tuitrain.userdata.survey_images import ImageSurvey

    found = survey(path, target)
    whole = _whole(path)
    name = preset_name(destination.stem if destination else _stem(whole))
    preset = destination or Path(f"{name}.toml")
    proposal = propose(found, _as_written(found.path, preset), name)
    head = f"# {name}: made by `tuitrain new`.\n#\n#   tuitrain run {shlex.quote(str(preset))}\n\n"
    _write(preset, head + proposal.text, force)
    command = f"tuitrain run {shlex.quote(_as_path(preset))}"
    if json:
        output.data_json({**_plain(found), "preset": str(preset), "command": command})
        return
    lines = _image_lines(found) if isinstance(found, ImageSurvey) else _table_lines(found)
    output.data("\n".join(lines))
    output.say(f"wrote {preset}; train it with: {command}")


def add_commands(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(new)


def _whole(path: Path) -> Path:
    """Return the whole path; links in it stay."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - `resolve` would follow them


def _stem(path: Path) -> str:
    return path.name if path.is_dir() else path.stem


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


def _write(preset: Path, text: str, force: bool) -> None:
    """Check the preset and write it.

    Raises:
        UsageError: the file exists and `force` is not given, or it can't be written.
    """
    from tuitrain.config.load import parse_preset

    parse_preset(text, str(preset))
    try:
        preset.parent.mkdir(parents=True, exist_ok=True)
        with preset.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{preset} exists already: --force overwrites it") from None
    except OSError as error:
        raise UsageError(f"{preset} can't be written: {error.strerror}") from error


def _plain(found: "ImageSurvey | TableSurvey") -> dict[str, Any]:
    from tuitrain.userdata.survey_images import ImageSurvey
    from tuitrain.userdata.words import shown

    kind = "images" if isinstance(found, ImageSurvey) else "table"
    return {"kind": kind, **asdict(found), "path": shown(found.path)}


# --- in words -----------------------------------------------------------------------------------


def _image_lines(found: "ImageSurvey") -> list[str]:
    from tuitrain.userdata.words import counted, shown

    parts = "in train and validation folders" if found.split else "a fifth is held out"
    endings = ", ".join(f"{ending} {number:,}" for ending, number in found.endings.items())
    modes = ", ".join(f"{mode} {number:,}" for mode, number in found.modes.items())
    lines = [
        f"{shown(found.path)}: {counted(found.images, 'image')} of {len(found.classes)} classes, "
        f"{parts}",
        f"  files   {endings}",
        f"  pixels  {modes}; width {_span(found.widths)}, height {_span(found.heights)}",
    ]
    width = max(len(name) for name in found.classes)
    lines += [
        f"  {name.ljust(width)}  {train:,} to train on, {held:,} to validate on"
        for name, (train, held) in found.classes.items()
    ]
    lines += _listed("broken", [f"{name} {why}" for name, why in found.broken.items()])
    if found.decoded < found.images:
        lines.append(f"  only {found.decoded:,} of them were decoded to look for broken ones")
    lines += _listed("leak: the same in both parts", [" = ".join(p) for p in found.leaks])
    lines += _listed("the same in two classes", [" = ".join(p) for p in found.conflicts])
    if found.copies:
        lines.append(f"  {counted(found.copies, 'file')} with the content of another one")
    return [*lines, *(f"  note: {note}" for note in found.notes)]


def _span(values: tuple[int, int, int]) -> str:
    least, middle, most = values
    return f"{middle}" if least == most else f"{least} to {most}, half below {middle}"


def _listed(what: str, items: list[str]) -> list[str]:
    lines = [f"  {what}: {item}" for item in items[:_NAMED]]
    if len(items) > _NAMED:
        lines.append(f"  {what}: {len(items) - _NAMED:,} more")
    return lines


def _table_lines(found: "TableSurvey") -> list[str]:
    from tuitrain.userdata.words import counted, shown

    goal = f"{found.task} of {shown(found.target)}"
    lines = [
        f"{shown(found.path)}: {counted(found.rows, 'row')}, "
        f"{counted(len(found.columns), 'column')}; {goal} (--target names another column)"
    ]
    width = max(len(shown(column.name)) for column in found.columns)
    for column in found.columns:
        missing = f"; {column.missing:,} missing" if column.missing else ""
        leak = "; suspected leak: it tells the target exactly" if column.tells_target else ""
        lines.append(
            f"  {shown(column.name).ljust(width)}  {column.kind}, {column.distinct:,} different: "
            f"{column.summary}{missing}{leak}"
        )
    if found.copies:
        lines.append(f"  {counted(found.copies, 'row')} equal to another one")
    if found.leaks:
        both = counted(found.leaks, "row")
        lines.append(f"  leak: {both} of {found.validation} in the training file too")
    return lines
