"""Runs as rows of a list: their order, their columns at a width, and one line a run.

Pure functions from summaries to spans; knows nothing of screens or of how runs are read.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tuitrain.runs.summary import RunSummary
from tuitrain.units import NOTHING, age, count, duration, progress
from tuitrain.view.bars import progress_bar
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.chart.spark import sparkline
from tuitrain.view.format import display_width, metric_value, sanitise, shorten
from tuitrain.view.spans import Span, SpanLine, fit_line

ATTENTION_S = 3 * 86400.0
"""A run that failed or was lost stays on top for so long; later it has its place by age."""

ACTIVE = frozenset({"queued", "starting", "running", "paused"})
LIVE = frozenset({"queued", "starting", "running"})
TROUBLE = frozenset({"failed", "lost", "damaged", "newer", "unreadable"})
_STATE_STYLES = {
    "starting": "live",
    "running": "live",
    "paused": "alert",
    "finished": "good",
    **dict.fromkeys(TROUBLE, "bad"),
}
_MARK_WIDTH = 2
_SHORT_METRICS = {"accuracy": "acc"}
_MOST_BEST = 20
"""A metric's name gives way to this; its value never does."""
_MOST_NAME, _MOST_DEVICE = 44, 12
_LONG_EPOCHS = 10_000
"""From here on epochs are counted in thousands."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """What a row shows of a run beside its summary."""

    run: RunSummary
    marked: bool = False
    curve: tuple[float, ...] = ()
    """The metric that decides which checkpoint is best, or the loss, left to right."""


@dataclass(frozen=True, slots=True)
class _Column:
    heading: str
    width: int
    draw: Callable[[RunRow, float, int, TerminalStyle], str]
    rank: int
    """Which columns come first where not all fit."""
    style: str = ""
    middle: bool = True
    """Gives way to the reason of a run that failed or was lost."""
    right: bool = False

    def head(self, size: int) -> str:
        """Return the heading over a column of `size` cells."""
        return self.heading.rjust(size) if self.right else self.heading.ljust(size)


@dataclass(frozen=True, slots=True)
class Needs:
    """How many cells the longest words of each column take that has words of any length."""

    name: int = 0
    epoch: int = 0
    best: int = 0
    device: int = 0

    def of(self, column: _Column) -> int:
        """Return the cells that a column needs to show all of its words and its heading."""
        return max(column.width, int(getattr(self, column.heading, 0)))


class NeedsOfRuns:
    """Measures the words of many runs; those of a run that is the same object as before once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[RunSummary, Needs]] = {}

    def measure(self, runs: Iterable[RunSummary]) -> Needs:
        """Return what the columns need so that no word of these runs is cut."""
        before, self._known = self._known, {}
        for run in runs:
            known = before.get(run.path)
            self._known[run.path] = known if known and known[0] is run else (run, _needs(run))
        each = [needs for _run, needs in self._known.values()] or [Needs()]
        return Needs(
            max(needs.name for needs in each),
            max(needs.epoch for needs in each),
            max(needs.best for needs in each),
            max(needs.device for needs in each),
        )


def _needs(run: RunSummary) -> Needs:
    words = (sanitise(run.name), epoch_words(run), best_words(run), sanitise(run.device))
    name, epoch, best, device = map(display_width, words)
    return Needs(min(name, _MOST_NAME), epoch, best, min(device, _MOST_DEVICE))


def in_order(runs: Iterable[RunSummary], now: float) -> list[RunSummary]:
    """Return runs as the list shows them: trouble of late, then what is active, then by age."""
    return sorted(runs, key=lambda run: (_group(run, now), -run.created, run.id))


def _group(run: RunSummary, now: float) -> int:
    if run.state in TROUBLE and now - (run.ended or run.created) < ATTENTION_S:
        return 0
    return 1 if run.state in ACTIVE else 2


