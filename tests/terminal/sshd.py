"""A real sshd on the loopback address, with keys of its own."""

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.process.conftest import until

SSHD = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")
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
        return ["ssh", *self.flags, "-tt", "127.0.0.1", remote]

    @property
    def flags(self) -> list[str]:
        """Options of `ssh` that lead here, whatever the user's own configuration says."""
        options = [
            f"IdentityFile={self.folder}/user_key", "IdentitiesOnly=yes",
            f"UserKnownHostsFile={self.folder}/known_hosts", "StrictHostKeyChecking=no",
            f"Port={self.port}", f"User={getpass.getuser()}",
        ]  # fmt: skip
        return ["-F", "none", *(part for option in options for part in ("-o", option))]


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Run an sshd with keys of its own in a folder."""
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
