"""Which hosts there are: named on the command line, described in hosts.toml where that has to be.

Knows names and settings; nothing of connections.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from tuitrain.errors import UsageError

_KEYS = {"ssh": "", "command": "tuitrain", "runs": ""}
_SSH = ("ssh", "-T", "-C", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=5",
        "-o", "ServerAliveCountMax=3", "-o", "ConnectTimeout=10")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Host:
    """A machine, and how it is reached."""

    name: str
    ssh: str = ""
    """What `ssh` is told; empty: the name."""
    command: str = "tuitrain"
    """What starts tuitrain there: a shell without a login has no virtual environment's PATH."""
    runs: str = ""
    """The folder of its runs; empty: $TUITRAIN_RUNS or ./runs there."""

    def words(self, *options: str) -> list[str]:
        """Return the command that starts the far end."""
        folder = ("--runs-dir", self.runs) if self.runs else ()
        far = [self.command, *map(quote, ("serve-stdio", *folder, *options))]
        return [*_SSH, "--", self.ssh or self.name, " ".join(far)]


def hosts_file(config_folder: Path) -> Path:
    """Return where hosts are described."""
    return config_folder / "hosts.toml"


def load_hosts(path: Path) -> dict[str, Host]:
    """Read hosts.toml; no file: no hosts.

    Raises:
        UsageError: it is at fault; the text says where, and what is allowed.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read: {error}") from error
    return {name: _host(path, name, table) for name, table in found.items()}


def _host(path: Path, name: str, table: Any) -> Host:
    if not isinstance(table, dict):
        raise UsageError(f"{path}: {name}: a host is a table, as [{name}]")
    for key, value in table.items():
        if key not in _KEYS:
            raise UsageError(f"{path}: {name}.{key}: unknown; allowed: {', '.join(_KEYS)}")
        if not isinstance(value, str):
            raise UsageError(f"{path}: {name}.{key}: found {value!r}, must be text")
    return _checked(Host(name, **table))


def named_hosts(names: Sequence[str], known: dict[str, Host]) -> list[Host]:
    """Return the hosts that were named, each once.

    Raises:
        UsageError: a name can't be one.
    """
    return [known.get(name) or _checked(Host(name)) for name in dict.fromkeys(names)]


def _checked(host: Host) -> Host:
    for text in (host.name, host.ssh or host.name):
        if not text or text.startswith("-") or not text.isprintable() or "/" in text:
            raise UsageError(f"host {text!r}: a name of ssh's is wanted, as gpu1 or user@gpu1")
    return host
