"""`tuitrain run` with a setting of several values: a sweep over all of them.

Knows how values are listed, not how a sweep is driven.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tuitrain.config.presets import FoundPreset


def spread_of(
    found: "FoundPreset", given: "Sequence[str]", alerts: "Mapping[str, Any]"
) -> list[str]:
    """Return the `--set` texts that list several values where the setting itself takes no list."""
    from tuitrain.config.load import load_found
    from tuitrain.errors import PresetError
    from tuitrain.sweeps.space import split_values

    several = [text for text in given if len(split_values(text)) > 1]
    if not several:
        return []
    try:
        load_found(found, given, alerts)
    except PresetError:
        return several
    return []


def start_grid(
    found: "FoundPreset",
    given: "Sequence[str]",
    runs_dir: Path | None,
    data_dir: Path | None,
    *,
    detach: bool,
    json: bool,
) -> int:
    """Run a preset at every combination of the values that `--set` lists; return the exit code."""
    from tuitrain.cli import sweep
    from tuitrain.config.overrides import parse_override
    from tuitrain.sweeps.space import split_values
    from tuitrain.sweeps.start import grid_text

    choices: dict[str, list[Any]] = {}
    for text in given:
        parts = [parse_override(part) for part in split_values(text)]
        if len(parts) > 1:
            choices[".".join(parts[0][0])] = [value for _path, value in parts]
    single = [text for text in given if len(split_values(text)) == 1]
    directory = sweep.make(
        grid_text(choices, {}), f"{found.name}-grid.toml", found, single, runs_dir, data_dir
    )
    return sweep.launch(directory, detach=detach, json=json)
