"""What splitting steps costs: a preset's loop with and without, blocks in turn; prints JSON.

    python tests/benchmarks/split_cost.py FOLDER PRESET BLOCKS [DEVICE]

All in one process and one thread, by the thread's CPU time: a difference of a few tenths of a
percent is lost in the noise between two processes. On another device than the CPU, by the clock.
"""

import gc
import json
import pickle
import queue
import statistics
import sys
import time
from pathlib import Path

import torch
from recorded import MANY_POINTS

from tuitrain.config.load import load_preset
from tuitrain.config.presets import find_preset
from tuitrain.config.schema import Preset
from tuitrain.messages import Event
from tuitrain.training.build import build_components
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.checkpoints.files import CheckpointFolder
from tuitrain.training.checkpoints.writer import CheckpointWriter
from tuitrain.training.loop import Trainer
from tuitrain.training.profiling.timing import COST_SHARE

_BLOCK_S = 0.25
_ALWAYS = 1e9
_SETTINGS = (
    "train.epochs=100000", "train.evaluate_every_epochs=0", "checkpoint.every_minutes=0",
)  # fmt: skip


class Silent(WorkerChannel):
    """Makes messages of events, as for a queue, and drops them."""

    def send(self, event: Event) -> None:
        """Do what is done in the worker."""
        pickle.dumps(event)


class Blocks:
    """Trains for a moment at a time."""

    def __init__(self, folder: Path, preset: Preset, share: float) -> None:
        self._components = build_components(preset, folder, lambda _text: None)
        channel = Silent(queue.Queue(), queue.Queue(), 60.0)  # type: ignore[arg-type]
        checkpoints = CheckpointFolder(folder / "checkpoints")
        checkpoints.prepare()
        writer = CheckpointWriter(checkpoints, folder)
        self._trainer = Trainer(self._components, channel, writer, "", timing_share=share)
        self._trainer.begin()
        self._trainer._boundary()

    def block_us(self) -> float:
        """Return what a step takes, flushes and all: the thread's CPU time, or the clock's."""
        trainer = self._trainer
        trainer._reporter.restart_clock()
        first, end = trainer.state.step, time.perf_counter() + _BLOCK_S
        on_cpu = self._components.device.type == "cpu"
        clock = time.thread_time if on_cpu else time.perf_counter
        begun = clock()
        while time.perf_counter() < end:
            trainer._step()
            if trainer._train_step.full or trainer._planner.reached(trainer.state.step):
                trainer._boundary()
        trainer._reporter.flush()
        return (clock() - begun) / (trainer.state.step - first) * 1e6

    @property
    def stride(self) -> int:
        """One step in so many is timed."""
        return self._trainer._train_step._timer.stride


def blocks_of(folder: Path, name: str, share: float, device: str) -> Blocks:
    """Return a loop over a preset; points enough that an epoch's begin is rare."""
    more = MANY_POINTS if name == "linear-regression" else ()
    preset = load_preset(find_preset(name).path, (*_SETTINGS, f"train.device={device}", *more))
    return Blocks(folder, preset, share)


def measure(folder: Path, name: str, blocks: int, device: str = "cpu") -> dict[str, float]:
    """Return step times and ratios to that of a loop in which no step is timed."""
    torch.set_num_threads(1)
    shares = {"never": 0.0, "sampled": COST_SHARE, "each": _ALWAYS}
    loops = {what: blocks_of(folder, name, share, device) for what, share in shares.items()}
    taken: dict[str, list[float]] = {what: [] for what in loops}
    for loop in loops.values():
        loop.block_us()
    # As `Trainer.run` has it: python's garbage is collected at boundaries, every 30 s.
    gc.freeze()
    gc.disable()
    for number in range(blocks):
        order = list(loops) if number % 2 == 0 else list(reversed(loops))
        for what in order:
            taken[what].append(loops[what].block_us())
    gc.enable()
    gc.unfreeze()
    found = {f"{what}_us": _quiet(each) for what, each in taken.items()}
    for what in ("sampled", "each"):
        found[what] = found[f"{what}_us"] / found["never_us"]
    return found | {"stride": float(loops["sampled"].stride)}


def _quiet(values: list[float]) -> float:
    """Return the lower quartile: what others do on the machine only ever adds."""
    return statistics.quantiles(values, n=4)[0]


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), *sys.argv[4:])))
