"""Where a preset's `data.path` leads: beside the preset file, else below the data folder.

Knows which data sets take a path; nothing of what lies there.
"""

from collections.abc import Iterable
from pathlib import Path

from tuitrain.config.catalogue import read_catalogue
from tuitrain.config.schema import Preset
from tuitrain.config.wording import printable
from tuitrain.errors import UsageError


def with_whole_path(preset: Preset, folders: Iterable[Path]) -> Preset:
    """Return the preset with the whole path of its data, so that it holds wherever it is read.

    Args:
        preset: resolved.
        folders: where a path that is not whole begins, in order.

    Raises:
        UsageError: nothing lies there.
    """
    info = read_catalogue().find("dataset", preset.data.name)
    if info is None or "path" not in info.fields:
        return preset
    given = Path(str(preset.data.options["path"])).expanduser()
    places = [Path(folder / given).absolute() for folder in folders]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        tried = [printable(place) for place in dict.fromkeys(map(str, places))]
        there = f"neither {' nor '.join(tried)}" if len(tried) > 1 else f"no {tried[0]}"
        raise UsageError(f"data.path = {printable(str(given))}: there is {there}")
    try:
        str(found).encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"data.path = {printable(str(given))}: the folder's own name is no UTF-8 text, which a "
            "preset can't hold; name a link to it"
        ) from error
    return preset.model_copy(update={"data": preset.data.model_copy(update={"path": str(found)})})
