"""What a run waits for, and the folder where runs of one box meet that do.

Knows nothing of processes and locks.
"""

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tuitrain.errors import FolderError, UsageError

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?B?|B)?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a run waits for before it starts."""

    places: int = 1
    """GPUs; or slots, where `slots` is set."""
    memory_bytes: int = 0
    """A GPU with so much free memory will do; 0: it has to be empty."""
    slots: int = 0
    """The box counts as so many slots and its GPUs are not asked; 0: GPUs are meant."""
    after: str = ""
    """The folder of a run that has to be finished first."""
    gives_way: bool = False
    """The run pauses and gives its places back while another one waits for them."""


def parse_size(text: str) -> int:
    """Return the bytes of a size such as 10GiB, 512M or 1.5G, all by powers of 1024.

    Raises:
        UsageError: it is no size.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None or not float(found[1]):
        raise UsageError(f"--memory {text!r}: must be a size such as 10GiB or 512MiB")
    unit = (found[2] or "").lower().rstrip("b").rstrip("i")
    return int(float(found[1]) * _UNITS[unit])


def refuse_under_scheduler(environ: Mapping[str, str] = os.environ) -> None:
    """Refuse to wait where a scheduler has given this process its GPUs.

    Raises:
        UsageError: SLURM started this process.
    """
    job = environ.get("SLURM_JOB_ID")
    if job:
        raise UsageError(
            f"--when-free: job {job} of SLURM has its GPUs from the scheduler, which keeps the "
            "queue here; leave --when-free out, or take `tuitrain submit` for a job of its own"
        )


def leases_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the runs of this box meet: $TUITRAIN_LEASES, else a folder of the user's own.

    Raises:
        UsageError: $TUITRAIN_LEASES names no folder.
        FolderError: the user's own can't be made.
    """
    named = environ.get("TUITRAIN_LEASES")
    if named:
        folder = Path(named).expanduser()
        if not folder.is_dir():
            raise UsageError(
                f"TUITRAIN_LEASES={named}: there is no such folder; for one that all users of "
                f"this box share: mkdir -m 1777 {named}"
            )
        return folder
    import platformdirs

    # Not below /run/user, which goes with the user's last session while runs go on; and by host,
    # as a home may be shared by many.
    folder = platformdirs.user_state_path("tuitrain") / "leases" / socket.gethostname()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise FolderError.of(folder, error, "can't be made", "TUITRAIN_LEASES names another") from (
            error
        )
    return folder
