"""The thread that reads what the memory screen shows: the run, readings over time, their peak.

It never waits for the screen, and opens the record for reading alone.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.series import Series
from tuitrain.ui.feeds.run import RecordFollower, read_snapshot
from tuitrain.ui.feeds.snapshot import Request, RunSnapshot, devices_of
from tuitrain.view.chart.scale import Window, roomy_end
from tuitrain.view.memory.bar import title_text
from tuitrain.view.memory.chart import Curve, Drawn, Peak, Story, curves_of, peak_curves

_PEAK_COLUMNS = 512
_WORDS = Request(metrics=(), times=False)
_NO_WINDOW, _NO_STORY = Window(0.0, 1.0), Story()


@dataclass(frozen=True, slots=True)
class MemoryRequest:
    """What the screen wants read."""

    device: int = 0
    """Which of the devices, counted from the one that is trained on; any number."""
    window: Window | None = None
    """In seconds since the epoch; None: all of the run."""
    columns: int = 80


@dataclass(frozen=True, slots=True)
class MemorySnapshot:
    """The memory of a run's devices at one moment."""

    run: RunSnapshot
    prefix: str = "host"
    """The device whose readings these are."""
    title: str = ""
    devices: int = 1
    begun: float = 0.0
    whole: Window = _NO_WINDOW
    window: Window = _NO_WINDOW
    """The part that was read, in seconds since the epoch."""
    drawn: tuple[Drawn, ...] = ()
    peak: Peak | None = None
    story: Story = _NO_STORY


class MemoryFollower(RecordFollower[MemoryRequest, MemorySnapshot]):
    """Follows the memory of one run."""

    def __init__(
        self,
        directory: RunDirectory,
        deliver: Callable[[MemorySnapshot], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(directory, deliver, MemoryRequest())
        self._clock = clock

    def read(self, reader: RunReader, request: MemoryRequest) -> MemorySnapshot:
        """Read the run and the readings of one device."""
        return read_memory(reader, request, self._clock())

    def fail(self, reason: str) -> MemorySnapshot:
        """Show why nothing else is shown."""
        return MemorySnapshot(RunSnapshot(self._directory.id, error=reason))


def read_memory(reader: RunReader, request: MemoryRequest, now: float) -> MemorySnapshot:
    """Read what the memory screen shows.

    Args:
        reader: of the run.
        request: what the screen asks for.
        now: seconds since the epoch: how far a live run has come.

    Raises:
        RecordError: the database can't be read.
    """
    run = read_snapshot(reader, _WORDS)
    devices = devices_of(run)
    bars = devices.bars()
    prefixes = [bar.prefix for bar in bars] or ["host"]
    place = request.device % len(prefixes)
    prefix = prefixes[place]
    whole = _extent(reader, run, now)
    window = request.window.clamp(whole) if request.window else whole
    first, last = int(window.first), max(int(window.first) + 1, round(window.last))

    def read(name: str) -> Series:
        return reader.readings.sample_series(name, first, last, request.columns)

    return MemorySnapshot(
        run=run,
        prefix=prefix,
        title=title_text(bars[place]) if bars else "host",
        devices=len(prefixes),
        begun=whole.first,
        whole=whole,
        window=Window(first, last),
        drawn=tuple(
            Drawn(curve, read(curve.name), read(curve.peak_name) if curve.peak_name else None)
            for curve in curves_of(prefix, devices.training)
        ),
        peak=find_peak(reader, peak_curves(prefix, devices.training), whole),
        story=Story(
            reader.entries.evaluation_times(), reader.entries.checkpoints(), run.marks, run.alerts
        ),
    )


def _extent(reader: RunReader, run: RunSnapshot, now: float) -> Window:
    """Return when the run began, and until when there may be readings."""
    attempts, state = reader.attempts(), run.state
    begun = float(int(attempts[0].started)) if attempts else now
    ended = max(state.time if state else begun, attempts[-1].ended or begun) if attempts else now
    end = reader.recorded_now(now) if run.live else ended
    length = max(1, int(end - begun))
    # As for curves: room on the right, so that not each second shifts every column.
    return Window(begun, begun + (roomy_end(length, 1.0, None) if run.live else length + 1))


def find_peak(reader: RunReader, curves: tuple[Curve, ...], whole: Window) -> Peak | None:
    """Return the highest that the first of these readings that there is ever was, and when.

    Raises:
        RecordError: the database can't be read.
    """
    for curve in curves:
        first, last = int(whole.first), round(whole.last)
        while True:
            columns = reader.readings.sample_series(curve.name, first, last, _PEAK_COLUMNS).columns
            # NaN is never the highest.
            best = max(
                (c for c in columns if c.maximum == c.maximum),
                key=lambda column: column.maximum,
                default=None,
            )
            if best is None:
                break
            if (
                best.count == 1
                or best.last_step <= best.first_step
                or (first, last)
                == (
                    best.first_step,
                    best.last_step,
                )
            ):
                return Peak(curve.label, best.maximum, float(best.first_step))
            first, last = best.first_step, best.last_step
    return None
