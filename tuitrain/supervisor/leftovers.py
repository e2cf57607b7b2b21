"""What those that were killed leave behind: a worker that lives on, and files half-written."""

import os
from pathlib import Path

from tuitrain.checkpoint_files import UNFINISHED, remove
from tuitrain.errors import RunBusyError
from tuitrain.file_lock import is_held, read_holder
from tuitrain.runs.directory import RunDirectory
from tuitrain.supervisor.worker_process import kill_group, wait_until

_OLD_WORKER_S = 20.0


def outlast_old_worker(lock_path: Path) -> None:
    """Wait for a worker whose supervisor was killed: it is about to checkpoint and end.

    Args:
        lock_path: of the run's worker.

    Raises:
        RunBusyError: it does not end, and does not run on this machine.
    """
    if wait_until(lambda: not is_held(lock_path), _OLD_WORKER_S):
        return
    holder = read_holder(lock_path)
    if holder is None or holder.host != os.uname().nodename:
        where = holder.host if holder else "another machine"
        raise RunBusyError(f"an earlier worker of this run is still alive on {where}")
    kill_group(holder.pid)
    if not wait_until(lambda: not is_held(lock_path), _OLD_WORKER_S):
        raise RunBusyError(f"an earlier worker, process {holder.pid}, does not end")


def sweep(directory: RunDirectory) -> None:
    """Remove what a killed worker left half-done.

    Raises:
        OSError: something can't be removed.
    """
    for leftover in directory.checkpoints.glob(f".*{UNFINISHED}"):
        remove(leftover)
    directory.stacks_path.unlink(missing_ok=True)
    if not is_held(directory.script_lock_path):
        directory.script_lock_path.unlink(missing_ok=True)
    for leftover in directory.profiles.glob("*/.*.tmp"):
        leftover.unlink(missing_ok=True)
    log_path = directory.supervisor_log_path
    if log_path.exists() and not log_path.stat().st_size:
        log_path.unlink()
    if not is_held(directory.worker_lock_path):
        directory.worker_lock_path.unlink(missing_ok=True)
