"""Two hosts by a real sshd on the loopback address, one of them cut off in the middle."""

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.conftest import until
from tests.remote.hosts import PROJECT
from tests.terminal.sshd import SSHD, serving
from tests.trackers.recorded import alike, first_attempt, new_run, record, recorded, steps
from tuitrain.remote.connection import HostConnection, HostError
from tuitrain.remote.hosts import Host
from tuitrain.remote.pull import pull_run
from tuitrain.remote.reader import RemoteList, RemoteReader, find_remote

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
