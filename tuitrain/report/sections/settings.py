"""A run's settings: beside those of its preset, and beside those of the last run that went well."""

from collections.abc import Mapping
from pathlib import Path

from tuitrain.analysis.compare import flat_settings
from tuitrain.analysis.preset_settings import preset_settings
from tuitrain.analysis.seeds import NO_SETTING
from tuitrain.errors import RecordError
from tuitrain.report.blocks import Block, Folded, Section, Table, Text
from tuitrain.report.differences import Side, differences, last_good
from tuitrain.report.looked import Looked
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.units import NOTHING

_MOST_CHARACTERS = 400


def settings_section(looked: Looked) -> Section:
    """Return all settings, those that are not the preset's marked."""
    own = flat_settings(looked.reader.config())
    preset, said = preset_settings(looked.meta)
    changed = {
        key for key in own.keys() | (preset or {}).keys()
        if preset is not None and key not in NO_SETTING and own.get(key) != preset.get(key)
    }  # fmt: skip
    blocks: list[Block] = [Text(said, "note")]
    if changed:
        blocks.insert(0, _table(own, preset or {}, [key for key in _keys(own, preset)
                                                    if key in changed]))  # fmt: skip
    elif preset is not None:
        blocks.insert(0, Text("All are those of the preset."))
    everything = _table(own, preset or {}, _keys(own, preset), changed)
    return Section("Settings", (*blocks, Folded(f"all {len(own)} settings", (everything,))))


def _keys(own: Mapping[str, str], preset: Mapping[str, str] | None) -> list[str]:
    return list(dict.fromkeys([*own, *(preset or {})]))


def _table(
    own: Mapping[str, str],
    preset: Mapping[str, str],
    keys: list[str],
    changed: set[str] | None = None,
) -> Table:
    """Return settings; the preset's value stands only where it is another."""
    rows = tuple(
        (
            key,
            _short(own.get(key)),
            _short(preset.get(key)) if changed is None or key in changed else "",
        )
        for key in keys
    )
    marked = frozenset(n for n, key in enumerate(keys) if key in (changed or ()))
    return Table(("setting", "this run", "the preset"), rows, marked=marked)


def _short(value: str | None) -> str:
    if value is None:
        return NOTHING
    return value if len(value) <= _MOST_CHARACTERS else value[:_MOST_CHARACTERS] + "..."


# --- the last good run --------------------------------------------------------------------------


def last_good_section(looked: Looked) -> Section:
    """Return what differs from the last run of the same preset that finished before this one."""
    title = "What differs from the last good run"
    before = last_good(looked.reader.directory, looked.summary)
    if before is None:
        return Section(title, (Text(
            f"No earlier run of {looked.summary.preset} beside it has finished."
        ),))  # fmt: skip
    try:
        with RunReader(RunDirectory(Path(before.path))) as reader:
            now = Side(looked.summary, looked.reader)
            rows = differences(Side(before, reader), now)
    except RecordError as error:
        return Section(title, (Text(f"{before.id} can't be read: {error}", "bad"),))
    said = Text(f"The last run of {before.preset} that finished before: {before.id}")
    if all(row.kind == "result" for row in rows):
        said = Text(f"{said.text}; settings, code and packages are the same.")
    cells = tuple((row.kind, row.what, _short(row.before), _short(row.now)) for row in rows)
    table = Table(("", "what", "last good run", "this run"), cells)
    return Section(title, (said, *((table,) if rows else ())))
