"""What the launch form begins with: a preset's file, or the settings of an old run.

Reads files, so it is called in a thread; knows nothing of widgets.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tuitrain.config.editing.draft import Checked
from tuitrain.config.faults import Fault
from tuitrain.config.load import parse_preset, to_toml
from tuitrain.errors import TuitrainError
from tuitrain.lang import said, tr


@dataclass(frozen=True, slots=True)
class Opened:
    """What the form begins with."""

    text: str
    """The file's own text."""
    resolved: str
    """The same with everything filled in; the file's own text where it is at fault."""
    path: Path
    argument: str
    """What `tuitrain run` takes for it."""
    download: str
    typed: Mapping[str, str] = field(default_factory=dict)
    """What to type over it to begin with, by key: settings that fit in memory where it ran out."""


def open_settings(
    preset: str,
    config: Path | None,
    cwd: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Opened:
    """Read what the form begins with; `environ` may name the user's own configuration.

    Raises:
        PresetError: there is no such preset, or it can't be read; one at fault is opened as text.
        UsageError: the user's own configuration is at fault.
    """
    from tuitrain.config.catalogue import read_catalogue
    from tuitrain.config.load import found_text
    from tuitrain.config.presets import FoundPreset, find_preset
    from tuitrain.config.user import load_user_config

    found = find_preset(preset, cwd) if config is None else FoundPreset(config.stem, config, "file")
    path = found.path
    text, defaults = found_text(found), load_user_config(environ).alert_defaults
    try:
        resolved = parse_preset(text, str(path), alerts=defaults)
    except TuitrainError:
        return Opened(text, text, path, preset if config is None else str(path), "")
    dataset = read_catalogue().find("dataset", resolved.data.name)
    return Opened(
        text=text,
        resolved=to_toml(resolved),
        path=path,
        argument=preset if config is None else _short_path(path, cwd),
        download=dataset.download if dataset is not None else "",
        typed=_fitting_settings(config.parent) if config is not None else {},
    )


def _fitting_settings(folder: Path) -> dict[str, str]:
    """Return what a run that failed for lack of memory should be begun anew with.

    Raises:
        RecordError: the record can't be read.
    """
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.runs.reader import RunReader

    if not (folder / "run.db").is_file():
        return {}
    with RunReader(RunDirectory(folder)) as reader:
        account = reader.facts().out_of_memory
        failed = reader.state().state == "failed"
    again = account.again if account is not None and failed else None
    return {key: str(value) for key, value in (again or {}).items()}


def _short_path(path: Path, cwd: Path | None = None) -> str:
    """Return a path from the current folder on where it lies below it."""
    full, base = path.absolute(), (cwd or Path.cwd()).absolute()
    return str(full.relative_to(base)) if full.is_relative_to(base) else str(full)


def values_of(checked: Checked) -> dict[str, object]:
    """Return the values of a text as they stand, even where they are at fault."""
    if checked.preset is not None:
        return checked.preset.model_dump()
    try:
        return tomllib.loads(checked.text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def is_within(key: str, field: str) -> bool:
    """Return whether a key is that of a field, or of an item of the list in it."""
    return key == field or key.startswith(f"{field}[")


def words_below(fault: Fault, field: str) -> str:
    """Return a fault as it stands below a field; in a list, which item it is of comes first."""
    return ": ".join(filter(None, [fault.key.removeprefix(field), said(fault.message)]))


def fault_words(fault: Fault, with_line: bool) -> str:
    """Return a fault on one line, with the line of the text it is on where that is in sight."""
    place = tr("line {n}", n=fault.line) if with_line and fault.line is not None else ""
    return ": ".join(part for part in (place, fault.key, said(fault.message)) if part)
