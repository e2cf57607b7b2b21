"""The keys of the workspace: those of the run screen's charts, and its own for runs."""

from dataclasses import replace

from textual.binding import Binding, BindingType

from tuitrain.ui.screens.run.keys import BINDINGS as RUN_KEYS

_OF_CHARTS = frozenset({"curves", "chart", "see", "count", "write", "next_panel"})

OWN_KEYS: list[Binding] = [
    Binding("space", "runs('toggle')", "hide", id="workspace.hide",
            tooltip="Hide this run, or show it again."),
    Binding("o", "runs('single_out')", "only", id="workspace.only",
            tooltip="Let all other runs stand back; up and down then go from run to run."),
    Binding("p", "runs('pin')", "on top", id="workspace.top",
            tooltip="Draw this run over all others, with what happened to it, or no longer."),
    Binding("b", "band", "seeds", id="workspace.band",
            tooltip="Show runs that differ in their seed alone as mean with min..max, as mean "
            "with standard deviation, or one by one."),
    Binding("d", "differences", "differences", id="workspace.differences",
            tooltip="Show figures, settings, code and machines that differ, or the charts again."),
    Binding("enter", "open", "open", id="workspace.open",
            tooltip="Open this run on its own screen."),
    Binding("up,k", "move(-1)", "up", show=False, id="workspace.up",
            tooltip="Go to the run above."),
    Binding("down,j", "move(1)", "down", show=False, id="workspace.down",
            tooltip="Go to the run below."),
]  # fmt: skip

BINDINGS: list[BindingType] = [
    *OWN_KEYS,
    *(
        replace(each, id=(each.id or "").replace("run.", "workspace."))
        for each in RUN_KEYS
        if isinstance(each, Binding) and each.action.partition("(")[0] in _OF_CHARTS
    ),
    Binding("q,escape", "leave", "back", id="workspace.leave",
            tooltip="Go back; from a cursor, a single chart or the differences first."),
]  # fmt: skip
