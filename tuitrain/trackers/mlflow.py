"""MLflow: metrics in batches, images, the preset as parameters; texts and alerts as artifacts.

MLflow itself is asked how far it has a run, so that no point is logged twice. It takes none back:
where a resume gave some up, the run is begun anew there, and the old one gets a tag that says so.
"""

import io
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from tuitrain.extras import require
from tuitrain.runs.rows import AlertRow
from tuitrain.trackers.pictures import Shown
from tuitrain.trackers.source import News, Place, flat_settings
from tuitrain.trackers.tracker import Ending, Kept, TrackedRun, TrackerError

_MOST_METRICS, _MOST_PARAMS = 1000, 100
"""Of one request, by MLflow's own limits."""
_MOST_TEXT = 6000
"""Characters of a parameter."""
_STATUS = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
_ALERTS_FILE = "alerts.txt"
_REPLACED_TAG = "tuitrain.replaced_by"
_SQLITE = "sqlite:///"
_UNFIT = re.compile(r"[^A-Za-z0-9_\-. /]")
"""What a name of an image must not have, by MLflow's own rule."""


class MlflowTracker:
    """Writes one run of MLflow's, where $MLFLOW_TRACKING_URI says."""

    def __init__(self, run: TrackedRun, experiment: str, kept: Kept | None, rewound: int) -> None:
        """Begin a run, or go on with it.

        Args:
            run: what is logged.
            experiment: of MLflow; empty: $MLFLOW_EXPERIMENT_NAME, else `tuitrain`.
            kept: what an earlier attempt left; None: a run of its own.
            rewound: the step that a resume went back to.

        Raises:
            TrackerError: MLflow takes no run.
        """
        self._mlflow = require("mlflow", "trackers", "logging to MLflow")
        self._entities: Any = require("mlflow.entities", "trackers", "logging to MLflow")
        self._alerts: list[AlertRow] = []
        self.generation = kept.generation if kept is not None else 0
        try:
            self._client = self._mlflow.MlflowClient()
            self._enter(run, experiment, kept, rewound)
        except self._faults as error:
            raise self._error(error) from error

    def _enter(self, run: TrackedRun, experiment: str, kept: Kept | None, rewound: int) -> None:
        known_as = kept.known_as if kept is not None else ""
        has = self._history(known_as) if known_as else {}
        if known_as and all(step <= rewound for step in has.values()):
            shown = min(kept.place.shown, rewound) if kept is not None else -1
            self.known_as, self.place = known_as, Place(last=has, shown=shown)
            self._client.update_run(known_as, status="RUNNING")
            return
        self.known_as = self._create(run, experiment)
        # Alerts are one text that is written whole, so all of them are read whenever it begins.
        self.place = Place()
        if known_as:
            self.generation += 1
            self._client.set_tag(known_as, _REPLACED_TAG, self.known_as)
            self._client.set_terminated(known_as, "KILLED")

    def _history(self, known_as: str) -> dict[str, int]:
        """Return the last step that MLflow has of each metric."""
        names = self._client.get_run(known_as).data.metrics
        points = {name: self._client.get_metric_history(known_as, name) for name in names}
        return {name: max(point.step for point in each) for name, each in points.items()}

    def _create(self, run: TrackedRun, experiment: str) -> str:
        name = experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME") or "tuitrain"
        found = self._client.get_experiment_by_name(name)
        if found:
            number = found.experiment_id
        else:
            place = artifacts_beside(self._mlflow.get_tracking_uri(), name)
            number = self._client.create_experiment(name, artifact_location=place)
        tags = {"tuitrain.id": run.id, "tuitrain.preset": run.preset}
        begun = self._client.create_run(number, int(run.created * 1000), tags, run.name)
        params = [
            self._entities.Param(key, str(value)[:_MOST_TEXT])
            for key, value in flat_settings(run.settings)
        ]
        for first in range(0, len(params), _MOST_PARAMS):
            self._client.log_batch(begun.info.run_id, params=params[first : first + _MOST_PARAMS])
        return str(begun.info.run_id)

    @property
    def _faults(self) -> tuple[type[Exception], ...]:
        return (self._mlflow.exceptions.MlflowException, OSError)

    def _error(self, error: Exception) -> TrackerError:
        return TrackerError(f"MLflow at {self._mlflow.get_tracking_uri()}: {error}")

    def write(self, news: News) -> None:
        """Log what is new."""
        metrics = self._metrics(news)
        try:
            while batch := list(islice(metrics, _MOST_METRICS)):
                self._client.log_batch(self.known_as, metrics=batch)
            if news.alerts:
                self._alerts += news.alerts
                text = "".join(map(_line, self._alerts))
                self._client.log_text(self.known_as, text, _ALERTS_FILE)
            for shown in news.shown:
                self._show(shown)
        except self._faults as error:
            raise self._error(error) from error

    def _show(self, shown: Shown) -> None:
        name = _UNFIT.sub("_", shown.name)
        if not shown.png:
            file = f"texts/{name}/step-{shown.step:08d}.txt"
            self._client.log_text(self.known_as, shown.text, file)
            return
        from PIL import Image

        with Image.open(io.BytesIO(shown.png)) as image:
            image.load()
            self._client.log_image(
                self.known_as, image, key=name, step=shown.step,
                timestamp=int(shown.time * 1000), synchronous=True,
            )  # fmt: skip

    def _metrics(self, news: News) -> Iterator[Any]:
        for row in news.rows:
            stamp = int(row.time * 1000)
            for name, value in row.values.items():
                yield self._entities.Metric(name, value, stamp, row.step)

    def close(self, ending: Ending) -> None:
        """Say how the run ended."""
        status = _STATUS.get(ending.state, "KILLED")
        try:
            self._client.set_tag(self.known_as, "tuitrain.state", ending.state)
            for metric in ending.metrics:
                if metric.best is not None:
                    self._client.set_tag(self.known_as, f"best/{metric.name}", repr(metric.best))
            self._client.set_terminated(self.known_as, status, int(ending.time * 1000))
        except self._faults as error:
            raise self._error(error) from error


def artifacts_beside(address: str, experiment: str) -> str | None:
    """Return where an experiment's artifacts belong where its store is a file; None: MLflow knows.

    MLflow itself would note the current folder's `mlruns` for good, wherever the file lies.
    """
    name = address.removeprefix(_SQLITE).partition("?")[0]
    if not address.startswith(_SQLITE) or not name or name == ":memory:":
        return None
    folder = Path(unquote(name)).absolute().parent
    return (folder / "mlruns" / quote(experiment, safe="")).as_uri()


def _line(alert: AlertRow) -> str:
    where = "" if alert.step is None else f"step {alert.step}: "
    return f"{alert.kind}: {where}{alert.text}\n"
