"""Profiles on disk: the trace, its digest beside it, and working the one out of the other.

Knows the folder of a profile; nothing of the record.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tuitrain.errors import ProfileError
from tuitrain.metric_names import PROFILE_DIGEST, PROFILE_TRACE
from tuitrain.whole_file import written_whole

DIGEST_FORMAT = 1


def profile_name(command_id: int) -> str:
    """Return what a profile is called: by the command that asked for it."""
    return f"p{command_id}"


def profile_folder(run_folder: Path, name: str) -> Path:
    """Return the folder of one of a run's profiles."""
    return run_folder / "profiles" / name


def trace_path(run_folder: Path, name: str) -> Path:
    """Return the trace of one of a run's profiles."""
    return profile_folder(run_folder, name) / PROFILE_TRACE


def load_digest(run_folder: Path, name: str) -> dict[str, Any]:
    """Return what a profile says, working it out first where nobody did yet.

    That takes seconds, in a process of its own: whoever asks may have keys to answer meanwhile.

    Raises:
        ProfileError: there is neither a digest nor a trace that can be read.
    """
    known = read_digest(run_folder, name)
    if known is not None:
        return known
    if not trace_path(run_folder, name).exists():
        raise ProfileError(
            f"profile {name} has no trace any more: {trace_path(run_folder, name)} is missing"
        )
    with begin_digest(run_folder, name) as process:
        _, said = process.communicate()
    if process.returncode:
        raise ProfileError(last_line(said) or f"profile {name} could not be read")
    known = read_digest(run_folder, name)
    if known is None:
        raise ProfileError(f"profile {name} could not be kept in {run_folder}")
    return known


def read_digest(run_folder: Path, name: str) -> dict[str, Any] | None:
    """Return the digest that is there; None for none, or one that another version wrote."""
    path = profile_folder(run_folder, name) / PROFILE_DIGEST
    try:
        digest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    known = isinstance(digest, dict) and digest.get("format") == DIGEST_FORMAT
    return digest if known else None


def begin_digest(run_folder: Path, name: str) -> "subprocess.Popen[bytes]":
    """Start the process that writes a profile's digest; what goes wrong is on its stderr."""
    return subprocess.Popen(
        # -P: a file called random.py in the current folder must not be imported.
        [sys.executable, "-P", "-m", "tuitrain.traces", str(run_folder), name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def write_digest(run_folder: Path, name: str) -> None:
    """Read a profile's trace and write its digest, whole or not at all.

    Raises:
        ProfileError: the trace can't be read.
        OSError: the digest can't be written.
    """
    # Here alone: the supervisor and the interface only read digests.
    from tuitrain.traces.digest import digest_events
    from tuitrain.traces.stream import read_events

    folder = profile_folder(run_folder, name)
    digest = digest_events(name, read_events(folder / PROFILE_TRACE))
    # Two may work it out at once: the supervisor, and somebody who can't wait.
    with written_whole(folder / PROFILE_DIGEST) as draft:
        draft.write_text(json.dumps(digest, separators=(",", ":")), encoding="utf-8")


def last_line(said: bytes) -> str:
    """Return the last line of what a process wrote."""
    lines = said.decode("utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
