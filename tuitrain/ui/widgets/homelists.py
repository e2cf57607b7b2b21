"""The two lists of the home screen, with the keys that work in each.

They say what is wanted; the screen does it.
"""

from textual.binding import Binding

from tuitrain.ui.widgets.lazylist import LazyList
from tuitrain.ui.widgets.picklist import PickList

# Keys that move the focus are taken before others are handed on: on a slow link a whole word
# arrives at once, and its letters belong to where the first key leads.
_FILTER = Binding(
    "slash",
    "screen.filter",
    "filter",
    priority=True,
    id="home.filter",
    tooltip="Filter the list as you type",
)


class PresetList(PickList):
    """Presets by task."""

    BINDINGS = [
        Binding(
            "enter",
            "choose",
            "launch",
            id="home.launch",
            tooltip="Open the form that starts a run of this preset",
        ),
        _FILTER,
    ]


class RunList(LazyList):
    """All runs."""

    BINDINGS = [
        Binding("enter", "choose", "open", id="home.open", tooltip="Show this run, live or ended"),
        Binding(
            "n",
            "screen.presets",
            "new",
            id="home.new",
            tooltip="Go to the presets to start a new run",
        ),
        Binding(
            "e",
            "screen.again",
            "again",
            id="home.again",
            tooltip="Start a new run with this run's settings, which can be changed first",
        ),
        Binding(
            "R",
            "screen.resume",
            "resume",
            id="home.resume",
            tooltip="Resume this run from its last checkpoint",
        ),
        Binding(
            "v",
            "screen.results",
            "results",
            id="home.results",
            tooltip="Evaluate a checkpoint: figures, classes, confusion, curves, worst samples",
        ),
        Binding(
            "u",
            "screen.uses",
            "use",
            id="home.uses",
            tooltip="Use the model: predict, explain, plot, report, export, demo or serve",
        ),
        _FILTER,
        Binding(
            "space",
            "screen.mark",
            "mark",
            id="home.mark",
            tooltip="Mark this run, to compare it with others",
        ),
        Binding(
            "d",
            "screen.compare",
            "compare",
            id="home.compare",
            tooltip="Compare the marked runs, or this one with the marked one",
        ),
        Binding(
            "x",
            "screen.remove",
            "remove",
            id="home.remove",
            tooltip="Remove this run and all its files; asks first",
        ),
    ]
