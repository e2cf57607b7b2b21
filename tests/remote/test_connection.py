"""Hosts by a stand-in for ssh: banners, hosts that are dead, silent or of another version."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.remote.hosts import fake_ssh
from tests.trackers.recorded import alike, first_attempt, new_run, record, recorded, steps
from tuitrain.errors import UsageError
from tuitrain.remote import connection as connecting
from tuitrain.remote.connection import HostConnection, HostError
from tuitrain.remote.hosts import Host, load_hosts, named_hosts
from tuitrain.remote.pull import pull_run
from tuitrain.remote.reader import RemoteList
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder below which each host has its runs."""
    folder = tmp_path / "there"
    for name, value in fake_ssh(tmp_path / "bin", folder).items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def run(runs: Path) -> RunDirectory:
    directory = new_run(runs / "gpu1")
    first_attempt(directory)
    return directory


@pytest.fixture
def gpu1(run: RunDirectory) -> Iterator[HostConnection]:
    del run
    connection = HostConnection(Host("gpu1"))
    yield connection
    connection.close()


def test_what_a_login_prints_is_skipped_and_a_host_that_died_is_asked_again(
    run: RunDirectory, gpu1: HostConnection
) -> None:
    assert [each.id for each in RemoteList(gpu1).read()] == [run.id]
    assert gpu1.standing.fault == ""
    process = gpu1._process
    assert process is not None
    process.kill()
    process.wait()
    with pytest.raises(HostError, match="gpu1: "):
        gpu1.ask("runs", [])
    assert "gpu1: " in gpu1.standing.fault
    # Not asked again at once: another one that hangs would hold up whoever asks.
    with pytest.raises(HostError):
        gpu1.ask("runs", [])
    deadline = time.monotonic() + 60
    while True:
        try:
            gpu1.ask("runs", [])
            break
        except HostError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert (gpu1.connections, gpu1.standing.fault) == (2, "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dead", "dead: ssh: connect to host dead port 22: Connection refused"),
        ("bare", "bare: sh: 1: tuitrain: not found; `command` in hosts.toml says where"),
        ("old", "old: its tuitrain 9.9 speaks protocol 99, this one 1: install the same version"),
        ("silent", "silent: no answer for"),
    ],
)
def test_a_host_that_is_of_no_use_says_why(
    runs: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    del runs
    monkeypatch.setattr(connecting, "CONNECT_S", 1.0 if name == "silent" else 60.0)
    connection = HostConnection(Host(name))
    with pytest.raises(HostError) as caught:
        connection.ask("runs", [])
    assert text in str(caught.value)
    connection.close()


def test_a_host_that_does_not_answer_is_told_beside_the_others_runs(
    run: RunDirectory, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tuitrain", "ls", "--host", "gpu1", "--host", "dead"],
        env={**os.environ, "TUITRAIN_RUNS": str(tmp_path / "here")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    heading, row = done.stdout.splitlines()
    assert heading.split()[:2] == ["HOST", "NAME"]
    assert row.split()[:2] == ["gpu1", "tracked"]
    assert "dead: ssh: connect to host" in done.stderr
    asked = ("ls", "--host", "gpu1", "--filter", "optimizer.lr=0.01", "--columns", "host,lr")
    listed = subprocess.run(
        [sys.executable, "-m", "tuitrain", *asked],
        env={**os.environ, "TUITRAIN_RUNS": str(tmp_path / "here")},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert listed.splitlines()[1].split() == ["tracked", "gpu1", "0.0100"]
    shown = subprocess.run(
        [sys.executable, "-m", "tuitrain", "show", "--host", "gpu1", run.id, "--chart"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "4 not finite" in shown.stdout
    told = subprocess.run(
        [sys.executable, "-m", "tuitrain", "set", "--host", "gpu1", run.id, "optimizer.lr=0.1"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode
    assert f"gpu1: {run.id} is not live" in told.stderr


def test_the_machines_of_hosts_are_one_list(runs: Path, tmp_path: Path) -> None:
    (runs / "gpu1").mkdir()
    asked = ("gpus", "--host", "gpu1", "--host", "dead")
    environment = {**os.environ, "TUITRAIN_RUNS": str(tmp_path / "here")}
    done = subprocess.run(
        [sys.executable, "-m", "tuitrain", *asked], env=environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    heads = [line for line in done.stdout.splitlines() if line.startswith("== ")]
    assert heads == [f"== {socket.gethostname()}", "== gpu1", "== dead: no answer"]
    assert done.stdout.count("\nhost  ") == 2
    found = json.loads(
        subprocess.run(
            [sys.executable, "-m", "tuitrain", *asked, "--json"], env=environment,
            capture_output=True, text=True, check=True,
        ).stdout
    )  # fmt: skip
    assert [each["host"] for each in found] == [socket.gethostname(), "gpu1", "dead"]
    assert found[1]["readings"]["host/memory_total_bytes"] > 0
    assert "Connection refused" in found[2]["error"]


def test_hosts_are_described_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "hosts.toml"
    assert load_hosts(path) == {}
    path.write_text('[box]\nssh = "me@box.example"\ncommand = "/opt/venv/bin/tuitrain"\n'
                    'runs = "/data/my runs"\n')  # fmt: skip
    [box, other] = named_hosts(["box", "other", "box"], load_hosts(path))
    assert box.words()[-2:] == [
        "me@box.example",
        "/opt/venv/bin/tuitrain serve-stdio --runs-dir '/data/my runs'",
    ]
    assert other == Host("other")
    for text, problem in (
        ("[a]\nport = 2", "a.port: unknown; allowed: ssh, command, runs"),
        ("[a]\nssh = 2", "a.ssh: found 2, must be text"),
        ("a = 1", "a host is a table"),
        ("[a", "can't be read"),
    ):
        path.write_text(text)
        with pytest.raises(UsageError, match=problem):
            load_hosts(path)
    with pytest.raises(UsageError, match="a name of ssh's is wanted"):
        named_hosts(["-oProxyCommand=x"], {})


def test_a_run_is_copied_while_it_is_written(run: RunDirectory, tmp_path: Path) -> None:
    (run.checkpoints / "step-00000100.pt").write_bytes(b"weights")
    (run.checkpoints / "last.pt").symlink_to("step-00000100.pt")
    run.lock_path.write_text("{}")
    record(run, 2, *steps(131, 140))
    here = tmp_path / "here"
    pulled = pull_run(Host("gpu1"), "tracked", here)
    assert pulled.path == here / run.id
    alike(recorded(pulled), recorded(run))
    assert (pulled.checkpoints / "last.pt").read_bytes() == b"weights"
    assert pulled.config_path.read_text() == run.config_path.read_text()
    assert not pulled.lock_path.exists()
    with RunReader(pulled) as reader:
        assert reader.state().state == "lost"
    with pytest.raises(UsageError, match=r"is in .* already"):
        pull_run(Host("gpu1"), "tracked", here)
    with pytest.raises(HostError, match=r"gpu1: .*no run 'other'"):
        pull_run(Host("gpu1"), "other", here)
    with pytest.raises(HostError, match="Connection refused"):
        pull_run(Host("dead"), "tracked", here)
    assert [path.name for path in here.iterdir()] == [run.id]
