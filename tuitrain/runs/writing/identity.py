"""Where and by whom a run was started, for the record.

Knows nothing of presets or of the database.
"""

import getpass
import platform
import socket
import subprocess
from pathlib import Path

from tuitrain import __version__

_GIT_LIMIT_S = 2.0


def describe_origin(cwd: Path) -> dict[str, object]:
    """Return version, host, user, folder and git commit as plain JSON data."""
    return {
        "tuitrain_version": __version__,
        "python": platform.python_version(),
        "host": socket.gethostname(),
        "user": user_name(),
        "cwd": str(cwd),
        "git_commit": git_commit(cwd),
    }


def user_name() -> str:
    """Return the name of the user, or the number where the system has no name for it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        import os

        return str(os.getuid())


def git_commit(folder: Path) -> str:
    """Return the commit that is checked out in `folder`; empty outside git or without it."""
    try:
        result = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", "HEAD"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_GIT_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""
