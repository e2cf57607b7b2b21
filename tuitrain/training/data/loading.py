"""A DataLoader's workers as seen from the loop: batches, or one clear error.

A loader worker may raise anything, be killed, or leave by itself. Torch tells of the last two by
raising from a signal handler, wherever the loop happens to be; here they are told where a batch is
waited for, and nowhere else.
"""

import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any

from torch import Tensor
from torch.utils.data import get_worker_info

from tuitrain.errors import SampleError, TrainingError
from tuitrain.training.memory.oom_report import is_out_of_memory

Loaded = tuple[Tensor, Tensor, Tensor]
"""Inputs, targets, and the samples' numbers."""

_DYING_S = 5.0
"""A batch whose loader is gone fails before its process is seen to have ended."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a data set raised, as plain text: an exception may not survive the way by itself."""

    text: str
    """One sentence."""
    trace: str
    notes: tuple[str, ...]
    kind: type[Exception]
    """What it is raised as in the training process."""

    def error(self) -> Exception:
        """Return it as an error."""
        error = self.kind(self.text)
        if isinstance(error, SampleError):
            error.detail = self.trace
        for note in self.notes:
            error.add_note(note)
        return error


def describe_failure(error: BaseException) -> Failure:
    """Take down what a data set raised, in whichever process that was."""
    notes = tuple(getattr(error, "__notes__", ()))
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, TrainingError):
        return Failure(str(error), trace, notes, TrainingError)
    words = str(error).strip().partition("\n")[0]
    text = f"{type(error).__name__}: {words}" if words else type(error).__name__
    worker = get_worker_info()
    if worker is not None:
        text += f" (in DataLoader worker process {worker.id})"
    return Failure(text, trace, notes, MemoryError if is_out_of_memory(error) else SampleError)


def handed_on(error: BaseException) -> bool:
    """Say whether an error has to be handed on as a `Failure` and can't be raised as it is.

    A loader that raises what is no `Exception` dies of it, and torch takes a `StopIteration` for
    the end of the samples.
    """
    in_worker = get_worker_info() is not None
    return in_worker or not isinstance(error, Exception) or isinstance(error, StopIteration)


class Loading:
    """The batches of one DataLoader, and the end of its workers."""

    def __init__(self, begin: Callable[[], Iterator[Loaded | Failure]]) -> None:
        """Start the loader that `begin` makes an iterator of."""
        before = signal.getsignal(signal.SIGCHLD)
        self._batches = begin()
        if threading.current_thread() is threading.main_thread():
            # Torch's handler raises in the middle of an update or of a save.
            signal.signal(signal.SIGCHLD, signal.SIG_DFL if _is_of_torch(before) else before)

    def __iter__(self) -> "Loading":
        return self

    def __next__(self) -> Loaded:
        """Wait for the next batch.

        Raises:
            TrainingError: a loader worker died, or a sample is at fault.
            Exception: what else the data set raised.
        """
        try:
            loaded = next(self._batches)
        except (RuntimeError, OSError, EOFError) as error:
            death = self._death()
            if death is None:
                raise
            raise death from error
        if isinstance(loaded, Failure):
            raise loaded.error()
        return loaded

    def _death(self) -> TrainingError | None:
        """Return which loader worker has died and how; None: they all live."""
        workers = getattr(self._batches, "_workers", ())
        if not workers:
            return None
        gone = wait([worker.sentinel for worker in workers], _DYING_S)
        for worker in workers:
            if worker.sentinel in gone:
                # Its files are closed a moment before it can be waited for.
                worker.join(_DYING_S)
            code = worker.exitcode
            if code is not None:
                return TrainingError(f"DataLoader worker (pid {worker.pid}) {_ending(code)}")
        return None

    def close(self) -> None:
        """End the workers at once; torch else leaves that to garbage collection."""
        shut_down = getattr(self._batches, "_shutdown_workers", None)
        if shut_down is not None:
            shut_down()


def _ending(code: int) -> str:
    if code < 0:
        return f"was killed by signal: {signal.strsignal(-code) or -code}"
    return f"ended by itself with exit code {code}, as os._exit does"


def _is_of_torch(handler: Any) -> bool:
    return str(getattr(handler, "__module__", "")).startswith("torch.")
