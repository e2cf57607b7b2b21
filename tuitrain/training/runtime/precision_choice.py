"""Which number format a run computes in, where its preset leaves that to the device at hand.

Timed on a copy of the model with the run's own first batch. Changes neither weights nor generators.
"""

import copy
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from tuitrain.config.schema import Precision as PrecisionName
from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.batches import Batch
from tuitrain.training.memory.oom_report import OutOfMemory, is_out_of_memory
from tuitrain.training.metrics.named import split_terms
from tuitrain.training.runtime.precision import Precision
from tuitrain.training.runtime.randomness import generator_states, restore_generators

_GAIN = 1.1
"""How many times as fast a format of fewer digits must be."""
_LEAST_S = 0.002
"""Of a pass in fp32: a shorter one is mostly the launching of kernels, the same in any format."""
_ROUNDS = 3
_WARM_UP = 2
_NO_MEMORY = float("inf")


def choose_precision(parts: TrainingComponents, report: Callable[[str], None]) -> None:
    """Settle the format of a run whose preset says `auto`, where it is not settled yet.

    Args:
        parts: of a run, before its first step.
        report: is told what was chosen and why.
    """
    if parts.precision.is_settled:
        return
    report("measuring which number format is the fastest here")
    states = generator_states()
    try:
        chosen, why = _fastest(parts)
    finally:
        restore_generators(states)
    parts.precision.settle(chosen, why)
    report(f"train.precision = auto: {chosen}, {why}")


def keep_precision(parts: TrainingComponents, state: Mapping[str, Any]) -> None:
    """Take the format that the run of a checkpoint has chosen, where the preset leaves it open.

    Args:
        parts: what is restored.
        state: of the checkpoint; of one from before there was a choice it was fp32.
    """
    name = state.get("precision", "fp32")
    # A preset that said fp16 until now has left no choice behind: it is made now.
    if not parts.precision.is_settled and name != "fp16":
        parts.precision.settle(name, "as the run began")


def _fastest(parts: TrainingComponents) -> tuple[PrecisionName, str]:
    """Return a format, and why it is that one."""
    others = candidates(parts.device)
    if not others:
        return "fp32", f"the only one that is measured on {parts.device.type}"
    trial = _Trial(parts)
    trial.warm_up("fp32")
    if trial.seconds["fp32"][-1] < _LEAST_S:
        return "fp32", f"as a pass takes less than {_LEAST_S * 1e3:.0f} ms"
    for name in others:
        trial.warm_up(name)
    for _round in range(_ROUNDS):
        for name in ("fp32", *others):
            trial.time(name)
    return decide({name: statistics.median(times) for name, times in trial.seconds.items()})


def candidates(device: torch.device) -> tuple[PrecisionName, ...]:
    """Return the formats that are held against fp32 on a device, the more exact first."""
    if device.type == "cuda":
        return ("tf32", "bf16") if torch.cuda.is_bf16_supported() else ("tf32",)
    return ("bf16",) if device.type == "cpu" else ()


def decide(seconds: dict[PrecisionName, float]) -> tuple[PrecisionName, str]:
    """Return the fastest format and why; fewer digits must pay.

    Args:
        seconds: of a pass in each format, the more exact first; infinite where memory runs out.
    """
    names = list(seconds)
    chosen = names[0]
    for name in names[1:]:
        if seconds[name] * _GAIN <= seconds[chosen]:
            chosen = name
    exact, best = seconds[names[0]], seconds[chosen]
    if chosen == names[0]:
        gains = [f"{name} {exact / seconds[name]:.2f}" for name in names[1:]]
        return chosen, f"as fast as any here ({', '.join(gains)} times its speed)"
    if exact == _NO_MEMORY:
        return chosen, f"which fits into memory where {names[0]} does not"
    return chosen, f"{exact / best:.2f} times as fast as {names[0]} here"


class _Trial:
    """Times forward and backward passes of a copy of the model."""

    def __init__(self, parts: TrainingComponents) -> None:
        self._parts = parts
        self._model, self._loss = copy.deepcopy((parts.model, parts.loss))
        source = parts.batches(0)
        try:
            self._batch: Batch = source.step(0, None)[0]
        finally:
            source.close()
        self.seconds: dict[PrecisionName, list[float]] = {}

    def warm_up(self, name: PrecisionName) -> None:
        """Make passes that are not counted, but for the last one."""
        for _time in range(_WARM_UP):
            self.time(name)
        del self.seconds[name][:-1]

    def time(self, name: PrecisionName) -> None:
        """Time a pass."""
        times = self.seconds.setdefault(name, [])
        precision = Precision(name, self._parts.device)
        self._finish()
        begun = time.perf_counter()
        try:
            self._pass(precision)
            self._finish()
        except OutOfMemory as error:
            if not is_out_of_memory(error):
                raise
            times.append(_NO_MEMORY)
        else:
            times.append(time.perf_counter() - begun)
        for module in (self._model, self._loss):
            if isinstance(module, nn.Module):
                module.zero_grad(set_to_none=True)

    def _pass(self, precision: Precision) -> None:
        batch, task = self._batch, self._parts.task
        with precision.autocast():
            outputs = task.shape_outputs(self._model(batch.inputs), batch.targets)
            loss: Any = split_terms(self._loss(outputs, batch.targets))[0]
        torch.autograd.backward(loss)

    def _finish(self) -> None:
        if self._parts.device.type == "cuda":
            torch.cuda.synchronize(self._parts.device)
