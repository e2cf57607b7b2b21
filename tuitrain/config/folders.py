"""Names the folders of this program that belong to the user and not to a run.

Creates nothing, and knows nothing of what lies in them.
"""

import os
from collections.abc import Mapping
from pathlib import Path


def data_directory(option: Path | None, environ: Mapping[str, str] | None = None) -> Path:
    """Return where data sets are kept: the option, else $TUITRAIN_DATA, else the user's cache."""
    import platformdirs

    if option is not None:
        return option
    named = (os.environ if environ is None else environ).get("TUITRAIN_DATA")
    return Path(named) if named else platformdirs.user_cache_path("tuitrain") / "data"


def config_directory() -> Path:
    """Return the user's folder for settings and presets."""
    import platformdirs

    return platformdirs.user_config_path("tuitrain")


def user_config_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the user's configuration is looked for: $TUITRAIN_CONFIG, else their folder."""
    named = environ.get("TUITRAIN_CONFIG")
    return Path(named).expanduser() if named else config_directory() / "config.toml"


def has_user_config(environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether there is one to be read; one that is named has to be there."""
    return bool(environ.get("TUITRAIN_CONFIG")) or user_config_path(environ).exists()


def built_in_preset_directory(package: Path | None = None) -> Path:
    """Return the folder of the presets that come with the program.

    In a wheel they lie inside the package; in a checkout or an editable install beside it.
    """
    package = package or Path(__file__).parent.parent
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"
