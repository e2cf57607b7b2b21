"""`tuitrain presets`: list, show, check and copy presets.

Knows how they are printed; finding and reading them is `tuitrain.config`'s.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Json, PresetArgument, complete_preset
from tuitrain.errors import EXIT_USAGE, PresetError, UsageError

if TYPE_CHECKING:
    from tuitrain.config.faults import Fault
    from tuitrain.config.presets import FoundPreset, ListedPreset

app = typer.Typer(
    help="List, show, check and copy presets.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
def list_all(json: Json = False) -> None:
    """List the presets there are: in ./presets, in your own folder, and the built-in ones."""
    from tuitrain.config.presets import list_presets

    presets = list_presets()
    if json:
        output.data_json([_as_json(item) for item in presets])
        return
    for item in presets:
        if item.found.shadowing:
            output.say(item.found.shadowing)
    output.data(preset_table(presets))


@app.command()
def reference(
    part: Annotated[
        str,
        typer.Argument(
            metavar="PART",
            help="A table of presets, as train or optimizer.groups, or a kind of component, as "
            "models; without one all of it.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Print the reference of presets: every key, every component, every option."""
    from tuitrain.config.reference import preset_reference, reference_section

    output.data(reference_section(part) if part else preset_reference())


@app.command()
def show(
    preset: PresetArgument,
    json: Json = False,
    source: Annotated[
        bool, typer.Option("--source", help="Print the file as it was written.")
    ] = False,
) -> None:
    """Print a preset with every default filled in, as TOML."""
    from tuitrain.config.load import load_found, to_toml

    if json and source:
        raise UsageError("--json and --source don't go together: the source is TOML")
    found = _find(preset)
    if source:
        _print_source(found.path)
        return
    resolved = load_found(found)
    if json:
        output.data_json(resolved.model_dump())
    else:
        output.data(to_toml(resolved).rstrip("\n"))


@app.command()
def check(
    presets: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="TOML files or names of presets.",
            autocompletion=complete_preset,
            show_default=False,
        ),
    ],
    json: Json = False,
) -> None:
    """Check presets and print everything that is wrong with them; exit code 2 if anything is."""
    faults = [fault for name in presets for fault in _faults(name)]
    if json:
        output.data_json([{name: getattr(each, name) for name in FAULT_KEYS} for each in faults])
    else:
        for fault in faults:
            output.data(str(fault))
    checked = f"{len(presets)} preset{'s' * (len(presets) > 1)}"
    output.say(f"{checked} checked, {len(faults) or 'no'} fault{'s' * (len(faults) != 1)}")
    if faults:
        raise typer.Exit(EXIT_USAGE)


@app.command()
def copy(
    preset: PresetArgument,
    destination: Annotated[
        Path | None,
        typer.Argument(metavar="DEST", help="File or folder.", show_default="./presets/NAME.toml"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Copy a preset to a file of your own, to be changed there."""
    found = _find(preset)
    if found.attribute:
        raise UsageError(
            f"{preset} is a preset in a Python file: `tuitrain presets show {preset}` prints it as "
            "TOML"
        )
    target = destination or Path("presets", f"{found.name}.toml")
    if target.is_dir():
        target = target / f"{found.name}.toml"
    copy_preset(found.path, target, force=force)
    output.say(f"copied {found.path} to {target}")


def copy_preset(source: Path, target: Path, *, force: bool) -> None:
    """Copy a preset file; the folder is made where it is missing.

    Raises:
        UsageError: the target exists and `force` is not given, or it can't be written.
    """
    try:
        if target.exists() and target.samefile(source):
            raise UsageError(f"{target} is the preset itself: name another file to copy it to")
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb" if force else "xb") as file:
            file.write(source.read_bytes())
    except FileExistsError:
        raise UsageError(f"{target} exists already: --force overwrites it") from None
    except OSError as error:
        raise UsageError(f"{target} can't be written: {error.strerror}") from error


FAULT_KEYS = ("file", "line", "key", "message")
LIST_HEADINGS = ("PRESET", "DATA", "FROM", "DESCRIPTION")


def preset_table(presets: "list[ListedPreset]") -> str:
    """Lay presets out in columns, grouped by task; faulty ones come last with their fault."""
    groups: dict[str, list[tuple[str, ...]]] = {}
    for item in sorted(presets, key=lambda item: (item.preset is None, _task(item))):
        title = "with faults" if item.preset is None else str(item.preset.task)
        groups.setdefault(title, []).append(_row(item))
    rows = [LIST_HEADINGS, *(row for group in groups.values() for row in group)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [_line(LIST_HEADINGS, widths)]
    for title, group in groups.items():
        lines += ["", title, *(_line(row, widths) for row in group)]
    return "\n".join(lines)


def _task(item: "ListedPreset") -> str:
    return item.preset.task if item.preset is not None else ""


def _row(item: "ListedPreset") -> tuple[str, ...]:
    from tuitrain.config.wording import printable

    if item.preset is None:
        cells = [item.found.name, "-", item.found.origin, item.error]
    else:
        data = item.preset.data.name + (f" (downloads {item.download})" if item.download else "")
        cells = [item.found.name, data, item.found.origin, item.preset.description]
    return tuple(printable(cell) for cell in cells)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)]
    return "  ".join(["", *padded, cells[-1]]).rstrip()


def _as_json(item: "ListedPreset") -> dict[str, Any]:
    preset = item.preset
    return {
        "name": item.found.name,
        "path": str(item.found.path),
        "origin": item.found.origin,
        "shadowed": [str(path) for path in item.found.shadowed],
        "task": preset.task if preset else None,
        "description": preset.description if preset else None,
        "data": preset.data.name if preset else None,
        "download": item.download or None,
        "error": item.error or None,
    }


def _find(name: str) -> "FoundPreset":
    from tuitrain.config.presets import find_preset

    found = find_preset(name)
    if found.shadowing:
        output.say(found.shadowing)
    return found


def _faults(name: str) -> "list[Fault]":
    from tuitrain.config.faults import Fault
    from tuitrain.config.load import check_found
    from tuitrain.config.wording import printable

    try:
        return check_found(_find(name))
    except PresetError as error:
        words = str(error).removeprefix(f"{printable(name)}: ")
        return [Fault(printable(name), None, "", words)]


def _print_source(path: Path) -> None:
    """Print a file as it is; on a terminal, what the terminal would act on is escaped."""
    from tuitrain.config.source import read_text
    from tuitrain.config.wording import printable

    text = read_text(path).removesuffix("\n")
    output.data(printable(text, keep="\n\t") if sys.stdout.isatty() else text)
