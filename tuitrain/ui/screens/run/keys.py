"""The keys of the run screen: what they do and say; palette and help are made of this."""

from textual.binding import Binding, BindingType

from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.rows import RunFacts
from tuitrain.ui.feeds.snapshot import RunSnapshot

BINDINGS: list[BindingType] = [
    Binding("space", "steer('pause')", "pause", id="run.pause",
            tooltip="Save a checkpoint and pause at the next step, or continue."),
    Binding("s", "steer('stop')", "stop", id="run.stop",
            tooltip="Save a checkpoint and end the run; asks first."),
    Binding("R", "steer('resume')", "resume", id="run.resume",
            tooltip="Resume a paused, stopped, failed or lost run."),
    Binding("l", "steer('rate')", "rate", id="run.rate",
            tooltip="Set the learning rate from the next step on."),
    Binding("c", "steer('checkpoint')", "checkpoint", id="run.checkpoint",
            tooltip="Save a checkpoint at the next step."),
    Binding("p", "steer('profile')", "profile", id="run.profile",
            tooltip="Profile the next steps, or show the profiles there are."),
    Binding("z", "chart('maximise')", "zoom", id="run.maximise",
            tooltip="Show the focused chart alone, or all of them again."),
    Binding("slash", "curves('filter')", "filter", id="run.filter",
            tooltip="Show only metrics whose name matches text or a regular expression."),
    Binding("v", "open('results')", "results", id="run.results",
            tooltip="Evaluate a checkpoint: figures, classes, confusion, curves, worst samples."),
    Binding("u", "open('uses')", "use", id="run.uses",
            tooltip="Use the model: predict, explain, plot, report, export, demo or serve."),
    Binding("y", "chart('switch', 'log')", "log y", id="run.log_scale",
            tooltip="Make the value axis of the chart in front linear or logarithmic."),
    Binding("m", "chart('switch', 'smoothing')", "smooth", id="run.smooth",
            tooltip="Smooth its curves as their noise asks for, not at all, or by 0.6 to 0.97."),
    Binding("Y", "chart('limits')", "limits", show=False, id="run.limits",
            tooltip="Span all values, limits that are typed, or leave far ones out (automatic)."),
    Binding("w", "write", "write", show=False, id="run.write",
            tooltip="Write the chart in front as SVG, CSV or PNG into the run's exports/."),
    Binding("t", "chart('copy_value')", "take value", show=False, id="run.copy_value",
            tooltip="Copy the values under the cursor of the chart in front."),
    Binding("f", "chart('switch', 'pinned')", "pin", show=False, id="run.pin",
            tooltip="Put the chart in front before the others, or back."),
    Binding("h", "chart('switch', 'hidden')", "hide", show=False, id="run.hide",
            tooltip="Hide the chart in front."),
    Binding("H", "chart('show_hidden')", "show hidden", show=False, id="run.show_hidden",
            tooltip="Show all charts that were hidden."),
    Binding("greater_than_sign", "chart('resize', 1)", "more charts", show=False, id="run.more",
            key_display=">", tooltip="Show more charts at once, up to 6x6."),
    Binding("less_than_sign", "chart('resize', -1)", "fewer charts", show=False, id="run.fewer",
            key_display="<", tooltip="Show fewer charts at once, down to one."),
    Binding("1,2,3,4,5,6,7,8,9", "count", "number", show=False, id="run.count",
            tooltip="Begin a number: 20 and an arrow move the cursor by 20 columns."),
    Binding("x", "curves('axis')", "x axis", id="run.axis",
            tooltip="Show steps, epochs, time, samples, or steps as powers of ten on the x axis."),
    Binding("X", "chart('across')", "own x axis", show=False, id="run.across",
            tooltip="Show a metric, as lr, or another axis along x of the chart in front alone."),
    Binding("o", "overlay", "overlay", id="run.overlay",
            tooltip="Draw the curves of other runs over these."),
    Binding("e", "steer('evaluate')", "evaluate", id="run.evaluate",
            tooltip="Evaluate on the validation set at the next step."),
    Binding("i", "see('inspect')", "inspect", id="run.inspect",
            tooltip="Show a cursor: its step and time, and all values there; 500 i: at step 500."),
    Binding("P", "steer('release')", "release", id="run.release",
            tooltip="Save a checkpoint and end the worker, so that all GPU memory is free."),
    Binding("L", "open('log')", "log", id="run.log",
            tooltip="Show what the worker writes to stdout and stderr."),
    Binding("C", "open('checkpoints')", "checkpoints", id="run.checkpoints",
            tooltip="List the checkpoints of this run."),
    Binding("T", "open('time')", "time", id="run.time",
            tooltip="Show where each step's time goes, why, and what to try."),
    Binding("M", "open('memory')", "memory", id="run.memory",
            tooltip="Show what fills the memory of each device, now and over time."),
    Binding("G", "open('machine')", "machine", show=False, priority=True,
            id="run.machine",
            tooltip="Show the GPUs and the host, who is on them, and how it was of late."),
    Binding("N", "open('layers')", "layers", show=False, id="run.layers",
            tooltip="Show what each layer gives, its gradient, weights and dead units."),
    Binding("S", "open('settings')", "settings", id="run.settings",
            tooltip="Show all settings, and which are not as in the preset."),
    Binding("A", "open('alerts')", "alerts", id="run.alerts",
            tooltip="List the alerts, what the curves show, and why the run failed."),
    Binding("plus,equals_sign", "see('zoom', 0.5)", "zoom in", show=False,
            id="run.zoom_in", key_display="+", tooltip="Show half as many steps."),
    Binding("minus", "see('zoom', 2.0)", "zoom out", show=False, id="run.zoom_out",
            key_display="-", tooltip="Show twice as many steps."),
    Binding("left", "curves('pan', -1)", "left", show=False, id="run.left",
            tooltip="Move the window, or the cursor, to the left."),
    Binding("right", "curves('pan', 1)", "right", show=False, id="run.right",
            tooltip="Move the window, or the cursor, to the right."),
    Binding("home", "see('edge', -1)", "begin", show=False, id="run.begin",
            tooltip="Move the window, or the cursor, to the first step."),
    Binding("end", "see('edge', 1)", "end", show=False, id="run.end",
            tooltip="Move the window, or the cursor, to the newest step."),
    Binding("pageup", "see('leap', -1)", "far left", show=False, id="run.far_left",
            tooltip="Move the window by its width, or the cursor by ten arrows, to the left."),
    Binding("pagedown", "see('leap', 1)", "far right", show=False, id="run.far_right",
            tooltip="Move the window by its width, or the cursor by ten arrows, to the right."),
    Binding("0", "curves('reset')", "whole run", show=False, id="run.reset",
            tooltip="Show the whole run again, and follow it."),
    Binding("tab", "next_panel", "next panel", show=False, id="run.tab",
            tooltip="Go to the next panel; where one chart fills the screen, to the next one."),
    Binding("right_square_bracket", "chart('page', 1)", "next charts", show=False, id="run.next",
            key_display="]", tooltip="Show the charts that did not fit."),
    Binding("left_square_bracket", "chart('page', -1)", "previous charts", show=False,
            id="run.previous", key_display="[", tooltip="Go back to the previous charts."),
    Binding("q,escape", "leave", "back", show=False, id="run.leave",
            tooltip="Leave the screen; the run continues."),
]  # fmt: skip

