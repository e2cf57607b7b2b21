"""Training speed: recorded runs of tuitrain against loops without it, interleaved.

Each measurement is a process of its own; every other round goes backwards.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from images import write_mnist
from recorded import live_run, speed
from report import Table, spread, verdict

_LOOPS = Path(__file__).with_name("loops.py")
_MOST_ROUNDS = 7
_ONE_LONG_RUN = ("train.epochs=100000", "train.evaluate_every_epochs=0", "train.precision=fp32")
_MLP = """\
name = "mnist-mlp"
task = "classification"

[data]
name = "mnist"

[model]
name = "mlp"
hidden = [512, 256]

[loss]
name = "cross_entropy"

[optimizer]
name = "adamw"
lr = 1e-3
weight_decay = 1e-4
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: a loop, or a run of tuitrain with settings of its own."""

    what: str
    loop: str = ""
    settings: tuple[str, ...] = _ONE_LONG_RUN
    package: str = ""
    """What has to be installed for it."""
    budget: float | None = None
    """What tuitrain's recorded run (or, where `bf16`, its bf16 one) has to be times as fast as."""
    bf16: bool = False
    quick: bool = False
    """Measured in a quick run too."""
    rounds: int = 2


RECORDED = Entry("tuitrain run, recorded", quick=True, rounds=_MOST_ROUNDS)
BF16 = Entry("tuitrain run, recorded, bf16", settings=(*_ONE_LONG_RUN[:-1], "train.precision=bf16"))
EVALUATED = Entry(
    "tuitrain run, evaluation and best checkpoint each epoch (defaults)",
    settings=("train.epochs=100000", "train.precision=fp32"),
)
BARE = Entry("bare loop, nothing recorded", "bare", budget=0.99, quick=True, rounds=_MOST_ROUNDS)


def _entries(model: str) -> list[Entry]:
    is_mlp = model == "mlp"
    tutorial = replace(
        Entry("tutorial loop, 0 workers", "tutorial-0", quick=True),
        budget=3.4 if is_mlp else 3.0,
        bf16=not is_mlp,
    )
    return [
        BARE,
        RECORDED,
        BF16,
        EVALUATED,
        tutorial,
        replace(tutorial, what="tutorial loop, 2 workers", loop="tutorial-2", quick=False),
        Entry(
            "Lightning Trainer, tutorial's DataLoader",
            "lightning-files",
            package="lightning",
            budget=5.0 if is_mlp else None,
        ),
        Entry("Lightning Trainer, TensorDataset", "lightning-tensors", package="lightning"),
        Entry("bare loop, TensorBoard each step", "tensorboard", package="tensorboard"),
        Entry("bare loop, wandb offline each step", "wandb", package="wandb"),
    ]


def measure(folder: Path, quick: bool) -> list[Table]:
    """Measure every entry in every round."""
    data = folder / "data"
    write_mnist(data)
    preset = folder / "mnist-mlp.toml"
    preset.write_text(_MLP, encoding="utf-8")
    bench = _Bench(folder, data, 1.0 if quick else 3.0, 1 if quick else _MOST_ROUNDS)
    presets = {"mlp": str(preset), "cnn": "mnist-cnn"}
    tables = []
    for model, threads in (("mlp", 0), ("cnn", 0), ("mlp", 1))[: 2 if quick else 3]:
        entries = _entries(model)
        if quick or threads:
            entries = [entry for entry in entries if entry.quick]
        speeds = bench.run(model, presets[model], threads, entries)
        tables.append(_table(_title(model, threads), entries, speeds))
    return tables


@dataclass(slots=True)
class _Bench:
    folder: Path
    data: Path
    seconds: float
    rounds: int

    def run(
        self, model: str, preset: str, threads: int, entries: Sequence[Entry]
    ) -> dict[Entry, list[float]]:
        """Return steps a second, a number a round; not every entry takes part in all."""
        speeds: dict[Entry, list[float]] = {entry: [] for entry in entries if _here(entry)}
        for number in range(self.rounds):
            order = [entry for entry in speeds if number < entry.rounds]
            for entry in order if number % 2 == 0 else reversed(order):
                speeds[entry].append(
                    self._loop(entry, model, threads)
                    if entry.loop
                    else self._tuitrain(entry, preset, threads)
                )
        return speeds

    def _loop(self, entry: Entry, model: str, threads: int) -> float:
        arguments = [entry.loop, model, str(self.data), str(self.seconds), str(threads)]
        done = subprocess.run(
            [sys.executable, str(_LOOPS), *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{entry.what}: {done.stderr.strip()}")
        return float(json.loads(done.stdout.splitlines()[-1])["steps_per_s"])

    def _tuitrain(self, entry: Entry, preset: str, threads: int) -> float:
        settings = (*entry.settings, f"train.threads={threads}", "train.device=cpu")
        with live_run(preset, self.folder / "runs", settings, self.data) as run:
            run.train_for(self.seconds)
        return speed(run.directory).steps_per_s


def _here(entry: Entry) -> bool:
    return not entry.package or find_spec(entry.package) is not None


def _title(model: str, threads: int) -> str:
    name = "MLP 784-512-256-10" if model == "mlp" else "mnist-cnn (channels-last)"
    return f"Training speed: {name}, batch 64, {'one thread' if threads else 'all threads'}"


_NOTES = (
    "60,000 generated 28x28 images in MNIST's files, on the CPU. tuitrain's figures are steps / "
    "train_s of the runs' records after a warm-up, without evaluation within the time measured "
    "where not said otherwise; checkpoints at their defaults. `tuitrain / this`: median of the "
    "rounds' ratios of the recorded fp32 run, where marked of the bf16 one."
)


def _table(title: str, entries: Sequence[Entry], speeds: dict[Entry, list[float]]) -> Table:
    rows, over = [], 0
    for entry in entries:
        if entry not in speeds:
            rows.append([entry.what, "not installed", "", "", "-"])
            continue
        ours = BF16 if entry.bf16 and BF16 in speeds else RECORDED
        ratio = _ratio(speeds[ours], speeds[entry])
        # A budget of the bf16 run says nothing of the fp32 one.
        judged = entry.budget is not None and (not entry.bf16 or ours is BF16)
        met = ratio >= (entry.budget or 0.0) if judged else None
        over += met is False
        rows.append(
            [
                entry.what,
                spread(speeds[entry]),
                f"{_ratio(speeds[entry], speeds[BARE]):.2f}",
                f"{ratio:.3f}{' (bf16)' if ours is BF16 else ''}",
                verdict(f"{entry.budget}", met) if judged else "-",
            ]
        )
    columns = ["what", "measured, steps/s", "this / bare", "tuitrain / this", "budget"]
    return Table(title, columns, rows, _NOTES, over)


def _ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Return the median of the ratios of those rounds that both were measured in."""
    return statistics.median(a / b for a, b in zip(above, below, strict=False))