def matches(run: RunSummary, text: str) -> bool:
    """Say whether every word of `text` occurs in the run's id, name, preset or state."""
    said = f"{run.id} {run.name} {run.preset} {run.state}".lower()
    return all(word in said for word in text.lower().split())


def count_line(runs: Iterable[RunSummary]) -> SpanLine:
    """Return how many runs live, are paused, went wrong and are done."""
    live = paused = wrong = done = 0
    for run in runs:
        if run.state in LIVE:
            live += 1
        elif run.state == "paused":
            paused += 1
        elif run.state in TROUBLE:
            wrong += 1
        else:
            done += 1
    parts = [Span(f"{live} live", "live" if live else "quiet")]
    parts += [Span(f"{paused} paused")] if paused else []
    parts += [Span(f"{wrong} failed or lost", "bad")] if wrong else []
    parts += [Span(f"{done} done", "quiet")] if done else []
    commas = [Span(", ", "quiet")] * len(parts)
    return tuple(span for pair in zip(commas, parts, strict=True) for span in pair)[1:]


def run_heading(width: int, needs: Needs) -> SpanLine:
    """Return the names of the columns that a list of this width has."""
    cells = [column.head(size) for column, size in _columns(width, needs)]
    return fit_line((Span(" " * _MARK_WIDTH + " ".join(cells), "quiet"),), width)


def run_line(row: RunRow, width: int, now: float, look: TerminalStyle, needs: Needs) -> SpanLine:
    """Return a run as one line of exactly `width` cells.

    Args:
        row: the run.
        width: of the list.
        now: seconds since the epoch.
        look: what the terminal can show.
        needs: of all runs in the list, so that columns stand below each other.
    """
    spans = [Span("* " if row.marked else "  ", "key")]
    reason = sanitise(row.run.reason) if row.run.state in TROUBLE else ""
    columns = _columns(width, needs)
    if reason:
        spans += _with_reason(row, columns, now, look, reason)
    else:
        for column, size in columns:
            spans += _cell(row, column, size, now, look)
    return fit_line(tuple(spans), width)


def _with_reason(
    row: RunRow,
    columns: Sequence[tuple[_Column, int]],
    now: float,
    look: TerminalStyle,
    reason: str,
) -> list[Span]:
    """Put the reason into the room of all columns that it makes meaningless."""
    room = sum(size + 1 for column, size in columns if column.middle) - 1
    spans: list[Span] = []
    for column, size in columns:
        if not column.middle:
            spans += _cell(row, column, size, now, look)
        elif room > 0:
            spans += [Span(_pad(shorten(reason, room), room), "bad"), Span(" ")]
            room = 0
    return spans


def _cell(row: RunRow, column: _Column, size: int, now: float, look: TerminalStyle) -> list[Span]:
    text = column.draw(row, now, size, look)
    style = _STATE_STYLES.get(row.run.state, "quiet") if column.heading == "state" else column.style
    return [Span(_pad(shorten(text, size), size), style), Span(" ")]


def _pad(text: str, width: int) -> str:
    return text + " " * (width - display_width(text))


def epoch_words(run: RunSummary) -> str:
    """Return the epoch under way and how many there will be, as far as it is known."""
    if run.step <= 0 or run.epoch <= 0:
        return NOTHING
    over = run.state not in ACTIVE
    at = math.floor(run.epoch + 1e-6) if over else math.ceil(run.epoch - 1e-6)
    if not run.total_steps:
        return _epochs(at)
    # A limit of steps may end a run within its last epoch.
    total = math.ceil(run.total_steps * run.epoch / run.step - 0.01)
    return f"{_epochs(at)}/{_epochs(max(total, at))}"


def _epochs(number: int) -> str:
    return str(number) if number < _LONG_EPOCHS else count(number)


def best_words(run: RunSummary) -> str:
    """Return the best metric with a short name."""
    if run.best_metric is None:
        return NOTHING
    last, value = run.best_metric.rpartition("/")[2], metric_value(run.best_value)
    name = sanitise(_SHORT_METRICS.get(last, last))
    return f"{shorten(name, _MOST_BEST - 1 - len(value))} {value}"


