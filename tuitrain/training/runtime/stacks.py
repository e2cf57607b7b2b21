"""Lets this process and those it forks write where each of their threads is, at a signal.

The handler is python's own, in C: it works while the interpreter is held by a lock or a call into
native code, and touches nothing of the training.
"""

import faulthandler
import os
import signal
from pathlib import Path

STACKS_SIGNAL = signal.SIGUSR2


def write_stacks_at_signal(path: Path) -> None:
    """Let SIGUSR2 append the stacks of all threads to a file.

    Loader workers are forked, so they inherit handler and descriptor. System calls that the signal
    interrupts are restarted: the handler is installed with SA_RESTART.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    faulthandler.register(STACKS_SIGNAL, file=descriptor, all_threads=True, chain=False)
