"""Trackio's store: a SQLite file a project with all its runs, images in a folder beside it.

Opened for reading only. Source of the tables: `trackio.sqlite_storage`, checked against files of
Trackio 0.43; a row is what one call of `log` was given, and what is not finite stands as a text.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tuitrain.foreign.media import MOST_TEXT, kept_histogram, kept_image
from tuitrain.foreign.reader import Position
from tuitrain.foreign.sqlite_file import LastLogged, opened
from tuitrain.foreign.table_rows import Keys, RowPoints, flat
from tuitrain.runs.imported import Batch
from tuitrain.runs.samples import Kept

TABLES = frozenset({"metrics", "configs", "system_metrics"})
"""What tells such a store from another file."""
_ROWS = 1 << 14
"""Of one piece."""
_KEYS = Keys("_step", "epoch", "_timestamp")
_IMAGE, _MARKDOWN, _HISTOGRAM = "trackio.image", "trackio.markdown", "trackio.histogram"


def runs_of(path: Path) -> list[tuple[str, str]]:
    """Return the id and the name of each run, as PROJECT/RUN.

    Raises:
        OSError: the file can't be read.
    """
    with opened(path) as store:
        rows = store.execute(
            f"SELECT {_run_column(store)}, max(run_name) FROM metrics GROUP BY 1 ORDER BY min(id)"
        ).fetchall()
    return [(str(run), f"{path.stem}/{name or run}") for run, name in rows]


def _run_column(store: sqlite3.Connection) -> str:
    """Return the column that tells runs apart: stores of older versions have names alone."""
    names = {row[1] for row in store.execute("PRAGMA table_info(metrics)")}
    return "run_id" if "run_id" in names else "run_name"


def _is_media(value: object) -> bool:
    return isinstance(value, dict) and "_type" in value


class TrackioReader:
    """Reads one run of a store."""

    def __init__(self, path: Path, run: str) -> None:
        self._path, self._run = path, run
        self._last = LastLogged(path, self._logged)

    def changed(self) -> float:
        """Return when something of the run was logged last; others share its file."""
        return self._last.time()

    def _logged(self, store: sqlite3.Connection) -> float:
        (logged,) = store.execute(
            f"SELECT max(timestamp) FROM metrics WHERE {_run_column(store)}=?", (self._run,)
        ).fetchone()
        return datetime.fromisoformat(logged).timestamp() if logged else 0.0

    def settings(self) -> Mapping[str, Any]:
        """Return the run's config."""
        with opened(self._path) as store:
            row = store.execute(
                f"SELECT config FROM configs WHERE {_run_column(store)}=?", (self._run,)
            ).fetchone()
        found = flat(json.loads(row[0])) if row else {}
        return {name: each for name, each in found.items() if not name.startswith("_")}

    def read(self, position: Position) -> Batch:
        """Return the rows since `position`, up to a piece."""
        at = int(position.get("row", 0))
        with opened(self._path) as store:
            rows = store.execute(
                "SELECT id, step, timestamp, metrics FROM metrics"
                f" WHERE {_run_column(store)}=? AND id>? ORDER BY id LIMIT ?",
                (self._run, at, _ROWS),
            ).fetchall()
        if not rows:
            return Batch()
        points, kept = RowPoints.go_on(_KEYS, position), list[Kept]()
        for _row, step, timestamp, text in rows:
            logged = json.loads(text)
            media = {name: each for name, each in logged.items() if _is_media(each)}
            values = {name: each for name, each in logged.items() if name not in media}
            points.add({**flat(values), "_step": step, "_timestamp": timestamp}, 0.0)
            if step >= 0:
                kept += self._media(media, step)
        return Batch(
            points.changes(),
            points.progress(),
            {"row": rows[-1][0], "rows": points.state()},
            more=len(rows) == _ROWS,
            kept=kept,
        )

    def _media(self, media: Mapping[str, Mapping[str, Any]], step: int) -> Iterator[Kept]:
        """Yield the images, texts and histograms of a row."""
        for name, value in media.items():
            if value["_type"] == _IMAGE:
                yield from kept_image(self._image(value.get("file_path")), step, name)
            elif value["_type"] == _MARKDOWN:
                text = str(value.get("_value", ""))[:MOST_TEXT]
                yield Kept(step, name, {"kind": "text", "text": text})
            elif value["_type"] == _HISTOGRAM:
                edges, counts = value.get("bins") or (), value.get("values") or ()
                buckets = zip(edges, edges[1:], counts, strict=False)
                yield from kept_histogram([each for each in buckets if each[2]], step, name)

    def _image(self, path: object) -> bytes:
        """Return an image's file; nothing of one that is not there, or elsewhere."""
        folder = (self._path.parent / "media").resolve()
        try:
            found = (folder / str(path)).resolve()
            return found.read_bytes() if found.is_relative_to(folder) else b""
        except OSError:
            return b""
