"""A thread that reads what a preview of a run shows; only the newest wish counts.

Knows nothing of widgets.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuitrain.errors import TuitrainError
from tuitrain.remote.registry import Hosts, open_reader
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.labels import load_labels
from tuitrain.runs.summary import RunSummary
from tuitrain.runs.table.details import flat_settings
from tuitrain.ui.feeds.details import read_details
from tuitrain.ui.feeds.home import CURVE_COLUMNS, FALLBACK_METRICS, FEW_COLUMNS
from tuitrain.ui.feeds.run import LIST_LOOK_S, Follower
from tuitrain.view.chart.figure import Line, line_from_series
from tuitrain.view.runlist.preview import Preview, setting_changes

if TYPE_CHECKING:
    from tuitrain.config.schema import Preset

_Wish = tuple[RunSummary, "Preset | None"]


class PreviewFollower(Follower):
    """Reads the run under the cursor, again when its record or its labels have changed."""

    def __init__(self, deliver: Callable[[Preview], None], hosts: Hosts) -> None:
        super().__init__(LIST_LOOK_S)
        self._deliver = deliver
        self._hosts = hosts
        self._wish: _Wish | None = None
        self._shown: Preview | None = None
        self._read: tuple[object, ...] = ()
        self.held = False

    def ask(self, run: RunSummary, preset: "Preset | None") -> None:
        """Ask for a run from now on, to be compared with its preset where there is one."""
        before, self._wish = self._wish, (run, preset)
        if before is None or before[0].path != run.path:
            self.wake()

    def poll(self) -> None:
        """Read what was asked for; hand it on if it differs."""
        wish = self._wish
        if self.held or wish is None:
            return
        labels = load_labels(RunDirectory(Path(wish[0].path)))
        if self._read != (wish, labels):
            preview = replace(read_preview(*wish, self._hosts), labels=labels)
            if preview != self._shown and not self.closed:
                self._shown = preview
                self._deliver(preview)
            # A record that can't be read now may be readable the next time.
            self._read = () if preview.fault else (wish, labels)


def read_preview(run: RunSummary, preset: "Preset | None", hosts: Hosts) -> Preview:
    """Return a run's main curve, and its settings that are not its preset's."""
    directory = RunDirectory(Path(run.path))
    try:
        metric, curve = _main_curve(hosts.located(directory), run.best_metric)
    except (TuitrainError, OSError) as error:
        return Preview(run.path, fault=str(error))
    changes = None
    if preset is not None:
        changes = setting_changes(read_details(directory, hosts).settings, _settings_of(preset))
    return Preview(run.path, metric, curve, changes)


def _main_curve(directory: RunDirectory, best: str | None) -> tuple[str, Line | None]:
    """Return the deciding metric, or the loss where that has hardly begun."""
    found: tuple[str, Line | None] = ("", None)
    most = 0
    with open_reader(directory) as reader:
        for name in filter(None, (best, *FALLBACK_METRICS)):
            series = reader.curves.series(name, columns=2 * CURVE_COLUMNS)
            if len(series.columns) > most:
                most = len(series.columns)
                found = name, line_from_series(series, label=name, slot=0)
            if most >= FEW_COLUMNS:
                break
    return found


def _settings_of(preset: "Preset") -> Mapping[str, Any]:
    # Imported here: home opens without it.
    from tuitrain.config.load import to_toml

    return flat_settings(tomllib.loads(to_toml(preset)))
