"""Times passes of a copy of a run's model with its own first batch, before its first step."""

import copy
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.batches import Batch
from tuitrain.training.memory.oom_report import OutOfMemory, is_out_of_memory
from tuitrain.training.metrics.named import split_terms
from tuitrain.training.runtime.precision import Precision

NO_MEMORY = float("inf")
_WARM_UP = 2

Model = Callable[..., Any]


class PassTrial:
    """Times forward and backward passes; draws from the generators, and changes no weights."""

    def __init__(self, parts: TrainingComponents) -> None:
        self._parts = parts
        self.model, self._loss = copy.deepcopy((parts.model, parts.loss))
        source = parts.batches(0)
        try:
            self._batch: Batch = source.step(0, None)[0]
        finally:
            source.close()
        self.seconds: dict[str, list[float]] = {}
        """Of each pass that counts, by what it was made in; infinite where memory ran out."""

    def warm_up(self, name: str, precision: Precision, model: Model | None = None) -> float:
        """Make passes that do not count, but for the last one; return the first one's seconds."""
        for _time in range(_WARM_UP):
            self.time(name, precision, model)
        first = self.seconds[name][0]
        del self.seconds[name][:-1]
        return first

    def time(self, name: str, precision: Precision, model: Model | None = None) -> None:
        """Time a pass.

        Args:
            name: under which its time is kept.
            precision: what it computes in.
            model: the copy in another form; None: as it is.
        """
        times = self.seconds.setdefault(name, [])
        self._finish()
        begun = time.perf_counter()
        try:
            self._pass(precision, self.model if model is None else model)
            self._finish()
        except OutOfMemory as error:
            if not is_out_of_memory(error):
                raise
            times.append(NO_MEMORY)
        else:
            times.append(time.perf_counter() - begun)
        for module in (self.model, self._loss):
            if isinstance(module, nn.Module):
                module.zero_grad(set_to_none=True)

    def _pass(self, precision: Precision, model: Model) -> None:
        batch, task = self._batch, self._parts.task
        with precision.autocast():
            outputs = task.shape_outputs(model(batch.inputs), batch.targets)
            loss: Any = split_terms(self._loss(outputs, batch.targets))[0]
        torch.autograd.backward(loss)

    def _finish(self) -> None:
        if self._parts.device.type == "cuda":
            torch.cuda.synchronize(self._parts.device)
