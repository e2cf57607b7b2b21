"""A thread that reads a run's settings and those of its preset, again when the record changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tuitrain.analysis.compare import flat_settings
from tuitrain.analysis.preset_settings import preset_settings
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.ui.feeds.run import RecordFollower


@dataclass(frozen=True, slots=True)
class RunSettings:
    """The settings of a run, flat, values as TOML shows them."""

    own: Mapping[str, str] = field(default_factory=dict)
    preset: Mapping[str, str] | None = None
    """None where the preset can't be read: `about` says why."""
    about: str = ""
    """Which file the preset is."""
    error: str = ""
    """Why the run can't be read."""


class SettingsFollower(RecordFollower[None, RunSettings]):
    """Follows the settings of one run: a resume may change them."""

    def __init__(self, directory: RunDirectory, deliver: Callable[[RunSettings], None]) -> None:
        """Follow the run in `directory`; `deliver` takes what was read, in the thread."""
        super().__init__(directory, deliver, None)

    def read(self, reader: RunReader, request: None) -> RunSettings:
        """Read both."""
        del request
        preset, about = preset_settings(reader.meta())
        return RunSettings(flat_settings(reader.config()), preset, about)

    def fail(self, reason: str) -> RunSettings:
        """Say why there are none."""
        return RunSettings(error=reason)
