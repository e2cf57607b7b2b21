"""A trace of some steps: torch.profiler from its preparation to a packed file on disk.

Knows nothing of commands or of when steps are taken.
"""

from __future__ import annotations

import gzip
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile, record_function

from tuitrain.metric_names import MODULE_MARK, PROFILE_TRACE, STEP_MARK

_PACKING_LEVEL = 4
"""A trace of 25 MB packs to a tenth in a quarter of a second; 9 takes four times as long."""


def device_in_use() -> torch.device:
    """Return the GPU of this process, where it uses one; else the CPU. Starts nothing on a GPU."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


class Recording(profile):
    """A recording of this program's, to be told from those of the script that is profiled."""


class Trace:
    """One recording; `prepare`, `start` and `stop` are called in the training thread."""

    def __init__(self, device: torch.device, *, stacks: bool) -> None:
        activities = [ProfilerActivity.CPU]
        if device.type == "cuda":
            activities.append(ProfilerActivity.CUDA)
        started = time.perf_counter()
        self._profile = Recording(
            activities=activities, record_shapes=True, profile_memory=True, with_stack=stacks
        )
        self.held_up_s = time.perf_counter() - started
        """How long the training thread was kept by making it and by the three calls."""

    def prepare(self) -> None:
        """Get ready while steps go on unrecorded; on a GPU this starts CUPTI.

        Raises:
            RuntimeError: the profiler can't work here.
        """
        self._time(self._profile.prepare_trace)

    def start(self) -> None:
        """Record from now on.

        Raises:
            RuntimeError: the profiler can't work here.
        """
        self._time(self._profile.start_trace)

    def stop(self) -> None:
        """Record no more.

        Raises:
            RuntimeError: the device failed meanwhile.
        """
        self._time(self._profile.stop_trace)

    def _time(self, call: Callable[[], Any]) -> None:
        started = time.perf_counter()
        call()
        self.held_up_s += time.perf_counter() - started

    def export(self, path: Path) -> int:
        """Write the trace as JSON and return its size; done once, in any thread.

        torch gives the interpreter free meanwhile, so training goes on.

        Raises:
            RuntimeError, OSError: it can't be written.
        """
        self._profile.export_chrome_trace(str(path))
        # torch tells no full disk: what it wrote then ends anywhere.
        with path.open("rb") as file:
            size_bytes = file.seek(0, 2)
            file.seek(max(0, size_bytes - 16))
            if not file.read().rstrip().endswith(b"}"):
                raise OSError(f"{path} could not be written whole; is the disk full?")
        return size_bytes


def write_packed(trace: Trace, folder: Path) -> tuple[int, int]:
    """Write a trace into its folder, whole or not at all; return its sizes as JSON and packed.

    Raises:
        RuntimeError, OSError: it can't be written.
    """
    plain, packed = folder / ".trace.json.tmp", folder / f".{PROFILE_TRACE}.tmp"
    try:
        size_bytes = trace.export(plain)
        with plain.open("rb") as source, gzip.open(packed, "wb", _PACKING_LEVEL) as target:
            shutil.copyfileobj(source, target, 1 << 20)
        packed.replace(folder / PROFILE_TRACE)
    finally:
        plain.unlink(missing_ok=True)
        packed.unlink(missing_ok=True)
    return size_bytes, (folder / PROFILE_TRACE).stat().st_size


def record_step(number: int) -> AbstractContextManager[Any]:
    """Mark what happens inside as one step, by the name that torch's own tools look for."""
    return record_function(f"{STEP_MARK}{number}")


@contextmanager
def modules_named(roots: Mapping[str, nn.Module]) -> Iterator[None]:
    """Let every forward pass of the modules and their parts be marked with its path.

    Hooks are on for the time of the block only, so that evaluation takes the same paths with and
    without a profile: torch's transformer layers take another one when they have hooks.

    Args:
        roots: by what the module itself is called; its parts are called by their paths.
    """
    open_marks = _OpenMarks()
    handles = []
    for title, root in roots.items():
        for path, module in root.named_modules():
            label = _label(path or title, module)
            handles.append(
                module.register_forward_pre_hook(partial(_open, open_marks, label), prepend=True)
            )
            handles.append(
                module.register_forward_hook(partial(_close, open_marks), always_call=True)
            )
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class ModuleNames:
    """Names every module that is called, whichever they are: those of a script are not known.

    Paths are those within the module that was called by none; of a second such module they begin
    with its class.

    Attributes:
        called: how often such a module was called since the step began.
    """

    def __init__(self, on_call: Callable[[], None]) -> None:
        """Name modules.

        Args:
            on_call: is called as one begins that is called by none.
        """
        self.called = 0
        self._on_call = on_call
        self._labels: dict[int, str] = {}
        self._roots: list[nn.Module] = []
        """Held, so that no other module has the number of one that is gone."""
        self._marks = _OpenMarks()

    def clear(self) -> None:
        """Let go of every module."""
        self._labels.clear()
        self._roots.clear()

    @contextmanager
    def marked(self) -> Iterator[None]:
        """Mark forward passes in the block, as `modules_named` does."""
        self.called = 0
        if _has_compiled():
            # Hooks on everything make torch compile it again, or warn.
            yield
            return
        calls = nn.modules.module
        handles = [
            calls.register_module_forward_pre_hook(self._open),
            calls.register_module_forward_hook(self._close, always_call=True),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            # Of passes that the end came in the middle of.
            self._marks.stack.clear()

    def _open(self, module: nn.Module, _inputs: Any) -> None:
        mark = None
        # A module of anybody's: what fails here must not fail there.
        with suppress(Exception):
            mark = record_function(self._label_of(module))
            mark.__enter__()  # type: ignore[no-untyped-call]
        self._marks.stack.append(mark)

    def _close(self, _module: nn.Module, _inputs: Any, _outputs: Any) -> None:
        mark = self._marks.stack.pop() if self._marks.stack else None
        if mark is not None:
            mark.__exit__(None, None, None)

    def _label_of(self, module: nn.Module) -> str:
        if not self._marks.stack:
            self.called += 1
            self._on_call()
            if id(module) not in self._labels:
                self._learn(module)
        return self._labels.get(id(module)) or _label(type(module).__name__, module)

    def _learn(self, root: nn.Module) -> None:
        kind = type(root).__name__
        prefix = f"{kind}." if self._roots else ""
        for path, module in root.named_modules():
            label = _label(prefix + path, module) if path else f"{MODULE_MARK}{kind}"
            self._labels.setdefault(id(module), label)
        self._roots.append(root)


def _has_compiled() -> bool:
    dynamo = sys.modules.get("torch._dynamo.utils")
    return dynamo is not None and bool(dynamo.counters["frames"])


def _label(path: str, module: nn.Module) -> str:
    # A name need not be text that UTF-8 can hold; the profiler would raise in the model.
    label = f"{MODULE_MARK}{path} ({type(module).__name__})"
    return label.encode("utf-8", "backslashreplace").decode()


class _OpenMarks(threading.local):
    """Marks of forward passes under way: recomputed ones run in autograd's own threads."""

    def __init__(self) -> None:
        self.stack: list[Any] = []


def _open(marks: _OpenMarks, label: str, _module: nn.Module, _inputs: Any) -> None:
    mark = record_function(label)
    mark.__enter__()  # type: ignore[no-untyped-call]
    marks.stack.append(mark)


def _close(marks: _OpenMarks, _module: nn.Module, _inputs: Any, _outputs: Any) -> None:
    if marks.stack:
        marks.stack.pop().__exit__(None, None, None)