def _draw_name(row: RunRow, now: float, width: int, look: TerminalStyle) -> str:
    del now, look
    name = sanitise(row.run.name)
    if display_width(name) <= width:
        return name
    # The end of a name tells runs of one preset apart.
    tail = name[-max(1, width // 3) :]
    return f"{name[: max(1, width - len(tail) - 2)]}..{tail}"


def _draw_progress(row: RunRow, now: float, width: int, look: TerminalStyle) -> str:
    del now
    run = row.run
    if not run.total_steps:
        return " " * width
    return progress_bar(run.step / run.total_steps, width, look)


def _draw_percent(row: RunRow, now: float, width: int, look: TerminalStyle) -> str:
    del now, look
    return progress(row.run.step, row.run.total_steps).rjust(width)


def _draw_curve(row: RunRow, now: float, width: int, look: TerminalStyle) -> str:
    del now
    return sparkline(row.curve, width, look) if row.curve else ""


def _draw_duration(row: RunRow, now: float, width: int, look: TerminalStyle) -> str:
    del now, look
    text = duration(row.run.duration_s) if row.run.started is not None else NOTHING
    return text.rjust(width)


def _draw_age(row: RunRow, now: float, width: int, look: TerminalStyle) -> str:
    del look
    return age(max(0.0, now - row.run.created)).rjust(width)


def _state_words(row: RunRow, now: float, width: int, look: TerminalStyle) -> str:
    del now, width, look
    return sanitise(row.run.state)


_NAME = _Column("run", 14, _draw_name, 3, style="title", middle=False)
_PROGRESS = _Column("", 6, _draw_progress, 6, style="live")
_BEST = _Column("best", 11, lambda row, *_: best_words(row.run), 2)
_CURVE = _Column("curve", 8, _draw_curve, 5, style="line0")
_LATER = (
    _Column("state", 8, _state_words, 0, middle=False),
    _PROGRESS,
    _Column("done", 4, _draw_percent, 1),
    _Column("epoch", 5, lambda row, *_: epoch_words(row.run), 7),
    _BEST,
    _CURVE,
    _Column("device", 6, lambda row, *_: sanitise(row.run.device) or NOTHING, 9, middle=False),
    _Column("duration", 8, _draw_duration, 8, middle=False, style="quiet", right=True),
    # "59 min ago" is the longest age.
    _Column("age", 10, _draw_age, 4, middle=False, style="quiet", right=True),
)
_BY_RANK = sorted((_NAME, *_LATER), key=lambda column: column.rank)
_GROWTH = ((_CURVE, 24), (_PROGRESS, 16), (_CURVE, 48))
"""Who gets what is left of the width, and up to how much."""


@lru_cache(maxsize=64)
def _columns(width: int, needs: Needs) -> tuple[tuple[_Column, int], ...]:
    """Return the columns that fit whole, each with its width: what does not fit is left out."""
    room = width - _MARK_WIDTH - _NAME.width
    sizes = {_NAME: _NAME.width}
    for column in _BY_RANK:
        if column is _NAME:
            # Cut names tell runs apart too: they are whole only after what matters more is there.
            more = max(0, min(room, needs.name - _NAME.width))
            sizes[_NAME] += more
            room -= more
            continue
        if needs.of(column) < room:
            sizes[column] = needs.of(column)
            room -= sizes[column] + 1
    for column, most in _GROWTH:
        more = min(room, most - sizes.get(column, most))
        if more > 0:
            sizes[column] += more
            room -= more
    if _CURVE not in sizes and _BEST in sizes:
        # For the reasons of runs that failed, which stand there.
        sizes[_BEST] += room
    return tuple((column, sizes[column]) for column in (_NAME, *_LATER) if column in sizes)
