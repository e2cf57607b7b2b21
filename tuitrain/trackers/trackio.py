"""Trackio: rows by step, images, texts, the preset as config, alerts as its alerts.

It takes no logged point back, as W&B; a run is known by its name there, which is the run's id.
"""

import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from tuitrain.alerts.catalogue import severity
from tuitrain.extras import require
from tuitrain.trackers.pictures import Shown
from tuitrain.trackers.source import News, Place
from tuitrain.trackers.tracker import Ending, Kept, TrackedRun, TrackerError

_LEVELS: Mapping[str, str] = {"info": "INFO", "warning": "WARN", "critical": "ERROR"}


class TrackioTracker:
    """Writes one run of Trackio's, into its store of this machine or where its variables say."""

    def __init__(self, run: TrackedRun, project: str, kept: Kept | None, rewound: int) -> None:
        """Begin a run, or go on with it.

        Args:
            run: what is logged.
            project: of Trackio; empty: `tuitrain`.
            kept: what an earlier attempt left; None: a run of its own.
            rewound: the step that a resume went back to.

        Raises:
            TrackerError: Trackio takes no run.
        """
        goes_on = kept is not None and kept.is_whole and kept.place.step <= rewound
        told = kept.place.alerts if kept is not None else 0
        self.place = kept.place if kept is not None and goes_on else Place(alerts=told)
        again = kept is not None and bool(kept.known_as) and not goes_on
        self.generation = (kept.generation if kept is not None else 0) + again
        self.known_as = f"{run.id}-{self.generation + 1}" if self.generation else run.id
        self._trackio = require("trackio", "trackio", "logging to Trackio")
        # Its threads warn at any time: what they say is heard from begin to end.
        self._heard = ExitStack()
        self._warnings = self._heard.enter_context(warnings.catch_warnings(record=True))
        warnings.simplefilter("always")
        with self._asked():
            self._run = self._trackio.init(
                project or "tuitrain",
                name=self.known_as,
                group=run.name,
                config=dict(run.settings),
                resume="allow" if goes_on else "never",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )
        self._clock = RowClock(self._run, _storage())

    def write(self, news: News) -> None:
        """Hand over what is new.

        Raises:
            TrackerError: Trackio says that it lost something.
        """
        with self._asked():
            for row in news.rows:
                self._clock.time = row.time
                self._run.log(dict(row.values), step=row.step)
            for shown in news.shown:
                self._clock.time = shown.time
                self._run.log({shown.name: self._media(shown)}, step=shown.step)
            for alert in news.alerts:
                level = self._trackio.AlertLevel[_LEVELS[severity(alert.kind)]]
                self._run.alert(alert.kind, alert.text, level, step=alert.step or 0)

    def _media(self, shown: Shown) -> Any:
        if not shown.png:
            return self._trackio.Markdown(shown.text)
        from PIL import Image

        with Image.open(io.BytesIO(shown.png)) as image:
            image.load()
            return self._trackio.Image(image, caption=f"step {shown.step}")

    def close(self, ending: Ending) -> None:
        """Say how the run ended and what was best, and wait until all is handed over.

        Raises:
            TrackerError: Trackio says that it lost something.
        """
        best = ", ".join(f"{each.name} {each.best:g}" for each in ending.metrics
                         if each.best is not None)  # fmt: skip
        text = ". ".join(filter(None, [ending.reason, f"Best: {best}" if best else ""]))
        with self._heard, self._asked():
            level = self._trackio.AlertLevel.INFO
            self._run.alert(ending.state, text, level, step=max(0, self.place.step))
            # The run's own `finish` would be called again, and print, as Python ends.
            self._trackio.finish()

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Turn what Trackio only warns of into an error: by then it has dropped what it was given.

        What it prints is for whoever calls it by hand.

        Raises:
            TrackerError: it raised, or has warned.
        """
        try:
            with redirect_stdout(io.StringIO()):
                yield
        except Exception as error:  # its own, httpx' and the hub's: all mean the same here
            raise TrackerError(f"Trackio: {error}") from error
        for each in self._warnings or ():
            if "trackio" in str(each.message).lower():
                raise TrackerError(f"Trackio: {each.message}")


class RowClock:
    """Gives rows the time of their step: Trackio's `log` takes none, and notes when it sends them.

    A row has its place in the run's queue when the run looks for its sender, under the queue's
    lock; its store takes times, which the run leaves out. A Trackio that does neither keeps its
    own times.

    Attributes:
        time: of what is logged now, in seconds since the epoch.
    """

    def __init__(self, run: Any, storage: Any) -> None:
        """Mark what a run queues from now on.

        Args:
            run: of Trackio.
            storage: its class of the store of this machine; None: there is no such class.
        """
        self.time = 0.0
        self._run = run
        self._times: dict[str, str] = {}
        find_sender = getattr(run, "_ensure_sender_alive", None)
        if find_sender is None or not isinstance(getattr(run, "_queued_logs", None), list):
            return
        self._find_sender: Callable[[], Any] = find_sender
        run._ensure_sender_alive = self._queued
        self._is_local = bool(getattr(run, "_is_local", False)) and hasattr(storage, "bulk_log")
        if self._is_local:
            self._store: Callable[..., Any] = storage.bulk_log
            storage.bulk_log = self._stored

    def _queued(self) -> Any:
        queue = self._run._queued_logs
        if queue and not queue[-1].get("timestamp"):
            at = datetime.fromtimestamp(self.time, UTC).isoformat()
            queue[-1]["timestamp"] = at
            if self._is_local:
                self._times[str(queue[-1].get("log_id"))] = at
        return self._find_sender()

    def _stored(self, *, log_ids: Sequence[str] | None = None, **rows: Any) -> Any:
        times = [self._times.pop(str(each), "") for each in log_ids or ()]
        if times and all(times) and rows.get("timestamps") is None:
            rows["timestamps"] = times
        return self._store(log_ids=log_ids, **rows)


def _storage() -> Any:
    try:
        return import_module("trackio.sqlite_storage").SQLiteStorage
    except (ImportError, AttributeError):
        return None
