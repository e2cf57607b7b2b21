"""MLflow's SQLite store: what its own client has written is what is read, run by run."""

import json
import math
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.foreign.logs import curves
from tuitrain.foreign.find import FoundLog, find_logs
from tuitrain.foreign.follow import LogFollower
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader

TABLES = """
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name VARCHAR(256));
CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250), status VARCHAR(9),
    start_time BIGINT, end_time BIGINT, lifecycle_stage VARCHAR(20), experiment_id INTEGER);
CREATE TABLE metrics (key VARCHAR(250), value FLOAT, timestamp BIGINT, run_uuid VARCHAR(32),
    step BIGINT, is_nan BOOLEAN, PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan));
CREATE TABLE latest_metrics (key VARCHAR(250), value FLOAT, timestamp BIGINT, step BIGINT,
    is_nan BOOLEAN, run_uuid VARCHAR(32));
CREATE TABLE params (key VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32));
INSERT INTO experiments VALUES (1, 'digits');
INSERT INTO runs VALUES ('aa', 'first', 'RUNNING', 1700000000000, NULL, 'active', 1);
INSERT INTO runs VALUES ('bb', 'second', 'FINISHED', 1700000000000, 1700000009000, 'active', 1);
INSERT INTO runs VALUES ('cc', 'gone', 'FAILED', 1700000000000, NULL, 'deleted', 1);
INSERT INTO params VALUES ('lr', '0.01', 'aa'), ('model', 'mlp', 'aa');
"""


def log_points(path: Path, run: str, *points: tuple[str, int, float]) -> None:
    with closing(sqlite3.connect(path)) as store, store:
        rows = [(key, 0.0 if math.isnan(value) else value, 1_700_000_000_000 + step * 1000, run,
                 step, math.isnan(value)) for key, step, value in points]  # fmt: skip
        store.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "logs" / "mlflow.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as made:
        made.executescript(TABLES)
    losses = [("loss", 1, 0.5), ("loss", 2, math.nan), ("loss", 3, sys.float_info.max)]
    log_points(path, "aa", *losses, ("val loss", 3, 0.25))
    log_points(path, "bb", ("loss", 1, 9.0))
    return path


def test_every_run_of_a_store_is_one_that_is_not_deleted(store: Path) -> None:
    found = find_logs(store.parent)
    assert [(log.name, log.kind, log.part) for log in found] == [
        ("logs/digits/first", "MLflow", "aa"), ("logs/digits/second", "MLflow", "bb"),
    ]  # fmt: skip
    assert [log.name for log in find_logs(store)] == ["digits/first", "digits/second"]


def test_a_run_is_read_on_while_it_is_logged_and_says_how_it_ended(
    store: Path, tmp_path: Path
) -> None:
    first: FoundLog = find_logs(store)[0]
    record = RunDirectory(tmp_path / "record")
    follower = LogFollower(first, record)
    assert follower.begin()
    follower.catch_up()
    assert curves(record) == {
        "loss": [(1, 0.5), (2, None), (3, math.inf)], "val loss": [(3, 0.25)],
    }  # fmt: skip
    log_points(store, "aa", ("loss", 4, 0.1), ("loss", 5, 0.05))
    follower.catch_up()
    # Resumed from step 3 with other values.
    log_points(store, "aa", ("loss", 4, 0.4), ("loss", 5, 0.3))
    with closing(sqlite3.connect(store)) as other, other:
        other.execute("UPDATE runs SET status='KILLED' WHERE run_uuid='aa'")
    follower.catch_up()
    follower.close()
    assert curves(record)["loss"][2:] == [(3, math.inf), (4, 0.4), (5, 0.3)]
    with RunReader(record) as reader:
        assert reader.state().state == "stopped"
        assert reader.config() == {"lr": 0.01, "model": "mlp"}
    assert [path.name for path in store.parent.iterdir()] == ["mlflow.db"]


@pytest.mark.skipif(find_spec("mlflow") is None, reason="mlflow is not installed")
@pytest.mark.skipif(find_spec("sqlalchemy") is None, reason="sqlalchemy is not installed")
def test_what_mlflows_own_client_logs_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    script = """
import json, sys
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
client = MlflowClient(tracking_uri=sys.argv[1])
run = client.create_run(client.create_experiment("one"), run_name="real").info.run_id
metrics = [Metric("loss", 1 / (s + 1), 1700000000000 + s, s) for s in range(50)]
client.log_batch(run, metrics=metrics, params=[Param("lr", "0.1")])
client.set_terminated(run, "FINISHED")
print(json.dumps([(m.step, m.value) for m in client.get_metric_history(run, "loss")]))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, f"sqlite:///{path}"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [log] = find_logs(path)
    record = RunDirectory(tmp_path / "record")
    follower = LogFollower(log, record)
    assert follower.begin()
    follower.catch_up()
    follower.close()
    expected = [(step, value) for step, value in json.loads(done.stdout.splitlines()[-1])]
    assert curves(record) == {"loss": expected}
    with RunReader(record) as reader:
        assert reader.state().state == "finished"
