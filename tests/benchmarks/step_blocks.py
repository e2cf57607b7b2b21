"""A bare loop and tuitrain's own in one process, in blocks of steps that take turns; prints JSON.

    python tests/benchmarks/step_blocks.py PRESET DATA FOLDER ROUNDS BLOCK [KEY=VALUE ...]

What is compared is the CPU time of the thread that trains, on one thread: on a shared machine the
clock of two processes says more of its other users.
"""

import json
import queue
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from tuitrain.components import Samples
from tuitrain.config.load import load_preset
from tuitrain.config.presets import find_preset
from tuitrain.config.schema import Preset
from tuitrain.training.build import TrainingComponents, build_components
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.checkpoints.files import CheckpointFolder
from tuitrain.training.checkpoints.writer import CheckpointWriter
from tuitrain.training.loop import Trainer

_MORE = ("train.epochs=100000", "train.evaluate_every_epochs=0", "checkpoint.every_minutes=0",
         "train.threads=1", "train.device=cpu")  # fmt: skip


class Bare:
    """The plain loop over whole-set tensors, its inputs prepared as tuitrain prepares them."""

    def __init__(self, components: TrainingComponents) -> None:
        self._components = components
        self._place = 0
        samples = components.data.train
        assert isinstance(samples, Samples)
        self._samples = samples
        self._order = torch.randperm(len(samples))

    def block_us(self, steps: int) -> float:
        """Return the CPU time of a step, over so many."""
        parts, samples, size = (
            self._components,
            self._samples,
            self._components.data.plan.batch_size,
        )
        model, loss_of, optimizer = parts.model, parts.loss, parts.optimizer
        started = time.thread_time()
        for _ in range(steps):
            if self._place + size > len(self._order):
                self._place = 0
            index = self._order[self._place : self._place + size]
            self._place += size
            optimizer.zero_grad()
            inputs = parts.data.preparation.evaluate(samples.inputs.index_select(0, index))
            targets = samples.targets.index_select(0, index)
            outputs = model(inputs)
            loss = loss_of(outputs.squeeze(-1) if targets.ndim < outputs.ndim
                           and targets.is_floating_point() else outputs, targets)  # fmt: skip
            loss.backward()
            optimizer.step()
        return (time.thread_time() - started) / steps * 1e6


class Recorded:
    """tuitrain's loop, with everything but the supervisor that takes its events."""

    def __init__(self, components: TrainingComponents, folder: Path) -> None:
        self._queue: queue.Queue[object] = queue.Queue()
        self._channel = WorkerChannel(self._queue, queue.Queue(), 60.0)  # type: ignore[arg-type]
        self._channel.begin(1)
        checkpoints = CheckpointFolder(folder / "checkpoints")
        checkpoints.prepare()
        self._trainer = Trainer(
            components, self._channel, CheckpointWriter(checkpoints, folder), ""
        )
        self._trainer.begin()
        self._trainer._boundary()

    def block_us(self, steps: int) -> float:
        """Return the CPU time of a step, over so many."""
        trainer = self._trainer
        started = time.thread_time()
        for _ in range(steps):
            trainer._step()
            if trainer._train_step.full or trainer._planner.reached(trainer.state.step):
                trainer._boundary()
        taken = time.thread_time() - started
        outbox = self._channel._outbox
        with outbox._lock:
            outbox._kept.clear()
            outbox._unsent.clear()
        while not self._queue.empty():
            self._queue.get()
        return taken / steps * 1e6


def measure(preset: Preset, data: Path, folder: Path, rounds: int, block: int) -> dict[str, float]:
    """Return medians over blocks: bare, recorded, their difference and ratio, and the noise."""
    torch.set_num_threads(1)
    bare = Bare(build_components(preset, data, lambda _text: None))
    recorded = Recorded(build_components(preset, data, lambda _text: None), folder)
    for loop in (bare, recorded):
        loop.block_us(block)
    rows = [(bare.block_us(block), recorded.block_us(block), bare.block_us(block))
            for _round in range(rounds)]  # fmt: skip
    middle = [((before + after) / 2, between) for before, between, after in rows]
    return {
        "bare_us": statistics.median(one for one, _ in middle),
        "recorded_us": statistics.median(two for _, two in middle),
        "difference_us": statistics.median(two - one for one, two in middle),
        "ratio": statistics.median(one / two for one, two in middle),
        "noise": statistics.median(before / after for before, _, after in rows),
    }


def main(words: Sequence[str]) -> None:
    """Measure what the words name."""
    preset, data, folder, rounds, block, *settings = words
    path = Path(preset) if preset.endswith(".toml") else find_preset(preset).path
    loaded = load_preset(path, (*_MORE, *settings))
    found = measure(loaded, Path(data), Path(folder), int(rounds), int(block))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
