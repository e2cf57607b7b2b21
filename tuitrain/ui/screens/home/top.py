"""Home's top line: which machine this is, and how its runs are."""

from collections.abc import Iterable

from tuitrain.lang import tr
from tuitrain.runs.summary import RunSummary
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.format import sanitise
from tuitrain.view.machine.seen import MachineSeen
from tuitrain.view.runrows import count_line
from tuitrain.view.spans import Span, SpanLine


class HomeTop(TopLine):
    """The machine, its free GPUs, and counts of runs."""

    def __init__(self) -> None:
        super().__init__()
        self._machine = MachineSeen()
        self._counts: SpanLine = count_line(())

    def on_mount(self) -> None:
        """Show what is known at first."""
        self._show()

    def take_machine(self, machine: MachineSeen) -> None:
        """Show what was read of the machine."""
        self._machine = machine
        self._show()

    def take_runs(self, runs: Iterable[RunSummary]) -> None:
        """Count the runs."""
        self._counts = count_line(runs)
        self._show()

    def _show(self) -> None:
        machine = self._machine
        right = [Span(sanitise(machine.host), "strong")]
        if gpus := len(machine.gpus):
            free = len(machine.free)
            text = "{gpus} GPUs, {free} free" if gpus > 1 else "{gpus} GPU, {free} free"
            words = tr(text, gpus=gpus, free=free)
            right.append(Span(f"   {words}", "good" if free else "alert"))
        right += [Span(f"   {tr('runs: ')}", "quiet"), *self._counts, Span(" ")]
        self.show_parts((Span(" tuitrain", "title"),), tuple(right))
