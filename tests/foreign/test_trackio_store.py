"""Trackio's store: what its own client has written is what is read, and nothing is left beside."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.foreign.logs import curves, plain
from tuitrain.foreign.find import find_logs
from tuitrain.foreign.follow import LogFollower
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.samples import plain_png, read_samples
from tuitrain.runs.table.details import load_details

TABLES = """
CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL,
    timestamp TEXT NOT NULL, run_name TEXT NOT NULL, step INTEGER NOT NULL, metrics TEXT NOT NULL);
CREATE TABLE configs (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL,
    run_name TEXT NOT NULL, config TEXT NOT NULL, created_at TEXT NOT NULL, UNIQUE(run_id));
CREATE TABLE system_metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL,
    timestamp TEXT NOT NULL, run_name TEXT NOT NULL, metrics TEXT NOT NULL);
INSERT INTO configs VALUES (1, 'aa', 'first', '{"lr": 0.1, "model": {"depth": 2}, "_Group": null}',
    '2026-01-01T00:00:00+00:00');
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "trackio" / "digits.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as made:
        made.execute("PRAGMA journal_mode=WAL")
        made.executescript(TABLES)
    return path


def log(path: Path, run: str, step: int, **values: object) -> None:
    with closing(sqlite3.connect(path)) as store, store:
        at = f"2026-01-01T00:00:{step:02d}+00:00"
        store.execute(
            "INSERT INTO metrics (run_id, timestamp, run_name, step, metrics)"
            " VALUES (?, ?, ?, ?, ?)",
            (run, at, {"aa": "first"}.get(run, "second"), step, json.dumps(values)),
        )


def test_a_run_is_read_on_over_a_restart_and_nothing_is_left_beside_its_store(
    store: Path, tmp_path: Path
) -> None:
    image = store.parent / "media" / "digits" / "first" / "3" / "x.png"
    image.parent.mkdir(parents=True)
    image.write_bytes(plain_png(2, 1, 1, b"\0\xff"))
    (tmp_path / "secret.png").write_bytes(plain_png(2, 1, 1, b"\0\xff"))
    for step, loss in ((1, 0.5), (2, "NaN"), (3, "Infinity"), (4, 0.2)):
        log(store, "aa", step, loss=loss, inner={"lr": 0.1})
    media = {"_type": "trackio.image", "caption": "12"}
    log(store, "aa", 3, seen={**media, "file_path": "digits/first/3/x.png"},
        outside={**media, "file_path": "../../secret.png"},
        said={"_type": "trackio.markdown", "_value": "four"})  # fmt: skip
    log(store, "bb", 1, loss=9.0)
    names = [each.name for each in store.parent.iterdir()]
    first, second = find_logs(store.parent)
    assert [(each.name, each.kind) for each in (first, second)] == [
        ("trackio/digits/first", "Trackio"), ("trackio/digits/second", "Trackio"),
    ]  # fmt: skip
    record = RunDirectory(tmp_path / "record")
    follower = LogFollower(first, record)
    assert follower.begin()
    follower.catch_up()
    inner = [(step, 0.1) for step in range(1, 5)]
    assert curves(record) == {
        "loss": plain([(1, 0.5), (2, float("nan")), (3, float("inf")), (4, 0.2)]),
        "inner/lr": inner,
    }
    found = {name: part for each in read_samples(record, 3).samples for name, part in each.items()}
    assert sorted(found) == ["said", "seen"]
    assert found["said"]["text"] == "four"
    with closing(sqlite3.connect(store)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint=0")
        # A restart from step 3, seen while its writer holds the store.
        for step in (3, 4, 5):
            log(store, "aa", step, loss=7.0)
        follower.catch_up()
    assert curves(record)["loss"] == plain(
        [(1, 0.5), (2, float("nan")), (3, 7.0), (4, 7.0), (5, 7.0)]
    )
    follower.close()
    assert load_details(record).settings == {"lr": 0.1, "model/depth": 2}
    with RunReader(record) as reader:
        assert reader.summary().created == 1767225601.0
    assert [each.name for each in store.parent.iterdir()] == names


_LOG = """
import math, trackio
from PIL import Image
run = trackio.init("mine", name="real", config={"lr": 0.1}, embed=False, auto_log_gpu=False,
                   auto_log_cpu=False)
for step in range(50):
    run.log({"loss": math.nan if step == 7 else 1 / (step + 1)}, step=step)
run.log({"seen": trackio.Image(Image.new("RGB", (3, 2)))}, step=49)
run.finish()
"""


@pytest.mark.skipif(find_spec("trackio") is None, reason="trackio is not installed")
def test_what_trackio_writes_is_read_back_equal(tmp_path: Path) -> None:
    environment = {**os.environ, "TRACKIO_DIR": str(tmp_path / "store")}
    command = [sys.executable, "-W", "ignore", "-c", _LOG]
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=tmp_path)
    [found] = find_logs(tmp_path / "store")
    record = RunDirectory(tmp_path / "record")
    follower = LogFollower(found, record)
    assert follower.begin()
    follower.catch_up()
    follower.close()
    losses = [(step, float("nan") if step == 7 else 1 / (step + 1)) for step in range(50)]
    assert curves(record) == {"loss": plain(losses)}
    [sample] = read_samples(record, 49).samples
    assert (sample["seen"]["width"], sample["seen"]["height"]) == (3, 2)
    assert load_details(record).settings == {"lr": 0.1}
