"""A real run records what its devices do, and what is known of them."""

import os
from typing import Any

import psutil

LOADERS = """
name = "loaders"
task = "classification"
[data]
name = "digits"
workers = 2
mode = "loader"
[model]
name = "mlp"
[loss]
name = "cross_entropy"
[train]
epochs = 100000
batch_size = 32
threads = 1
device = "cpu"
"""


def test_a_run_records_host_readings_over_time_and_what_is_known_of_the_devices(cli: Any) -> None:
    run = cli.detach(cli.preset(LOADERS))
    run.wait(lambda: len(run.samples("host/worker_rss_bytes")) >= 3, "three readings")
    run.wait(lambda: run.latest_samples().get("host/loaders", 0) >= 2, "loaders that are counted")
    readings = run.latest_samples()
    assert readings["host/main_rss_bytes"] > 50e6
    # Loader workers are counted apart from the worker.
    assert readings["host/loaders_rss_bytes"] > 10e6
    assert 0 < readings["host/memory_total_bytes"] <= psutil.virtual_memory().total
    assert readings["host/disk_free_bytes"] > 0
    times = [at for at, _value in run.samples("host/worker_rss_bytes")]
    assert times == sorted(times)
    facts = run.devices().facts
    assert facts["trouble"] == ""
    assert facts["host"]["cores"] == os.cpu_count()
    cli("stop", run.id)
    run.wait_end()
    shown = cli.show(run)
    assert shown["readings"]["host/worker_rss_bytes"] > 0
    assert shown["devices"]["host"]["cores"] == os.cpu_count()
