"""Runs as a list shows them: their order, what they are called, and words for single facts.

Pure functions from summaries to words; knows nothing of columns, screens or of how runs are read.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tuitrain.lang import tr
from tuitrain.runs.directory import STAMP_LENGTH, host_of
from tuitrain.runs.summary import RunSummary
from tuitrain.runs.table.values import RunValues
from tuitrain.units import NOTHING, count
from tuitrain.view.format import display_width, metric_value, sanitise, shorten
from tuitrain.view.spans import Span, SpanLine

ATTENTION_S = 3 * 86400.0
"""A run that failed or was lost stays on top for so long; later it has its place by age."""

ACTIVE = frozenset({"queued", "starting", "running", "paused"})
LIVE = frozenset({"queued", "starting", "running"})
TROUBLE = frozenset({"failed", "lost", "damaged", "newer", "unreadable"})
AWAY = "away"
"""The state of a run whose machine does not answer: what is shown of it is old."""
_SHORT_METRICS = {"accuracy": "acc"}
_MOST_BEST = 20
"""A metric's name gives way to this; its value never does."""
_MOST_NAME, _MOST_DEVICE, _MOST_HOST = 44, 12, 16
_LONG_EPOCHS = 10_000
"""From here on epochs are counted in thousands."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """What a row shows of a run beside its summary."""

    run: RunSummary
    marked: bool = False
    curve: tuple[float, ...] = ()
    """The metric that decides which checkpoint is best, or the loss, left to right."""
    values: RunValues | None = None
    """Settings and metrics, for columns of choice."""
    called: str = ""
    """What it is called where another run has the same name."""
    indent: int = 0
    """Cells before its name, where it stands below the groups of a tree."""

    @property
    def name(self) -> str:
        """What tells the run from others."""
        return self.called or self.run.name


@dataclass(frozen=True, slots=True)
class Needs:
    """How many cells the longest words of each column take that has words of any length."""

    name: int = 0
    epoch: int = 0
    best: int = 0
    device: int = 0
    host: int = 0
    """0: all runs are of this machine."""
    values: tuple[tuple[str, int], ...] = ()
    """Of settings and metrics that are shown, by key."""

    def of(self, key: str) -> int:
        """Return the cells that a column needs to show all of its words."""
        if key in ("name", "epoch", "best", "device", "host"):
            return int(getattr(self, key))
        return dict(self.values).get(key, 0)


class NeedsOfRuns:
    """Measures the words of many runs; those of a run that is the same object as before once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[RunSummary, Needs]] = {}

    def measure(self, runs: Iterable[RunSummary], called: Mapping[str, str] | None = None) -> Needs:
        """Return what the columns need so that no word of these runs is cut.

        Args:
            runs: all of the list.
            called: what runs are called, by path, whose name others have too.
        """
        own = max(map(display_width, (called or {}).values()), default=0)
        before, self._known = self._known, {}
        for run in runs:
            known = before.get(run.path)
            self._known[run.path] = known if known and known[0] is run else (run, _needs(run))
        each = [needs for _run, needs in self._known.values()] or [Needs()]
        return Needs(
            max(min(own, _MOST_NAME), *(needs.name for needs in each), 0),
            max(needs.epoch for needs in each),
            max(needs.best for needs in each),
            max(needs.device for needs in each),
            max(needs.host for needs in each),
        )


def _needs(run: RunSummary) -> Needs:
    words = (sanitise(run.name), epoch_words(run), best_words(run), sanitise(run.device))
    name, epoch, best, device = map(display_width, words)
    host = display_width(sanitise(host_of(run.path)))
    return Needs(
        min(name, _MOST_NAME), epoch, best, min(device, _MOST_DEVICE), min(host, _MOST_HOST)
    )


def names_of_own(runs: Sequence[RunSummary]) -> dict[str, str]:
    """Return what runs are called, by path, whose name others have too.

    It is the id without the minute it begins with, or all of it where that is no better.
    """
    names = Counter(run.name for run in runs)
    repeated = [run for run in runs if names[run.name] > 1]
    ends = Counter(_end_of_id(run) for run in repeated)
    return {run.path: run.id if ends[_end_of_id(run)] > 1 else _end_of_id(run) for run in repeated}


def _end_of_id(run: RunSummary) -> str:
    return run.id[STAMP_LENGTH:] or run.id


def needs_attention(run: RunSummary, now: float) -> bool:
    """Return whether a run went wrong of late."""
    return run.state in TROUBLE and now - (run.ended or run.created) < ATTENTION_S


def in_order(runs: Iterable[RunSummary], now: float) -> list[RunSummary]:
    """Return runs as the list shows them: trouble of late, then what is active, then by age."""
    return sorted(runs, key=lambda run: (_group(run, now), -run.created, run.id))


def _group(run: RunSummary, now: float) -> int:
    if needs_attention(run, now):
        return 0
    return 1 if run.state in ACTIVE else 2


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
    parts = [Span(tr("{n} live", n=live), "live" if live else "quiet")]
    parts += [Span(tr("{n} paused", n=paused))] if paused else []
    parts += [Span(tr("{n} failed or lost", n=wrong), "bad")] if wrong else []
    parts += [Span(tr("{n} done", n=done), "quiet")] if done else []
    commas = [Span(tr(", "), "quiet")] * len(parts)
    return tuple(span for pair in zip(commas, parts, strict=True) for span in pair)[1:]


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
