"""Readers as JSON data: one that says its own state is kept with a run and made again."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from tuitrain.components.data import SampleReader
from tuitrain.components.registry import import_own

_PACKAGE = "tuitrain.components.readers"
_KNOWN = {
    "images": "images:ImageReader",
    "number_rows": "rows:NumberRows",
    "encoded_rows": "rows:EncodedRows",
    "series": "series:SeriesReader",
    "words": "texts:WordReader",
    "characters": "texts:CharacterReader",
}
"""Names of the package's own readers, and where they are."""


def kept_reader(reader: SampleReader, data_name: str) -> dict[str, Any] | None:
    """Return a reader by its name and its state; None: it has no `state` and `from_state`.

    A reader of the user's own is kept where it is from the module that the preset names, as no
    other is loaded for it later.

    Args:
        reader: of a data set.
        data_name: as the preset has it.
    """
    kind = type(reader)
    if not (hasattr(reader, "state") and hasattr(kind, "from_state")):
        return None
    place = f"{kind.__module__}:{kind.__qualname__}"
    known = {f"{_PACKAGE}.{where}": name for name, where in _KNOWN.items()}
    if place in known:
        return {"name": known[place], "state": reader.state()}
    if kind.__module__ != data_name.partition(":")[0]:
        return None
    return {"name": place, "state": reader.state()}


def reader_from(kept: Mapping[str, Any], data_name: str) -> SampleReader:
    """Return the reader that `kept_reader` is of.

    Args:
        kept: its name and state.
        data_name: as the preset has it.

    Raises:
        KeyError: there is no such reader.
        TrainingError: the user's own code can't be imported.
    """
    name = kept["name"]
    if name in _KNOWN:
        module, _, attribute = _KNOWN[name].partition(":")
        kind = getattr(import_module(f"{_PACKAGE}.{module}"), attribute)
    elif name.partition(":")[0] == data_name.partition(":")[0]:
        kind = import_own(name, "reader")
    else:
        raise KeyError(name)
    reader: SampleReader = kind.from_state(kept["state"])
    return reader
