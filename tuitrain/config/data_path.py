"""Where a preset's `data.path` leads: beside the preset file, else below the data folder.

Knows which data sets take a path; nothing of what lies there.
"""

from collections.abc import Sequence
from pathlib import Path

from tuitrain.config.catalogue import read_catalogue
from tuitrain.config.schema import Preset
from tuitrain.config.wording import printable
from tuitrain.errors import UsageError

_OPTIONS = ("path", "validation_path")
"""The options that lead to files."""


def with_whole_path(preset: Preset, folders: Sequence[Path]) -> Preset:
    """Return the preset with the whole path of its data, so that it holds wherever it is read.

    Args:
        preset: resolved; without a path where the data set can do without one, it stays as it is.
        folders: where a path that is not whole begins, in order.

    Raises:
        UsageError: nothing lies there.
    """
    info = read_catalogue().find("dataset", preset.data.name)
    given = {key: str(preset.data.options.get(key) or "") for key in _OPTIONS} if info else {}
    whole = {key: _whole(key, path, folders) for key, path in given.items() if path}
    if not whole:
        return preset
    return preset.model_copy(update={"data": preset.data.model_copy(update=whole)})


def _whole(key: str, path: str, folders: Sequence[Path]) -> str:
    places = [Path(folder / Path(path).expanduser()).absolute() for folder in folders]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        tried = [printable(place) for place in dict.fromkeys(map(str, places))]
        there = f"neither {' nor '.join(tried)}" if len(tried) > 1 else f"no {tried[0]}"
        advice = f"put it there, or name where it is: --set data.{key}=PATH"
        raise UsageError(f"data.{key} = {printable(path)}: there is {there}; {advice}")
    try:
        str(found).encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"data.{key} = {printable(path)}: the folder's own name is no UTF-8 text, which a "
            "preset can't hold; name a link to it"
        ) from error
    return str(found)
