import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tuitrain.analysis.memory_breakdown import host_breakdown
from tuitrain.telemetry.host import HostSampler, children_of
from tuitrain.telemetry.owners import owner_of, short_command

PARENT = """
import subprocess, sys
code = "import sys; held = bytearray(50_000_000); print('up', flush=True); sys.stdin.read()"
child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
sys.stdin.read()
child.communicate()
"""


@pytest.fixture
def worker() -> Iterator[Any]:
    """A process with one child that holds 50 MB."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == b"up\n"
        yield started
        started.communicate()


def test_the_worker_and_its_loaders_are_counted_apart(worker: Any, tmp_path: Path) -> None:
    host = HostSampler(worker.pid, tmp_path)
    found = host.read()
    assert found["host/loaders"] == 1
    assert found["host/loaders_rss_bytes"] > 50_000_000
    assert found["host/main_rss_bytes"] > 1_000_000
    total = found["host/main_rss_bytes"] + found["host/loaders_rss_bytes"]
    assert found["host/worker_rss_bytes"] == total
    assert worker.pid in host.family
    assert len(host.family) == 2


def test_processes_that_train_are_no_loaders(worker: Any, tmp_path: Path) -> None:
    [child] = children_of(psutil.Process(worker.pid))
    found = HostSampler(worker.pid, tmp_path, ranks=lambda: [child, 1]).read()
    assert (found["host/ranks"], found["host/loaders"]) == (1, 0)
    assert found["host/ranks_rss_bytes"] > 50_000_000
    assert found["host/loaders_rss_bytes"] == 0
    parts = found["host/main_rss_bytes"] + found["host/ranks_rss_bytes"]
    assert found["host/worker_rss_bytes"] == parts
    bar = host_breakdown(found)
    assert bar is not None
    assert [part.name for part in bar.parts][:2] == ["ranks", "agent"]


def test_the_machine_is_read_too(tmp_path: Path) -> None:
    now = [0.0]
    host = HostSampler(os.getpid(), tmp_path, lambda: now[0])
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    now[0] = 2.0
    found = host.read()
    assert 0 < found["host/memory_used_bytes"] < found["host/memory_total_bytes"]
    assert 0 <= found["host/cpu_percent"] <= 100
    assert 0 < found["host/disk_free_bytes"] <= found["host/disk_total_bytes"]
    assert found["host/swap_used_bytes"] <= found["host/swap_total_bytes"]
    assert found["host/net_received_bytes_per_s"] >= 0
    assert set(host.facts()) == {"cores", "limited", "folder"}


def test_a_worker_that_has_gone_reads_as_nothing(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    found = HostSampler(ended.pid, tmp_path).read()
    assert found["host/worker_rss_bytes"] == 0
    assert found["host/loaders"] == 0
    assert found["host/memory_total_bytes"] > 0


def test_children_are_those_that_psutil_finds(worker: Any) -> None:
    process = psutil.Process(worker.pid)
    assert children_of(process) == [child.pid for child in process.children(recursive=True)]


def test_a_process_has_an_owner_and_a_short_command(worker: Any) -> None:
    user, command, started = owner_of(worker.pid)
    assert started == psutil.Process(worker.pid).create_time()
    assert user == psutil.Process().username()
    assert command is not None
    assert command.startswith("python")
    assert owner_of(2**22 + 999) == (None, None, None)


@pytest.mark.parametrize(
    ("words", "short"),
    [
        (["/usr/bin/python3", "-u", "/home/me/train.py", "--lr", "1"], "python3 train.py"),
        (["python", "-m", "tuitrain", "run"], "python tuitrain"),
        (["/opt/blender/blender", "-b"], "blender"),
        (["tuitrain: worker"], "tuitrain: worker"),
        ([], ""),
        (["x" * 200], "x" * 60),
    ],
)
def test_commands_are_short(words: list[str], short: str) -> None:
    assert short_command(words) == short
