"""Two machines on one: a network namespace each, with a name of its own, joined by a cable."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.process.conftest import Cli

ADDRESSES = ("10.77.0.1", "10.77.0.2")
HOSTS = ("alpha", "beta")


def _ip(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=False)


class Machines:
    """The two of them, and what is started on each."""

    def __init__(self, cli: Cli) -> None:
        self.cli = cli
        self.names = [f"tt{host}{os.getpid()}" for host in HOSTS]

    def before(self, machine: int, hidden: Path | None = None) -> tuple[str, ...]:
        """Return the words before a command that let it run on a machine.

        Args:
            machine: which one.
            hidden: a folder that it does not see, as one of another machine's disk.
        """
        name, host = self.names[machine], HOSTS[machine]
        mount = f"mount -t tmpfs none {shlex.quote(str(hidden))} && " if hidden else ""
        named = ("unshare", "--uts", "--mount", "sh", "-c", f'{mount}hostname "$0" && exec "$@"')
        return ("ip", "netns", "exec", name, *named, host)

    def start(
        self, machine: int, *arguments: str, hidden: Path | None = None
    ) -> "subprocess.Popen[str]":
        """Start a command of tuitrain's on a machine; what it prints is kept together."""
        before = self.before(machine, hidden)
        return self.cli.start(*arguments, before=before, stderr=subprocess.STDOUT)

    @contextmanager
    def hosts(self, text: str) -> Iterator[None]:
        """Let both know machines by names, as /etc/hosts has them, for what is started then."""
        folders = [Path("/etc/netns") / name for name in self.names]
        try:
            for folder in folders:
                folder.mkdir(parents=True)
                (folder / "hosts").write_text(text)
            yield
        finally:
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)

    def start_both(
        self, *arguments: str, hidden: Path | None = None
    ) -> "list[subprocess.Popen[str]]":
        """Start a command as both nodes of a run; `hidden` is a folder that node 1 does not see."""
        meet = ("--nodes", "2", "--rendezvous", f"{ADDRESSES[0]}:29500", "--node-rank")
        sees = (None, hidden)
        return [
            self.start(node, *arguments, *meet, str(node), hidden=sees[node]) for node in (0, 1)
        ]

    def pids(self, machine: int) -> list[int]:
        """Return the processes on a machine."""
        return [int(pid) for pid in _ip("netns", "pids", self.names[machine]).stdout.split()]

    def kill(self, machine: int) -> None:
        """Let a machine go down: all of its processes at once."""
        for pid in self.pids(machine):
            psutil.Process(pid).kill()

    def link(self, state: str) -> None:
        """Pull the cable (`down`), or plug it in again (`up`)."""
        _ip("-n", self.names[1], "link", "set", "eth0", state)


@contextmanager
def machines(cli: Cli) -> Iterator[Machines]:
    """Make two machines, and leave nothing of them; skip where that is not allowed."""
    if os.geteuid() or shutil.which("ip") is None or shutil.which("unshare") is None:
        pytest.skip("needs root, and the programs ip and unshare")
    both = Machines(cli)
    cable = [f"tt{end}{os.getpid()}" for end in "ab"]
    try:
        for name in both.names:
            if (made := _ip("netns", "add", name)).returncode:
                pytest.skip(f"no network namespace can be made here: {made.stderr.strip()}")
        made = _ip("link", "add", cable[0], "type", "veth", "peer", "name", cable[1])
        if made.returncode:
            pytest.skip(f"no pair of interfaces can be made here: {made.stderr.strip()}")
        for name, end, address in zip(both.names, cable, ADDRESSES, strict=True):
            _ip("link", "set", end, "netns", name, "name", "eth0")
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
            for interface in ("lo", "eth0"):
                _ip("-n", name, "link", "set", interface, "up")
        yield both
    finally:
        for machine, name in enumerate(both.names):
            both.kill(machine)
            _ip("netns", "del", name)


def words(process: "subprocess.Popen[str]") -> Any:
    """Wait for the end of a command; return its exit code and all that it printed."""
    text, _ = process.communicate(timeout=240)
    return process.returncode, text
