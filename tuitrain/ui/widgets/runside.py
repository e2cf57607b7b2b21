"""The right column of a run: its devices, speed and settings, and where a step's time goes.

Knows what a snapshot says; nothing of curves or of keys.
"""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Click

from tuitrain.analysis.ranks import rank_times, slowest_rank, verdict
from tuitrain.analysis.step_time import step_context, step_time
from tuitrain.lang import tr
from tuitrain.ui.feeds.snapshot import RunSnapshot, devices_of
from tuitrain.ui.widgets.panel import TextPanel
from tuitrain.units import count
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import metric_value, pad, shorten
from tuitrain.view.run import runtext, sidetext, timetext
from tuitrain.view.spans import Span, SpanLine

_DEVICE_ROWS = 10
"""One GPU in full, or four in two lines each, with the host below."""
_SPEED_LABEL = 8


class RunSide(Vertical):
    """Devices above the parts of a step."""

    DEFAULT_CSS = "RunSide #steptime { display: none; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._devices = TextPanel(tr("devices"), id="devices")
        self._step = TextPanel(tr("step"), id="steptime")

    def compose(self) -> ComposeResult:
        """Show both panels."""
        yield self._devices
        yield self._step

    async def on_click(self, event: Click) -> None:
        """Show more of what is clicked: the memory of the devices, or where time goes."""
        clicked = event.widget
        for panel, screen in ((self._devices, "memory"), (self._step, "time")):
            if clicked is panel:
                await self.app.run_action(f"screen.open({screen!r})")

    def show_snapshot(self, snapshot: RunSnapshot, look: TerminalStyle) -> None:
        """Show what was read of the run."""
        panel, width = self._devices, max(1, self._devices.size.width)
        devices = devices_of(snapshot)
        # About half of the rows, for what stands below them.
        rows = max(_DEVICE_ROWS, panel.body_height // 2)
        body = sidetext.side_lines(devices, width, rows, look)
        body += [(), *_speed_lines(snapshot, width)]
        body += [(), *runtext.setting_lines(snapshot.config, width)]
        panel.show_panel(shorten(sidetext.side_title(devices), width - 4), (), body)
        self._show_step_time(snapshot, look)

    def _show_step_time(self, snapshot: RunSnapshot, look: TerminalStyle) -> None:
        """Show where a step's time goes; nothing before it was measured."""
        panel = self._step
        time = step_time(snapshot.split, snapshot.speed)
        panel.display = time is not None
        if time is None:
            return
        context = step_context(snapshot.config, snapshot.facts, snapshot.samples)
        width = max(1, self.size.width)
        bottleneck = verdict(snapshot.split, time, context)
        ranks = rank_times(snapshot.split, context.hosts)
        slow = slowest_rank(snapshot.split, time, context.hosts)
        body = timetext.side_lines(time, bottleneck, width, look, ranks, slow)
        panel.styles.height = len(body) + 1
        panel.show_panel(timetext.side_title(time), (), body)


def _speed_lines(snapshot: RunSnapshot, width: int) -> list[SpanLine]:
    lr = snapshot.metrics.get("lr")
    values = runtext.speed_values(snapshot.speed)
    if lr is not None:
        values["lr"] = metric_value(lr.last)
    if snapshot.parameters:
        whole = f"{snapshot.parameters:,}"
        fits = len(whole) <= width - _SPEED_LABEL
        values[tr("params")] = whole if fits else count(snapshot.parameters)
    return [
        (Span(pad(label, _SPEED_LABEL), "quiet"), Span(value)) for label, value in values.items()
    ]
