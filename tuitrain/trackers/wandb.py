"""Weights & Biases: rows by step, images, texts, the preset as config, alerts as its alerts.

W&B takes no logged point back, so where a resume gave some up, or the writer was killed, the run
is begun anew there, from its first step and beside the old one, in one group.
"""

import html
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuitrain.alerts.catalogue import severity
from tuitrain.extras import require
from tuitrain.trackers.pictures import Shown
from tuitrain.trackers.source import News, Place, Row
from tuitrain.trackers.tracker import Ending, Kept, TrackedRun, TrackerError

_LEVELS: Mapping[str, str] = {"info": "INFO", "warning": "WARN", "critical": "ERROR"}
_ALERT_EVERY_S = 60
"""As W&B's own default: alerts of one title are sent this far apart."""


class WandbTracker:
    """Writes one run of W&B's, online or offline as its own settings say."""

    def __init__(self, run: TrackedRun, project: str, kept: Kept | None, rewound: int) -> None:
        """Begin a run, or go on with it.

        Args:
            run: what is logged.
            project: of W&B; empty: $WANDB_PROJECT, else `tuitrain`.
            kept: what an earlier attempt left; None: a run of its own.
            rewound: the step that a resume went back to.

        Raises:
            TrackerError: W&B takes no run.
        """
        goes_on = kept is not None and kept.is_whole and kept.place.step <= rewound
        # An alert is sent once, whatever becomes of the points.
        told = kept.place.alerts if kept is not None else 0
        self.place = kept.place if kept is not None and goes_on else Place(alerts=told)
        again = kept is not None and bool(kept.known_as) and not goes_on
        self.generation = (kept.generation if kept is not None else 0) + again
        self.known_as = f"{run.id}-{self.generation + 1}" if self.generation else run.id
        self._wandb = require("wandb", "trackers", "logging to Weights & Biases")
        self._written = self.place.step
        self._run = self._init(run, project, exported=kept is None)

    def _init(self, run: TrackedRun, project: str, *, exported: bool) -> Any:
        run.folder.mkdir(parents=True, exist_ok=True)
        # Two exports of one run are two runs there.
        known_as = None if exported else self.known_as
        try:
            return self._wandb.init(
                project=project or os.environ.get("WANDB_PROJECT") or "tuitrain",
                id=known_as,
                name=run.name,
                group=run.id,
                job_type=run.preset,
                dir=os.environ.get("WANDB_DIR") or str(run.folder),
                config=dict(run.settings),
                resume=None if exported else "allow",
                settings=self._wandb.Settings(
                    console="off", x_disable_stats=True, silent=True, disable_code=True
                ),
            )
        except Exception as error:  # its own, requests' and the service's: all mean the same here
            raise TrackerError(f"W&B: {error}; WANDB_MODE=offline keeps all in files") from error

    @property
    def file(self) -> Path:
        """The run's `.wandb` file."""
        return Path(self._run.settings.sync_file)

    def write(self, news: News) -> None:
        """Hand over what is new."""
        both: list[Row | Shown] = [*news.rows, *news.shown]
        for each in sorted(both, key=lambda each: each.step):
            if isinstance(each, Row):
                self._log(each.step, each.values)
            else:
                self._log(each.step, {each.name: self._media(each)})
        for alert in news.alerts:
            level = _LEVELS[severity(alert.kind)]
            where = "" if alert.step is None else f"step {alert.step}: "
            self._run.alert(alert.kind, f"{where}{alert.text}", level, _ALERT_EVERY_S)

    def _log(self, step: int, values: Mapping[str, Any]) -> None:
        # It takes no step below the last one; a value that comes late keeps its own beside it.
        late = {"step": step} if step < self._written else {}
        self._written = max(self._written, step)
        self._run.log({**values, **late}, step=self._written)

    def _media(self, shown: Shown) -> Any:
        """Return an image or a text as W&B takes it; it has no plain text beside metrics."""
        if not shown.png:
            return self._wandb.Html(f"<pre>{html.escape(shown.text)}</pre>", inject=False)
        from PIL import Image

        with Image.open(io.BytesIO(shown.png)) as image:
            return self._wandb.Image(image, caption=f"step {shown.step}")

    def close(self, ending: Ending) -> None:
        """Write the best values and how the run ended, and wait until all is handed over."""
        for metric in ending.metrics:
            if metric.best is not None:
                self._run.summary[f"best/{metric.name}"] = metric.best
        self._run.summary["state"] = ending.state
        self._run.finish(exit_code=1 if ending.state == "failed" else 0)
