"""What node_exporter finds of a run: whole, in Prometheus' own form, gone from nobody's way."""

import math
import os
import stat
import time
from pathlib import Path

import pytest

from tests.trackers.recorded import prepared, steps
from tests.ui.makers import new_run
from tuitrain import messages as m
from tuitrain.supervisor.observers.textfile import TextfileWriter


def writer(tmp_path: Path, folder: Path) -> TextfileWriter:
    return TextfileWriter(new_run(tmp_path / "runs"), 'a "name"\\', "demo", folder, lambda: 123.0)


def samples(path: Path) -> dict[tuple[str, str], float]:
    parser = pytest.importorskip("prometheus_client.parser")
    found = {}
    for family in parser.text_string_to_metric_families(path.read_text()):
        for sample in family.samples:
            key = next((v for k, v in sample.labels.items() if k != "run"), "")
            found[sample.name, key] = sample.value
    return found


def test_prometheus_reads_state_metrics_readings_and_alerts(tmp_path: Path) -> None:
    textfile = writer(tmp_path, tmp_path)
    list(textfile.recorded(prepared(0)))
    for event in steps(1, 10):
        list(textfile.recorded(event))
    list(textfile.sampled(1.0, {"gpu0/temperature_c": 61.0}))
    textfile.told(m.AlertRaised(1.0, 3, "hot", "too hot"))
    bad = (m.MetricPoints("train/loss", 11, (math.nan,)),)
    list(textfile.recorded(m.StepsTaken(1.0, 11, 11, 1.1, 2.0, bad)))
    list(textfile.recorded(m.TrainingPaused(1.0, 11, "asked")))
    assert list(textfile.ended()) == []
    [path] = tmp_path.glob("*.prom")
    found = samples(path)
    assert found["tuitrain_run_info", 'a "name"\\'] == 1
    assert (found["tuitrain_state", "paused"], found["tuitrain_state", "running"]) == (1, 0)
    assert (found["tuitrain_step", ""], found["tuitrain_total_steps", ""]) == (11, 5000)
    assert found["tuitrain_metric", "val/loss"] == 0.2
    assert math.isnan(found["tuitrain_metric", "train/loss"])
    assert found["tuitrain_reading", "gpu0/temperature_c"] == 61
    assert found["tuitrain_alerts_total", "hot"] == 1
    assert found["tuitrain_updated_seconds", ""] == 123
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_a_folder_that_takes_nothing_is_told_once(tmp_path: Path) -> None:
    textfile = writer(tmp_path, tmp_path / "gone")
    list(textfile.recorded(prepared(0)))
    [alert] = textfile.ended()
    assert "can't be written for Prometheus, the run goes on" in alert.text
    assert list(textfile.poll(1)) == []


def test_files_of_runs_that_ended_long_ago_make_room(tmp_path: Path) -> None:
    old, new, other = (tmp_path / f"{n}.prom" for n in ("tuitrain-a", "tuitrain-b", "node"))
    for path in (old, new, other):
        path.write_text("")
    long_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (long_ago, long_ago))
    os.utime(other, (long_ago, long_ago))
    textfile = writer(tmp_path, tmp_path)
    list(textfile.recorded(prepared(0)))
    list(textfile.ended())
    assert not old.exists()
    assert new.exists()
    assert other.exists()
