"""The thread that reads a run's log: the end as it grows, other parts and searches when asked.

Hands on frozen windows of lines; knows nothing of widgets.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tuitrain.remote.registry import may_log, open_log
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.log import LogPart
from tuitrain.ui.feeds.run import RUN_LOOK_S, Follower
from tuitrain.view.logtext import byte_pattern, harmless

BLOCK_BYTES = 1 << 17
"""Read at a time when scrolling: about two thousand lines."""
WINDOW_BYTES = 1 << 20
"""Held at the most: the interface's memory does not grow with the log."""


@dataclass(frozen=True, slots=True)
class LogWindow:
    """The part of a log that is in memory."""

    starts: tuple[int, ...] = ()
    """Where each line begins in the file."""
    texts: tuple[str, ...] = ()
    start: int = 0
    end: int = 0
    """Where reading goes on."""
    seen: int = 0
    size: int = 0

    @property
    def at_end(self) -> bool:
        """Whether the last line of the file is here."""
        return self.seen >= self.size

    def line_at(self, place: int) -> int:
        """Return the number of the line that begins at `place`, or of the next."""
        return bisect_left(self.starts, place)


@dataclass(frozen=True, slots=True)
class LogSnapshot:
    """What the screen knows of the log."""

    window: LogWindow = field(default_factory=LogWindow)
    live: bool = False
    """Somebody may still write to it."""
    error: str = ""
    found: int | None = None
    """Where the line begins that was searched for."""
    answer: int = 0
    """The number of the search that this answers, found or not; 0: no search."""


@dataclass(frozen=True, slots=True)
class Search:
    """Look for a line."""

    needle: str
    place: int
    """From the line that begins here on; or before it."""
    forward: bool
    number: int
    otherwise_back: bool = False
    """Look the other way too, when there is nothing this way."""


class LogFollower(Follower):
    """Follows one run's log."""

    def __init__(
        self,
        directory: RunDirectory,
        deliver: Callable[[LogSnapshot], None],
        period_s: float = RUN_LOOK_S,
    ) -> None:
        super().__init__(period_s)
        self._directory = directory
        self._deliver = deliver
        self._file = open_log(directory)
        self._window: LogWindow | None = None
        self._shown: LogSnapshot | None = None
        self._wanted: Callable[[], LogSnapshot | None] | None = None
        self.following = True
        """Whether the screen shows the end, set by it: then lines far above may be dropped."""

    def ask_tail(self) -> None:
        """Read the last lines."""
        self._ask(lambda: self._load(self._file.tail(BLOCK_BYTES)))

    def ask_head(self) -> None:
        """Read the first lines."""
        self._ask(lambda: self._load(self._file.after(0, BLOCK_BYTES)))

    def ask_before(self) -> None:
        """Read more above what is in memory."""
        self._ask(self._extend_up)

    def ask_after(self) -> None:
        """Read more below what is in memory."""
        self._ask(self._extend_down)

    def ask_search(self, search: Search) -> None:
        """Look for a line; the snapshot that answers holds its surroundings."""
        self._ask(lambda: self._search(search))

    def _ask(self, job: Callable[[], LogSnapshot | None]) -> None:
        self._wanted = job
        self.wake()

    def poll(self) -> None:
        """Do what was asked for, else read what was added to the end."""
        job, self._wanted = self._wanted, None
        try:
            # Asked before the file is read: what was written last, before the end, is shown too.
            live = may_log(self._directory, self._file)
            snapshot = job() if job else self._grow()
            if snapshot is None:
                return
            snapshot = replace(snapshot, live=live)
        except OSError as error:
            snapshot = LogSnapshot(error=f"{self._directory.log_path} can't be read: {error}")
        if snapshot != self._shown and not self.closed:
            self._shown = snapshot
            self._deliver(snapshot)

    def _grow(self) -> LogSnapshot:
        window = self._window
        if window is None or self._file.size() < window.size:
            return self._load(self._file.tail(BLOCK_BYTES))
        if not self._file.size() > window.size:
            return LogSnapshot(window)
        full = window.seen - window.start > WINDOW_BYTES
        if window.at_end and (self.following or not full):
            if self.following and self._file.size() - window.seen > BLOCK_BYTES:
                return self._load(self._file.tail(BLOCK_BYTES))
            return self._extend_down()
        return self._keep(replace(window, size=self._file.size()))

    def _extend_down(self) -> LogSnapshot:
        window = self._window or LogWindow()
        whole = window.line_at(window.end)
        added = _window(self._file.after(window.end, BLOCK_BYTES))
        joined = replace(
            added,
            starts=window.starts[:whole] + added.starts,
            texts=window.texts[:whole] + added.texts,
            start=window.start,
        )
        return self._keep(_without_top(joined))

    def _extend_up(self) -> LogSnapshot:
        window = self._window or LogWindow()
        added = _window(self._file.before(window.start, BLOCK_BYTES))
        joined = replace(
            window,
            starts=added.starts + window.starts,
            texts=added.texts + window.texts,
            start=added.start,
        )
        return self._keep(_without_bottom(joined))

    def _search(self, search: Search) -> LogSnapshot:
        window = self._window or LogWindow()
        found = self._find(search, search.forward)
        if found is None and search.otherwise_back:
            found = self._find(search, not search.forward)
        if found is None and self._given_up():
            return LogSnapshot(window)
        if found is not None and found not in window.starts:
            window = _window(self._file.around(found, BLOCK_BYTES))
        return replace(self._keep(window), found=found, answer=search.number)

    def _find(self, search: Search, forward: bool) -> int | None:
        pattern = byte_pattern(search.needle)
        return self._file.find(pattern, search.place, forward=forward, stop=self._given_up)

    def _given_up(self) -> bool:
        return self.closed or self._wanted is not None

    def _load(self, part: LogPart) -> LogSnapshot:
        return self._keep(_window(part))

    def _keep(self, window: LogWindow) -> LogSnapshot:
        self._window = window
        return LogSnapshot(window)


def _window(part: LogPart) -> LogWindow:
    return LogWindow(
        tuple(start for start, _ in part.lines),
        tuple(harmless(line) for _, line in part.lines),
        part.start,
        part.end,
        part.seen,
        part.size,
    )


def _without_top(window: LogWindow) -> LogWindow:
    """Drop the first lines of a window that is too long."""
    if window.seen - window.start <= WINDOW_BYTES:
        return window
    kept = window.line_at(window.seen - WINDOW_BYTES // 2)
    starts = window.starts[kept:]
    return replace(
        window, starts=starts, texts=window.texts[kept:], start=starts[0] if starts else window.end
    )


def _without_bottom(window: LogWindow) -> LogWindow:
    """Drop the last lines of a window that is too long."""
    if window.seen - window.start <= WINDOW_BYTES:
        return window
    kept = window.line_at(window.start + WINDOW_BYTES // 2)
    end = window.starts[kept] if kept < len(window.starts) else window.end
    return replace(
        window, starts=window.starts[:kept], texts=window.texts[:kept], end=end, seen=end
    )
