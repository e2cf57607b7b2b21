"""Aim's repository: a folder `.aim` with two RocksDB stores a run, read by Aim's own library.

RocksDB writes beside what it reads, so a run is read in a copy. Checked against repositories of
Aim 3.29.
"""

import io
import math
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tuitrain.extras import require
from tuitrain.foreign.media import MOST_TEXT, kept_image
from tuitrain.foreign.reader import Position, in_order, last_written
from tuitrain.foreign.sqlite_file import opened
from tuitrain.foreign.table_rows import flat
from tuitrain.runs.imported import Batch, Moment, Points
from tuitrain.runs.samples import Kept

FOLDER = ".aim"
_RUNS = "run_metadata.sqlite"
_PARTS = ("meta", "seqs")
_SYSTEM = "__system"
"""How names of what Aim reads of the machine begin."""
_MOST_SHOWN = 64
"""Steps whose images and texts are looked at: more are not kept."""


def is_repo(folder: Path) -> bool:
    """Say whether a folder is such a repository."""
    return folder.name == FOLDER and (folder / _RUNS).is_file()


def runs_of(folder: Path) -> list[tuple[str, str]]:
    """Return the hash and the name of each run, as EXPERIMENT/RUN.

    Raises:
        OSError: they can't be read.
    """
    with opened(folder / _RUNS) as store:
        rows = store.execute(
            "SELECT run.hash, experiment.name, run.name FROM run LEFT JOIN experiment"
            " ON experiment.id=run.experiment_id WHERE NOT run.is_archived ORDER BY run.created_at"
        ).fetchall()
    there = {path.name for path in (folder / "seqs" / "chunks").glob("*")}
    return [
        (str(run), f"{experiment or 'default'}/{name or run}")
        for run, experiment, name in rows
        if run in there
    ]


class AimReader:
    """Reads one run of a repository; all of it where anything has changed."""

    def __init__(self, folder: Path, run: str) -> None:
        self._folder, self._run = folder, run

    def changed(self) -> float:
        """Return when the run was written to last."""
        chunks = [self._folder / part / "chunks" / self._run for part in _PARTS]
        if not chunks[1].is_dir():
            raise FileNotFoundError(f"{chunks[1]} is gone")
        return last_written([file for chunk in chunks for file in chunk.glob("*")])

    def settings(self) -> Mapping[str, Any]:
        """Return the run's parameters; `hparams` is where Aim's users keep them."""
        with self._opened() as run:
            found = dict(run.meta_run_attrs_tree.collect())
        inner = found.pop("hparams", None)
        whole = {**found, **(inner if isinstance(inner, dict) else {})}
        return flat({key: each for key, each in whole.items() if not key.startswith("__")})

    def read(self, position: Position) -> Batch:
        """Return the points that came since `position`, or all of a sequence that was rewritten."""
        changed = self.changed()
        if position.get("changed") == changed:
            return Batch()
        last = {name: tuple(each) for name, each in position.get("last", {}).items()}
        changes: list[Points] = []
        moments: dict[int, Moment] = {}
        with self._opened() as run:
            for name, rows in _sequences(run):
                points = _new_points(name, rows, last.get(name))
                if points is not None:
                    changes.append(points)
                    last[name] = rows[-1][0], max(row[3] for row in rows)
                moments |= {step: Moment(step, at, epoch) for step, _value, epoch, at in rows}
            kept = list(_shown(run, int(position.get("shown", -1))))
        ordered = [moments[step] for step in sorted(moments)]
        shown = max((each.step for each in kept), default=position.get("shown", -1))
        place = {"changed": changed, "last": last, "shown": shown}
        return Batch(changes, ordered, place, kept=kept)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """Give the run, opened in a copy.

        Raises:
            OSError: it can't be copied, or was written to meanwhile so that it can't be read.
            UsageError: Aim is not installed.
        """
        with warnings.catch_warnings():
            # It warns of its own libraries as it is loaded and as it opens a repository.
            warnings.simplefilter("ignore")
            aim: Any = require("aim", "aim", "reading Aim's repositories")
            with self._copied() as folder:
                try:
                    yield aim.Run(self._run, repo=aim.Repo(str(folder)), read_only=True)
                except (RuntimeError, KeyError) as error:
                    raise OSError(
                        f"{self._folder}: run {self._run} can't be read: {error}"
                    ) from error

    @contextmanager
    def _copied(self) -> Iterator[Path]:
        """Give a folder with a repository of this run alone.

        Raises:
            OSError: it can't be copied.
        """
        with tempfile.TemporaryDirectory(prefix="tuitrain-") as folder:
            copy = Path(folder) / FOLDER
            for part in _PARTS:
                place = Path(part) / "chunks" / self._run
                shutil.copytree(self._folder / place, copy / place)
            for name in (_RUNS, "VERSION"):
                shutil.copyfile(self._folder / name, copy / name)
            yield Path(folder)


Row = tuple[int, float, float, float]
"""Step, value, epoch and time."""


def _sequences(run: Any) -> Iterator[tuple[str, list[Row]]]:
    """Yield each metric by its name with its rows by step."""
    for metric in run.metrics():
        if metric.name.startswith(_SYSTEM):
            continue
        steps, (values, epochs, times) = metric.data.items_list()
        rows = [
            (int(step), float(value), 0.0 if math.isnan(epoch) else float(epoch), float(at))
            for step, value, epoch, at in zip(steps, values, epochs, times, strict=True)
            if step is not None and step >= 0
        ]
        if rows:
            yield _name(metric.context.to_dict(), metric.name), rows


def _name(context: Mapping[str, Any], name: str) -> str:
    """Return a sequence's name with its context, as `train/loss`."""
    return "/".join([*map(str, context.values()), name])


def _new_points(name: str, rows: list[Row], last: tuple[Any, ...] | None) -> Points | None:
    """Return what is new of a sequence; all of it where a restart has written over what was read.

    Args:
        name: of the sequence.
        rows: all that it has now.
        last: the last step, and the latest time, of what was read.
    """
    again = last is not None and any(row[0] <= last[0] and row[3] > last[1] for row in rows)
    new = [row for row in rows if last is None or again or row[0] > last[0]]
    steps, values = [row[0] for row in new], [row[1] for row in new]
    return in_order(name, steps, values, replace=again)


def _shown(run: Any, after: int) -> Iterator[Kept]:
    """Yield the images and texts of the newest steps after `after`."""
    for kind, sequence in (
        ("aim.image", run.get_image_sequence),
        ("aim.text", run.get_text_sequence),
    ):
        for name, context, _run in run.iter_sequence_info_by_type((kind, f"list({kind})")):
            found = sequence(name, context)
            steps, columns = found.data.items_list()
            called = _name(context.to_dict(), name)
            pairs = [pair for pair in zip(steps, columns[0], strict=True) if pair[0] > after]
            for step, value in pairs[-_MOST_SHOWN:]:
                several = value if isinstance(value, list) else [value]
                for number, each in enumerate(several):
                    shown = f"{called} {number}" if len(several) > 1 else called
                    yield from _kept(each, int(step), shown)


def _kept(value: Any, step: int, name: str) -> Iterator[Kept]:
    if hasattr(value, "to_pil_image"):
        file = io.BytesIO()
        value.to_pil_image().save(file, "PNG")
        yield from kept_image(file.getvalue(), step, name)
    else:
        yield Kept(step, name, {"kind": "text", "text": str(value.data)[:MOST_TEXT]})