OWN_RUNS_ONLY = frozenset({
    "pause", "release", "resume", "stop", "checkpoint", "evaluate", "rate", "profile",
    "open('results')", "open('uses')", "open('checkpoints')", "open('log')", "open('time')",
    "open('memory')", "open('layers')",
})  # fmt: skip
"""Actions that need this program's own worker or what it left: a watched log has neither."""


_ASKED = {
    "open('results')": "model",
    "open('uses')": "model",
    **{name: name for name in ("pause", "release", "resume", "checkpoint", "evaluate", "rate")},
    "profile": "profile",
}
"""What an action asks of a script, as `ScriptFacts.refusal` knows it."""


def name_of(action: str) -> str:
    """Return what an action is called here: a command to the run by its name alone."""
    return action.removeprefix("steer('").removesuffix("')") if "steer" in action else action


def refusal_of(action: str, facts: RunFacts, run: RunDirectory) -> str:
    """Return why an action does nothing in a run, and what would let it; empty where it may.

    Args:
        action: by its name.
        facts: of the run.
        run: which one.
    """
    if action == "open('results')" and run.samples.is_dir():
        # Of a script or a log: its images and texts.
        return ""
    if facts.watched is not None and action in OWN_RUNS_ONLY:
        return facts.watched.refusal(run.id)
    if facts.script is not None and action in _ASKED:
        return facts.script.refusal(_ASKED[action])
    return ""


LIVE_ONLY = frozenset({"stop", "rate", "checkpoint", "evaluate", "release", "pause"})
"""Actions that need a supervisor that hears them."""


def why_not(action: str, snapshot: RunSnapshot) -> str:
    """Return why a key does nothing now; empty where it works."""
    state = snapshot.state.state if snapshot.state is not None else ""
    if action in LIVE_ONLY and not snapshot.live:
        return f"the run is {state or 'not read yet'}, and only a live one takes commands"
    if action == "profile" and not snapshot.live and not snapshot.profiles:
        return f"the run is {state or 'not read yet'}, and has no profiles"
    if action == "resume" and snapshot.live:
        return "the run is live; space goes on where it is paused"
    if action == "resume" and state in ("", "finished"):
        return (
            "the run is finished; `tuitrain resume RUN --set train.epochs=N` trains it for longer"
            if state
            else "the run is not read yet"
        )
    return ""


def binding_of(key: str) -> Binding | None:
    """Return what a key is bound to on this screen."""
    bindings = [each for each in BINDINGS if isinstance(each, Binding)]
    return next((each for each in bindings if key in each.key.split(",")), None)
