"""Saves state without holding training up: copied at the step boundary, written by a thread.

The copy goes into buffers that are reused from one checkpoint to the next. One checkpoint is in
flight at a time.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tuitrain.messages import CheckpointRemoved, CheckpointSaved, Event
from tuitrain.training.checkpoints.files import FORMAT, CheckpointFolder, size_of
from tuitrain.training.checkpoints.parts import PartsPolicy
from tuitrain.training.checkpoints.saveable import (
    Place,
    copy_nested,
    digest_state,
    require_saveable,
)
from tuitrain.training.checkpoints.sharded import whole


class HostStaging:
    """Host memory that a nested state is copied into, again and again."""

    def __init__(self) -> None:
        self._held: dict[Place, Tensor] = {}

    def copy(self, state: Any) -> Any:
        """Return the state with every tensor copied to the host; waits for the device once.

        Of tensors that are sharded each is made whole: the other ranks call `bring_parts`.
        """
        copied = copy_nested(state, self._copy_tensor)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return copied

    def _copy_tensor(self, value: Tensor, place: Place) -> Tensor:
        if value.is_meta:
            # The parts of it are written by themselves.
            return value
        value = whole(value.detach())
        if value.layout is not torch.strided:
            return value.cpu().clone()
        held = self._held.get(place)
        if held is None or held.shape != value.shape or held.dtype != value.dtype:
            held = torch.empty_like(value, device="cpu", pin_memory=value.is_cuda)
            self._held[place] = held
        return held.copy_(value, non_blocking=True)


@dataclass(frozen=True, slots=True)
class _Job:
    state: dict[str, Any]
    parts: dict[str, Tensor] | None
    """This rank's parts of what is sharded, where each rank writes its own; None: it is whole."""
    step: int
    names: tuple[str, ...]
    keep: int
    held_up_s: float
    metrics: dict[str, float]


class CheckpointWriter:
    """Writes one checkpoint at a time, in a thread."""

    def __init__(self, folder: CheckpointFolder, run_directory: Path) -> None:
        self._folder = folder
        self.run_directory = run_directory
        self._buffers = HostStaging()
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None
        self._failed: _Job | None = None
        self.parts = PartsPolicy()
        """Says whether each rank writes its part."""
        self.send: Callable[[Event], None] = lambda _event: None
        self.newest: CheckpointSaved | None = None
        """The newest whole file."""
        self._begun_step: int | None = None
        self._proven = False
        """Whether a file of this process was read back."""

    @property
    def busy(self) -> bool:
        """Whether a checkpoint is being written."""
        return self._thread is not None and self._thread.is_alive()

    def has(self, step: int) -> bool:
        """Return whether a step's checkpoint is in place, or being written."""
        return step in (self._begun_step, self.newest.step if self.newest else None)

    def wait(self) -> None:
        """Wait for the checkpoint in flight.

        Raises:
            OSError: it could not be written.
        """
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.check()

    def settle(self) -> Exception | None:
        """Wait for the checkpoint in flight; return why it could not be written, if so."""
        try:
            self.wait()
        except Exception as error:  # a full disk, or a state that can't be saved: it is told
            return error
        return None

    def check(self) -> None:
        """Raise what went wrong with a checkpoint written meanwhile.

        Raises:
            OSError: it could not be written.
        """
        error, self._error = self._error, None
        if error is not None:
            raise error

    def save(
        self,
        collect: Callable[[], Mapping[str, Any]],
        *,
        step: int,
        names: tuple[str, ...],
        keep: int,
        metrics: Mapping[str, float],
    ) -> None:
        """Copy the state that `collect` returns and let a thread write it.

        Raises:
            OSError: the checkpoint before could not be written.
        """
        started = time.perf_counter()
        self.wait()
        state, parts = self.parts.take(collect())
        state = self._buffers.copy(state)
        held_up_s = time.perf_counter() - started
        self._start(_Job(state, parts, step, names, keep, held_up_s, dict(metrics)))

    def retry(self) -> None:
        """Write the checkpoint that failed once more: the buffers still hold its state.

        Raises:
            OSError: it could not be written.
        """
        if self._failed is not None:
            self._start(self._failed)
            self.wait()

    def _start(self, job: _Job) -> None:
        self._failed = None
        self._begun_step = job.step
        self._thread = threading.Thread(target=self._run, args=(job,), name="checkpoint")
        self._thread.start()

    def _run(self, job: _Job) -> None:
        started = time.perf_counter()
        try:
            require_saveable(job.state, job.step)
            path, digest = self._write(job)
            self._proven = True
            self._folder.point(job.names, path)
            removed = self._folder.make_room(job.keep)
        except Exception as error:  # handed to the loop, which raises it at the next boundary
            self._failed, self._error, self._begun_step = job, error, None
            return
        self.newest = CheckpointSaved(
            time=time.time(),
            step=job.step,
            path=self._relative(path),
            names=job.names,
            digest=digest,
            size_bytes=size_of(path),
            held_up_s=job.held_up_s,
            write_s=time.perf_counter() - started,
            metrics=job.metrics,
        )
        self.send(self.newest)
        for old in removed:
            self.send(CheckpointRemoved(time.time(), self._relative(old), "made room"))

    def _write(self, job: _Job) -> tuple[Path, str]:
        """Write a job's file or folder; return where it is, and the digest of what is in it."""
        state = {"format": FORMAT, **job.state}
        if job.parts is not None:
            put = partial(self._folder.write_parts, state, job.step)
            return self.parts.lead(put, job.parts)
        digest = digest_state(job.state["model"])
        path = self._folder.write({**state, "digest": digest}, job.step, prove=not self._proven)
        return path, digest

    def add_names(self, names: tuple[str, ...]) -> None:
        """Let more names point to the newest file, once it is whole.

        Raises:
            OSError: it could not be written, or the folder can't.
        """
        self.wait()
        if self.newest is None or set(names) <= set(self.newest.names):
            return
        self._folder.point(names, self.run_directory / self.newest.path)
        every = tuple(dict.fromkeys((*self.newest.names, *names)))
        self.newest = replace(self.newest, time=time.time(), names=every)
        self.send(self.newest)

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self.run_directory))
