"""The settings of a run's preset as it is now, to hold the run's own against.

Reads preset files, and runs none that is Python.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from tuitrain.analysis.compare import flat_settings
from tuitrain.config.load import load_found, to_toml
from tuitrain.config.presets import find_preset
from tuitrain.config.user import load_user_config
from tuitrain.errors import TuitrainError

_FILE = re.compile(r"\.toml$|\.py(:\w+)?$")


def preset_settings(meta: Mapping[str, object]) -> tuple[dict[str, str] | None, str]:
    """Return the settings of a run's preset as it is now, and what there is to say of it."""
    name, cwd = str(meta["preset"]), Path(str(meta.get("cwd") or "."))
    line = meta.get("command_line")
    given = [str(part) for part in line[1:]] if isinstance(line, list) else []
    # A file may be called otherwise than the preset in it.
    files = [part for part in given if _FILE.search(part)]
    try:
        found = find_preset(files[0] if files else name, cwd)
        if found.attribute:
            return None, f"{found.path} is Python: it is not run for this, so nothing is marked."
        preset = load_found(found, (), load_user_config().alert_defaults)
    except TuitrainError as error:
        return None, f"The preset can't be read here, so nothing is marked: {error}"
    return flat_settings(
        tomllib.loads(to_toml(preset))
    ), f"The preset is {found.path} as it is now."
