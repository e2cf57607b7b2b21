"""Two hosts by a real sshd on the loopback address, one of them cut off in the middle."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.process.conftest import ENDLESS, until
from tests.remote.hosts import PROJECT
from tests.terminal.sshd import SSHD, serving
from tests.trackers.recorded import alike, first_attempt, new_run, record, recorded, steps
from tuitrain.errors import TuitrainError
from tuitrain.file_lock import is_held, read_holder
from tuitrain.messages import ChangeSetting, SaveCheckpoint, Stop
from tuitrain.remote.client import RemoteClient
from tuitrain.remote.connection import HostConnection, HostError
from tuitrain.remote.hosts import Host
from tuitrain.remote.pull import pull_run
from tuitrain.remote.reader import RemoteList, RemoteReader, find_remote
from tuitrain.remote.registry import Hosts
from tuitrain.runs.upkeep.trash import list_trash

pytestmark = [
    pytest.mark.skipif(SSHD is None, reason="sshd is not installed"),
    pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed"),
]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A host whose ssh is the real one, led to an sshd of the test's own."""
    with serving(tmp_path / "ssh") as server:
        script = tmp_path / "bin" / "ssh"
        script.parent.mkdir()
        real = shutil.which("ssh")
        script.write_text(f'#!/bin/sh\nexec {real} {shlex.join(server.flags)} "$@"\n')
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
        command = f"env PYTHONPATH={shlex.quote(str(PROJECT))} {sys.executable} -m tuitrain"
        yield Host("box", "127.0.0.1", command, str(tmp_path / "there"))


def test_a_run_is_read_and_copied_over_ssh_and_a_cut_connection_comes_back(
    host: Host, tmp_path: Path
) -> None:
    run = new_run(Path(host.runs))
    first_attempt(run)
    one, other = HostConnection(host), HostConnection(host)
    try:
        assert [each.id for each in RemoteList(one).read()] == [run.id]
        reader = RemoteReader(find_remote(other, "last"))
        before = reader.version()
        found = {name: reader.curves.points(name) for name in reader.curves.metric_names()}
        alike(found, recorded(run))
        assert one._process is not None
        one._process.kill()
        one._process.wait()
        with pytest.raises(HostError, match="box: "):
            one.ask("runs", [])
        # The other one does not notice.
        record(run, 2, *steps(131, 140))
        assert reader.version() != before
        alike({"lr": reader.curves.points("lr")}, {"lr": recorded(run)["lr"]})

        def answers() -> bool:
            try:
                return bool(RemoteList(one).read())
            except HostError:
                return False

        until(answers, "the connection is made again")
        pulled = pull_run(host, "tracked", tmp_path / "here")
        alike(recorded(pulled), recorded(run))
    finally:
        one.close()
        other.close()


def test_a_run_of_a_host_is_commanded_stopped_resumed_and_removed_over_ssh(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Path(host.runs)
    hosts_file = tmp_path / "settings" / "tuitrain" / "hosts.toml"
    hosts_file.parent.mkdir(parents=True)
    facts = {"ssh": host.ssh, "command": host.command, "runs": host.runs}
    lines = [f"{name} = {json.dumps(value)}" for name, value in facts.items()]
    hosts_file.write_text("\n".join(["[box]", *lines]))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    preset = tmp_path / "endless.toml"
    preset.write_text(ENDLESS)
    command = [sys.executable, "-m", "tuitrain", "run", str(preset), "--detach"]
    subprocess.run(
        [*command, "--runs-dir", str(there)], check=True, capture_output=True, cwd=tmp_path
    )
    connection = HostConnection(host)
    client = RemoteClient(Hosts([connection]))
    try:
        run = find_remote(connection, "last")
        reader = RemoteReader(run)

        def done(request: ChangeSetting | SaveCheckpoint | Stop) -> str:
            answer = client.wait_for_answer(run, client.send(run, request), timeout_s=60.0)
            assert answer.outcome == "done", answer
            return answer.text

        def said(command: str, *words: str) -> str:
            ran = [sys.executable, "-m", "tuitrain", command, "--host", "box", *words]
            return subprocess.run(ran, capture_output=True, text=True, check=False).stderr

        def alive() -> bool:
            reader.version()
            return reader.alive

        until(lambda: reader.version() and reader.steps.progress(), "the first steps")
        assert "optimizer.lr" in done(ChangeSetting(0, "optimizer.lr", 0.25))
        done(SaveCheckpoint(name="mine"))
        assert any("mine" in each.names for each in find(reader).checkpoints())
        with pytest.raises(TuitrainError, match="stop it before going back"):
            client.resume(run, checkpoint="checkpoints/mine.pt")
        done(Stop())
        until(lambda: not alive(), "the end of its supervisor")
        with pytest.raises(TuitrainError, match=r"optimizer\.nothing"):
            client.resume(run, settings=["optimizer.nothing=1"])
        assert "it has: last, mine, step-" in said("resume", "last", "--from", "none")
        assert "--data-dir has no meaning" in said("resume", "last", "--data-dir", str(tmp_path))
        assert "running" in said("resume", "last", "--from", "mine")
        reader.version()
        assert len(reader.attempts()) == 2
        with pytest.raises(TuitrainError, match=r"run\.lock is held .*stop it"):
            client.remove(run)
        done(Stop())
        until(lambda: not alive(), "the end of its supervisor")
        assert "in the trash of box" in said("rm", "last", "--yes")
        assert RemoteList(connection).read() == ()
        assert [each.id for each in list_trash(there)] == [run.id]
    finally:
        connection.close()
        for lock in there.glob("*/run.lock"):
            if is_held(lock) and (holder := read_holder(lock)) is not None:
                os.kill(holder.pid, signal.SIGKILL)


def find(reader: RemoteReader) -> Any:
    """Return the entries as they are now."""
    reader.version()
    return reader.entries
