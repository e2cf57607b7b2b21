"""A bare step of linear regression, and the same with one piece of recording; prints JSON.

    python tests/benchmarks/step_pieces.py FOLDER bare SECONDS
    python tests/benchmarks/step_pieces.py FOLDER pieces ROUNDS

The pieces are tuitrain's own, given to a loop that is written out here.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from bench_step import SETTINGS
from loops import Stopwatch
from torch import Tensor

from tuitrain.components import Samples
from tuitrain.config.load import load_preset
from tuitrain.config.presets import find_preset
from tuitrain.training.build import TrainingComponents, build_components
from tuitrain.training.metrics.recorder import StepRecorder
from tuitrain.training.optimization.nonfinite import NonfinitePolicy
from tuitrain.training.settings.live import LiveSettings

_CHUNK_STEPS = 2000
_FLUSH_STEPS = 1000
"""About what 0.2 s hold."""


class Loop:
    """A plain loop whose four places can be given a piece each."""

    def __init__(self, parts: TrainingComponents) -> None:
        samples = parts.data.train
        if not isinstance(samples, Samples):
            raise TypeError("linear-regression is held in memory")
        self._parts, self._samples = parts, samples
        self._order = torch.randperm(len(samples))
        self.batch: Callable[[int], tuple[Tensor, Tensor]] = self._gather
        self.before: Callable[[int], object] = lambda _step: None
        self.after_backward: Callable[[int], object] = lambda _step: None
        self.after: Callable[[Tensor, Tensor, Tensor], object] = lambda _loss, _out, _targets: None

    def _gather(self, step: int) -> tuple[Tensor, Tensor]:
        size = self._parts.data.plan.batch_size
        first = step * size % len(self._order)
        index = self._order[first : first + size]
        return (
            self._samples.inputs.index_select(0, index),
            self._samples.targets.index_select(0, index),
        )

    def step(self, step: int) -> None:
        """Take one step."""
        parts = self._parts
        self.before(step)
        parts.optimizer.zero_grad()
        inputs, targets = self.batch(step)
        outputs = parts.model(inputs).squeeze(-1)
        loss = parts.loss(outputs, targets)
        loss.backward()
        self.after_backward(step)
        parts.optimizer.step()
        self.after(loss, outputs, targets)

    def chunk_us(self) -> float:
        """Return the CPU time of this thread a step, over a chunk of steps."""
        started = time.thread_time()
        for step in range(_CHUNK_STEPS):
            self.step(step)
        return (time.thread_time() - started) / _CHUNK_STEPS * 1e6


def with_plan(parts: TrainingComponents) -> Loop:
    """Take the batches as tuitrain does."""
    loop, batches = Loop(parts), parts.batches(0)

    def batch(step: int) -> tuple[Tensor, Tensor]:
        (taken,) = batches.step(step)
        return taken.inputs, taken.targets

    loop.batch = batch
    return loop


def with_rate(parts: TrainingComponents) -> Loop:
    """Set the schedule's learning rate each step."""
    loop = Loop(parts)
    settings = LiveSettings.begin(parts.preset, parts.schedule, parts.total_steps)

    def before(step: int) -> None:
        rate = settings.rate(step)
        for group in parts.optimizer.param_groups:
            group["lr"] = rate

    loop.before = before
    return loop


def with_guard(parts: TrainingComponents) -> Loop:
    """Look whether the loss is finite."""
    loop = Loop(parts)
    guard = NonfinitePolicy(parts.optimizer, parts.device, "stop", scaled=False)
    loop.after = lambda loss, _outputs, _targets: guard.look(loss)
    return loop


def with_norm(parts: TrainingComponents) -> Loop:
    """Measure the gradient norm as often as the preset says."""
    loop, every = Loop(parts), parts.preset.train.grad_norm_every

    def after_backward(step: int) -> None:
        if step % every == 0:
            gradients = [p.grad for p in parts.model.parameters() if p.grad is not None]
            torch.nn.utils.get_total_norm(gradients)

    loop.after_backward = after_backward
    return loop


def with_recorder(parts: TrainingComponents) -> Loop:
    """Keep what each step gives, and read it from the device at every flush."""
    loop, recorder = Loop(parts), StepRecorder(parts.task)

    def after(loss: Tensor, outputs: Tensor, targets: Tensor) -> None:
        recorder.add_batch(outputs.detach(), targets, len(targets))
        recorder.add_step(loss.detach(), 0.05, 1)
        if len(recorder) == _FLUSH_STEPS:
            recorder.flush(1).points(parts.task.train_metric, 1.0)

    loop.after = after
    return loop


PIECES: dict[str, Callable[[TrainingComponents], Loop]] = {
    "batches by plan instead of a plain gather": with_plan,
    "learning rate from the schedule": with_rate,
    "look whether the loss is finite": with_guard,
    "gradient norm every 50 steps": with_norm,
    "keep loss, outputs and rate, flush": with_recorder,
}


def pieces_us(parts: TrainingComponents, rounds: int) -> dict[str, float]:
    """Return what each piece adds to a step, chunks of all taken in turn."""
    loops = {"bare": Loop(parts), **{name: build(parts) for name, build in PIECES.items()}}
    taken: dict[str, list[float]] = {name: [] for name in loops}
    for loop in loops.values():
        loop.chunk_us()
    for _round in range(rounds):
        for name, loop in loops.items():
            taken[name].append(loop.chunk_us())
    bare = statistics.median(taken["bare"])
    return {name: statistics.median(taken[name]) - bare for name in PIECES}


def bare_us(parts: TrainingComponents, seconds: float) -> float:
    """Return what a bare step takes by the clock."""
    loop, watch, step = Loop(parts), Stopwatch(seconds), 0
    while watch.step():
        loop.step(step)
        step += 1
    return 1e6 / watch.steps_per_s


def main() -> None:
    """Measure what the arguments name."""
    folder, part, amount = sys.argv[1:]
    preset = load_preset(find_preset("linear-regression").path, SETTINGS)
    parts = build_components(preset, Path(folder), lambda _text: None)
    if part == "bare":
        print(json.dumps({"bare": bare_us(parts, float(amount))}))
    else:
        print(json.dumps(pieces_us(parts, int(amount))))


if __name__ == "__main__":
    main()
