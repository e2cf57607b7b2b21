"""Through a real sshd: the connection is cut, and the run and the interface come through."""

import getpass
import os
import shlex
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.process.conftest import Cli, until
from tests.terminal.conftest import TUITRAIN, terminal_environ
from tests.terminal.ptys import Terminal

SSHD = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")
pytestmark = [
    pytest.mark.skipif(SSHD is None, reason="sshd is not installed"),
    pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed"),
]
SETTINGS = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile {folder}/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
"""


@dataclass(frozen=True, slots=True)
class Server:
    """An sshd on the loopback address that lets the test in."""

    port: int
    folder: Path

    def command(self, remote: str) -> list[str]:
        """Return a command that runs `remote` over there in a terminal."""
        options = [
            f"IdentityFile={self.folder}/user_key", "IdentitiesOnly=yes",
            f"UserKnownHostsFile={self.folder}/known_hosts", "StrictHostKeyChecking=no",
            f"Port={self.port}", f"User={getpass.getuser()}",
        ]  # fmt: skip
        flags = [part for option in options for part in ("-o", option)]
        return ["ssh", "-F", "none", "-tt", *flags, "127.0.0.1", remote]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "ssh"
    folder.mkdir()
    for name in ("host_key", "user_key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "config").write_text(SETTINGS.format(port=port, folder=folder))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    log = folder / "sshd.log"
    command = [str(SSHD), "-D", "-f", str(folder / "config"), "-E", str(log)]
    process = subprocess.Popen(command)
    try:
        until(lambda: log.exists() and "listening" in log.read_text(), "sshd listens")
        yield Server(port, folder)
    finally:
        process.terminate()
        process.wait()


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
