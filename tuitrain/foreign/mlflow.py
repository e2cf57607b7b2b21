"""MLflow's file store: a folder a run, in it a file a metric with a line a point.

Source: `mlflow.store.tracking.file_store`: `timestamp value step`, the time in milliseconds.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuitrain.foreign.reader import Position, in_order, last_written
from tuitrain.foreign.settings import plain_value
from tuitrain.foreign.table_rows import number, seconds
from tuitrain.runs.imported import Batch, Moment, Points, Rewind

_METRICS = "metrics"
_BLOCK_BYTES = 1 << 20


def is_metrics_folder(folder: Path) -> bool:
    """Say whether a folder is a run's."""
    return (folder / _METRICS).is_dir()


def run_name(folder: Path) -> str:
    """Return what a run is called; its folder's name where it has no other."""
    try:
        text = (folder / "tags" / "mlflow.runName").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    return text.strip() or folder.name


class MetricsReader:
    """Reads the metrics of one run."""

    def __init__(self, folder: Path) -> None:
        self._metrics = folder / _METRICS

    def _names(self) -> list[str]:
        found = (path for path in self._metrics.rglob("*") if path.is_file())
        return sorted(path.relative_to(self._metrics).as_posix() for path in found)

    def changed(self) -> float:
        """Return when the newest metric was written to."""
        return last_written([self._metrics / name for name in self._names()])

    def settings(self) -> Mapping[str, Any]:
        """Return the run's parameters."""
        folder = self._metrics.parent / "params"
        files = sorted(folder.rglob("*")) if folder.is_dir() else []
        return {
            path.relative_to(folder).as_posix(): plain_value(path.read_text(errors="replace"))
            for path in files
            if path.is_file()
        }

    def read(self, position: Position) -> Batch:
        """Return what is new in every metric, up to a piece of each."""
        ends: dict[str, list[int]] = {name: list(end) for name, end in position.items()}
        points: list[Points] = []
        moments: dict[int, Moment] = {}
        for name in self._names():
            at, last = ends.get(name, [0, -1])
            path = self._metrics / name
            if path.stat().st_size < at:
                return Batch((Rewind(0),), position={}, more=True)
            with path.open("rb") as file:
                file.seek(at)
                block = file.read(_BLOCK_BYTES)
            whole = block.rfind(b"\n") + 1
            found = _lines(block[:whole])
            steps = [moment.step for moment, _value in found]
            new = in_order(name, steps, [value for _moment, value in found])
            if new is not None:
                points += _since(new, last)
                last = max(last, new.steps[-1])
            moments |= {moment.step: moment for moment, _value in found}
            if whole:
                ends[name] = [at + whole, last]
        place: dict[str, Any] | None = ends if ends != position else None
        ordered = [moments[step] for step in sorted(moments)]
        return Batch(points, ordered, place, more=place is not None)


def _since(points: Points, last: int) -> list[Points]:
    """Return points, those up to `last` apart: a run that was resumed repeats steps."""
    later = [i for i, step in enumerate(points.steps) if step > last]
    cut = later[0] if later else len(points.steps)
    parts = [slice(0, cut), slice(cut, None)]
    return [
        Points(points.name, points.steps[part], points.values[part])
        for part in parts
        if len(points.steps[part])
    ]


def _lines(block: bytes) -> list[tuple[Moment, float]]:
    found = []
    for line in block.decode("utf-8", "replace").splitlines():
        cells = line.split()
        if len(cells) < 2:
            continue
        at, value = seconds(cells[0]), number(cells[1])
        step = number(cells[2]) if len(cells) > 2 else 0.0
        if at is not None and value is not None and step is not None:
            found.append((Moment(int(step), at), value))
    return found
