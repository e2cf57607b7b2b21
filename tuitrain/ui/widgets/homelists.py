"""The two lists of the home screen, with the keys that work in each.

They say what is wanted; the screen, or the app, does it.
"""

from pathlib import Path

from textual.binding import Binding
from textual.message import Message

from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.lazylist import LazyList
from tuitrain.ui.widgets.picklist import PickList


class PresetList(PickList):
    """Presets by task."""

    BINDINGS = [
        Binding("enter", "choose", "launch", id="home.launch",
                tooltip="Open the form that starts a run of this preset"),
        # Keys that move the focus are taken before others are handed on: on a slow link a whole
        # word arrives at once, and its letters belong to where the first key leads.
        Binding("slash", "screen.lists('filter_presets')", "filter", priority=True,
                id="home.filter", tooltip="Filter the list as you type"),
    ]  # fmt: skip


class RunList(LazyList):
    """All runs."""

    BINDINGS = [
        Binding("enter", "choose", "open", id="home.open", tooltip="Show this run, live or ended"),
        Binding("slash", "screen.lists('filter_runs')", "filter", priority=True,
                id="home.filter_runs",
                tooltip="Filter as you type: lr>=1e-3 model~resnet state=failed -tag:old moons"),
    ]  # fmt: skip

    class Toggled(Message):
        """A branch is to be closed, or opened."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def action_choose(self) -> None:
        """Open the run under the cursor, before what is typed after it is taken for something."""
        if self.key.startswith("\0"):
            self.post_message(self.Toggled(self.key))
        elif self.key:
            app_of(self).opener.open_run(RunDirectory(Path(self.key)))
