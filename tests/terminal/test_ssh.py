"""Through a real sshd: the connection is cut, and the run and the interface come through."""

import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.process.conftest import Cli, until
from tests.terminal.conftest import TUITRAIN, terminal_environ
from tests.terminal.ptys import Terminal
from tests.terminal.sshd import SSHD, Server, serving

pytestmark = [
    pytest.mark.skipif(SSHD is None, reason="sshd is not installed"),
    pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "ssh") as found:
        yield found


@pytest.fixture
def log_in(cli: Cli, server: Server) -> Iterator[Callable[..., Terminal]]:
    """Run `tuitrain` over there; connections that are left are cut with the test."""
    opened: list[Terminal] = []

    def start(*arguments: str) -> Terminal:
        environ = terminal_environ(cli)
        names = ("PYTHONPATH", "TUITRAIN_RUNS", "TUITRAIN_DATA", "XDG_CONFIG_HOME")
        kept = [f"{name}={environ[name]}" for name in (*names, "OMP_NUM_THREADS", "LANG")]
        remote = shlex.join(["env", *kept, *TUITRAIN, *arguments])
        command = server.command(f"cd {shlex.quote(str(cli.folder))} && exec {remote}")
        opened.append(Terminal(command, environ, cli.folder))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


def test_a_cut_connection_leaves_the_run_alone_and_attaching_goes_on(
    cli: Cli, log_in: Callable[..., Terminal]
) -> None:
    first = log_in("run", str(cli.preset()), "--tui")
    first.wait_text("space pause")
    run = cli.wait_only()
    run.wait_step(30)
    first.process.kill()
    assert first.wait_end() < 0
    until(lambda: not interfaces(cli), "the interface over there has ended")
    run.wait_step(run.step + 50)
    assert run.state().state == "running"

    again = log_in("attach", "last")
    again.wait_text("space pause")
    again.send(b"s")
    again.wait_text("Stop ")
    again.send(b"y")
    assert run.wait_state("stopped")
    again.send(b"\x03")
    assert again.wait_end() == 0
    run.wait_gone()


def interfaces(cli: Cli) -> list[int]:
    """Return the processes of this test that show the interface: those that have a terminal."""
    return [process.pid for process in cli.processes() if process.terminal()]
