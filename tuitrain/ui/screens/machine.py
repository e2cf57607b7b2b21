"""The machine: every GPU, the host, and which runs and people are on them, now and of late.

Draws what the app's machine feed delivers, and what hosts say that runs are listed of; reads
nothing itself.
"""

import time
from collections.abc import Callable

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen

from tuitrain.lang import tr
from tuitrain.remote.registry import Hosts
from tuitrain.ui.feeds.delivery import brought_to
from tuitrain.ui.feeds.machines import HostMachineFollower
from tuitrain.ui.shell import app_of
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.reader import Reader
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.units import rough_time
from tuitrain.view.format import sanitise
from tuitrain.view.machine.machines import HostSeen, gpu_count, machines_sheet
from tuitrain.view.machine.seen import MachineSeen
from tuitrain.view.spans import Span, SpanLine, line_width


class MachineScreen(Whole, Screen[None]):
    """GPUs, host, runs and processes."""

    DEFAULT_CSS = "MachineScreen #sheet { height: 1fr; padding: 0 1; }"
    BINDINGS = [
        Binding("q,escape", "back", "back", id="machine.back",
                tooltip="Go back; readings go on, so the last minutes are there next time."),
    ]  # fmt: skip

    def __init__(self, hosts: Hosts, this_run: str = "") -> None:
        """Show the machine and hosts; `this_run` is the run that one comes from, if any."""
        super().__init__()
        self._this_run = this_run
        self._seen = MachineSeen()
        self._stop: Callable[[], None] = lambda: None
        self._hosts = {each.host.name: HostSeen(each.host.name) for each in hosts.connections}
        take = brought_to(self, self._take_host)
        self._followers = [HostMachineFollower(each, take) for each in hosts.connections]

    def compose(self) -> ComposeResult:
        """Show one text that is scrolled."""
        yield TopLine()
        yield Reader(id="sheet")
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to listen."""
        self.query_one(Reader).focus()
        self._stop = app_of(self).machine.listen(brought_to(self, self._take), runs=True)
        for follower in self._followers:
            follower.start()

    def on_unmount(self) -> None:
        """Listen no more."""
        self._stop()
        for follower in self._followers:
            follower.close()

    def _take_host(self, host: HostSeen) -> None:
        self._hosts[host.name] = host
        if self.is_current:
            self._show()

    def _take(self, seen: MachineSeen) -> None:
        self._seen = seen
        # A screen below another one that changes makes Textual paint all of the upper one.
        if self.is_current:
            self._show()

    def on_screen_resume(self) -> None:
        """Show what was read meanwhile."""
        self._show()

    def on_resize(self) -> None:
        """Arrange everything in the room there is now."""
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        reader = self.query_one(Reader)
        width, height = reader.content_size
        if not width:
            return
        self.query_one(TopLine).show_parts(*self._top())
        look = app_of(self).look
        hosts = tuple(self._hosts.values())
        lines = machines_sheet(self._seen, hosts, width, height, look, self._this_run)
        reader.show_lines(lines)

    def _top(self) -> tuple[SpanLine, SpanLine]:
        seen = self._seen
        left = [Span(tr(" machine "), "quiet"), Span(sanitise(seen.host), "title")]
        if self._hosts:
            left = [Span(tr(" machines "), "quiet"), *self._total()]
        elif seen.gpus:
            left += [Span("  "), *gpu_count(seen)]
        span = rough_time(seen.history.most * seen.history.period_s)
        clock = time.strftime("%H:%M:%S ", time.localtime(seen.time)) if seen.time else ""
        right: SpanLine = (Span(clock, "quiet"),)
        driver = sanitise(str(seen.facts.get("driver") or ""))
        more = (Span(tr("  driver {driver}", driver=driver), "quiet"),) if driver else ()
        of_late = (Span(tr("  strips: {span}  ", span=span), "quiet"),)
        # What does not fit is left out whole.
        if line_width((*left, *more, *of_late, *right)) < self.size.width:
            return (*left, *more), (*of_late, *right)
        return tuple(left), right

    def _total(self) -> SpanLine:
        """Return how many machines there are, and the GPUs of those that answer."""
        answering = [self._seen, *(each.seen for each in self._hosts.values() if not each.fault)]
        gpus, free = (sum(map(len, each)) for each in zip(
            *((seen.gpus, seen.free) for seen in answering), strict=True
        ))  # fmt: skip
        words = "  " + tr(
            "{gpus} GPU, {free} free" if gpus == 1 else "{gpus} GPUs, {free} free",
            gpus=gpus,
            free=free,
        )
        style = ("good" if free else "alert") if gpus else "quiet"
        return (Span(str(1 + len(self._hosts)), "title"), Span(words, style))

    def action_back(self) -> None:
        """Leave."""
        self.dismiss()
