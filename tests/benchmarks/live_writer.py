"""Appends to a run's record as the supervisor of a live run does, until it is killed.

    python live_writer.py RUN_DIRECTORY STEPS_PER_S STEPS_BEFORE

The steps before are written at once, with a line on stdout when that is done. SIGTSTP lets it go
on holding the run without anything new.
"""

import itertools
import math
import random
import signal
import sys
import time
from pathlib import Path

from tuitrain.file_lock import FileLock
from tuitrain.messages import (
    Environment,
    MetricPoints,
    Numbered,
    StepsTaken,
    TrainingPrepared,
    WorkerStarted,
)
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.writer import RunWriter

MESSAGE_S = 0.2
SAMPLE_S = 1.0
STEPS_PER_EPOCH = 100


def points(first: int, last: int) -> tuple[MetricPoints, ...]:
    """Return five noisy metrics of these steps."""
    steps = range(first, last + 1)
    loss = [2.3 * math.exp(-step / 20_000) + random.gauss(0.3, 0.05) for step in steps]
    values = {
        "train/loss": loss,
        "train/accuracy": [max(0.0, 1 - value / 3) for value in loss],
        "lr": [1e-3 * math.cos(step / 200_000) for step in steps],
        "grad_norm": [abs(random.gauss(1, 0.2)) for _ in steps],
        "samples_per_s": [random.gauss(32_000, 200) for _ in steps],
    }
    return tuple(MetricPoints(name, first, tuple(each)) for name, each in values.items())


def main() -> int:
    """Write at a steady pace."""
    directory, per_s, before = RunDirectory(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
    quiet: list[bool] = []
    signal.signal(signal.SIGTSTP, lambda *_: quiet.append(True))
    batch, start = round(per_s * MESSAGE_S), time.time() - before / per_s
    with FileLock(directory.lock_path), RunWriter(directory) as writer:
        writer.begin_attempt(start)
        prepared = TrainingPrepared(
            start, 0, 1_000_000, STEPS_PER_EPOCH, 12_345, "cpu", Environment()
        )
        writer.record([Numbered(1, 1, WorkerStarted(start, 1)), Numbered(1, 2, prepared)])
        for number in itertools.count(1):
            first, last = (number - 1) * batch + 1, number * batch
            if last == before:
                print("written", flush=True)
            if last > before:
                time.sleep(MESSAGE_S)
            while quiet:
                time.sleep(MESSAGE_S)
            now, took_s = start + last / per_s, last / per_s
            event = StepsTaken(
                now, first, last, last / STEPS_PER_EPOCH, took_s, points(first, last)
            )
            writer.record([Numbered(1, number + 2, event)])
            if number % round(SAMPLE_S / MESSAGE_S) == 0:
                writer.add_samples(now, _samples(number))
    return 0


def _samples(number: int) -> dict[str, float]:
    return {
        "host/memory_used_bytes": 2e9 + number * 1e5,
        "host/memory_total_bytes": 24e9,
        "host/worker_rss_bytes": 8e8 + number * 1e4,
        "host/worker_cpu_percent": 95.0 + number % 5,
    }


if __name__ == "__main__":
    sys.exit(main())
