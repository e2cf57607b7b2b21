"""Several machines in lines: a header each, with its GPUs, runs and processes below it.

Pure functions of what is known of the machines.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tuitrain import units
from tuitrain.lang import tr
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import sanitise
from tuitrain.view.machine.seen import MachineSeen
from tuitrain.view.machine.sheet import machine_sheet
from tuitrain.view.run.runtext import rule
from tuitrain.view.spans import Span, SpanLine, wrap_plain


@dataclass(frozen=True, slots=True)
class HostSeen:
    """A host as it was when it last answered."""

    name: str
    seen: MachineSeen = field(default_factory=MachineSeen)
    fault: str = ""
    """Why it does not answer; empty: it does."""
    silent_s: float | None = None
    """For how long it has not answered; None: it never has."""

    @property
    def is_known(self) -> bool:
        """Whether it has ever said how it is."""
        return bool(self.seen.time)


def machines_sheet(
    here: MachineSeen,
    hosts: Sequence[HostSeen],
    width: int,
    height: int,
    look: TerminalStyle,
    this_run: str = "",
) -> list[SpanLine]:
    """Return this machine and the hosts beside it in lines; this one alone where there are none.

    Args:
        here: this machine.
        hosts: the others, in the order in which they were named.
        width: in cells.
        height: rows in sight.
        look: what the terminal can show.
        this_run: the id of the run that one comes from; empty: none.
    """
    if not hosts:
        return machine_sheet(here, width, height, look, this_run)
    lines: list[SpanLine] = []
    for host in (HostSeen(here.host, here), *hosts):
        lines.append(_head(host, width, look))
        lines += _below(host, width, look, this_run)
    return lines


def _below(host: HostSeen, width: int, look: TerminalStyle, this_run: str) -> list[SpanLine]:
    """Return what is below a host's header, in grey where it is of old."""
    lines: list[SpanLine] = []
    if host.is_known:
        lines = machine_sheet(host.seen, width, 0, look, this_run, brief=True)
    if not host.fault:
        return lines
    grey = [tuple(span._replace(style="quiet") for span in line) for line in lines]
    return [*wrap_plain(host.fault, width, "bad"), *grey]


def _head(host: HostSeen, width: int, look: TerminalStyle) -> SpanLine:
    said = _standing(host) if host.fault else gpu_count(host.seen)
    dash = "=" if look.ascii else "━"
    return rule(sanitise(host.name), said, width, focused=False, dash=dash)


def _standing(host: HostSeen) -> SpanLine:
    if host.silent_s is None:
        return (Span(tr("no answer"), "bad"),)
    return (Span(tr("no answer for {silent_s}", silent_s=units.duration(host.silent_s)), "bad"),)


def gpu_count(seen: MachineSeen) -> SpanLine:
    """Return how many GPUs a machine has, and how many of them are free."""
    gpus, free = len(seen.gpus), len(seen.free)
    if not seen.time:
        return (Span(tr("asked"), "quiet"),)
    if not gpus:
        return (Span(tr("no GPU"), "quiet"),)
    return (
        Span(
            tr(
                "{gpus} GPU, {free} free" if gpus == 1 else "{gpus} GPUs, {free} free",
                gpus=gpus,
                free=free,
            ),
            "good" if free else "alert",
        ),
    )
