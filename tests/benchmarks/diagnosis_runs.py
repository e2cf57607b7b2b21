"""Short real trainings to hold diagnoses against: shipped presets as they are, and broken ones.

Trains in this process; knows nothing of what is made of the curves.
"""

import queue
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tuitrain.analysis.diagnosis.history import (
    BEGINNING_STEPS,
    ClassCounts,
    TrainingHistory,
    curve_of_points,
)
from tuitrain.config.load import load_preset, parse_preset, to_toml
from tuitrain.config.presets import find_preset
from tuitrain.messages import Evaluated, StepsTaken
from tuitrain.training.build import build_components
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.checkpoints.files import CheckpointFolder
from tuitrain.training.checkpoints.writer import CheckpointWriter
from tuitrain.training.loop import Trainer
from tuitrain.training.runtime.randomness import seed_everything

HEALTHY = (
    "digits-mlp", "digits-cnn", "digits-vit", "digits-autoencoder", "iris", "wine",
    "breast-cancer", "moons", "circles", "linear-regression", "linear-regression-2x1", "diabetes",
    "sine-gru",
)  # fmt: skip
_FIXED_RATE = ("schedule.name=constant", "schedule.warmup_steps=0")
_RATES = {
    "digits-mlp": 2e-3, "digits-cnn": 2e-3, "iris": 1e-2, "wine": 1e-2, "breast-cancer": 1e-2,
    "moons": 2e-2, "circles": 2e-2, "diabetes": 1e-2, "linear-regression": 1e-2, "sine-gru": 5e-3,
}  # fmt: skip
"""What the presets have, to be multiplied."""
_FREE = ("model.dropout=0", "optimizer.weight_decay=0", *_FIXED_RATE)
"""No regularisation, and a rate that does not fall."""
_LARGE = ("model.batch_norm=false", "model.hidden=[128, 128]", *_FREE)
_OVERFITTING = {
    "digits-mlp": ("data.validation_fraction=0.95", "train.epochs=300", *_FREE),
    "digits-cnn": ("data.validation_fraction=0.95", "train.epochs=150", "data.augment=[]", *_FREE),
    "iris": ("data.validation_fraction=0.8", "train.epochs=300", *_LARGE),
    "wine": ("data.validation_fraction=0.8", "train.epochs=300", *_LARGE),
    "breast-cancer": ("data.validation_fraction=0.9", "train.epochs=200", *_LARGE),
    "moons": ("data.noise=0.4", "data.samples=200", "train.epochs=400", "model.hidden=[128, 128]",
              *_FIXED_RATE),
    "circles": ("data.noise=0.15", "data.samples=200", "train.epochs=400",
                "model.hidden=[128, 128]", *_FIXED_RATE),
    "diabetes": ("data.validation_fraction=0.8", "train.epochs=200", *_LARGE),
}  # fmt: skip
_CSV = (
    'data={name = "csv", path = "PATH", target = "kind"}', "optimizer.lr=0.001",
    "train.epochs=30", "train.batch_size=64",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """A training: a preset, what is changed of it, and what is wrong with it."""

    fault: str
    """`none`, `rate too high`, `rate too low`, `overfitting` or `imbalance`."""
    preset: str
    seed: int
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a training said."""

    wanted: Wanted
    config: dict[str, Any]
    state: str
    total_steps: int
    losses: tuple[tuple[int, float], ...]
    rates: tuple[tuple[int, float], ...]
    evaluations: tuple[Evaluated, ...]


def wanted_runs(seeds: int) -> Iterator[Wanted]:
    """Yield the trainings that diagnoses are held against, each with so many seeds."""
    for seed in range(seeds):
        for preset in HEALTHY:
            yield Wanted("none", preset, seed)
        for preset, rate in _RATES.items():
            yield Wanted("rate too high", preset, seed, (f"optimizer.lr={rate * 100}",))
            yield Wanted("rate too low", preset, seed, (f"optimizer.lr={rate / 1000}",))
        for preset, changes in _OVERFITTING.items():
            yield Wanted("overfitting", preset, seed, changes)
        for preset in ("iris", "wine"):
            yield Wanted("imbalance", preset, seed, _CSV)


def record(wanted: Wanted) -> Recorded:
    """Train, and return what was said."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        changes = [part.replace("PATH", str(_write_table(folder))) for part in wanted.changes]
        always = [f"train.seed={wanted.seed}", "train.threads=1", "checkpoint.best=false"]
        path = find_preset(wanted.preset).path
        config = to_toml(load_preset(path, [*changes, *always]))
        # Steps this small take many times as long where threads wait for each other.
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return _train(wanted, folder, config)
        finally:
            torch.set_num_threads(threads)


def _train(wanted: Wanted, folder: Path, config: str) -> Recorded:
    preset = parse_preset(config, "config.toml")
    seed_everything(preset.train.seed)
    parts = build_components(preset, folder, lambda _text: None, folder)
    link = WorkerChannel(queue.Queue(), queue.Queue(), 60.0)  # type: ignore[arg-type]
    link.begin(1)
    checkpoints = CheckpointFolder(folder / "checkpoints")
    checkpoints.prepare()
    writer = CheckpointWriter(checkpoints, folder)
    writer.send = link.send
    trainer = Trainer(parts, link, writer, config)
    ended = trainer.run()
    events = [item.event for item in link.unacknowledged()]
    points = [part for e in events if isinstance(e, StepsTaken) for part in e.points]
    return Recorded(
        wanted,
        preset.model_dump(mode="json"),
        ended.state,
        ended.step,
        _points(points, "train/loss"),
        _points(points, "lr"),
        tuple(e for e in events if isinstance(e, Evaluated)),
    )


def _points(parts: list[Any], name: str) -> tuple[tuple[int, float], ...]:
    found = [part for part in parts if part.name == name]
    return tuple(pair for part in found for pair in enumerate(part.values, part.first_step))


def _write_table(folder: Path) -> Path:
    """Write 1,500 rows of three kinds, 93, 5 and 2 in a hundred, that overlap."""
    draw, path = random.Random(0), folder / "table.csv"
    kinds = ["common"] * 93 + ["scarce"] * 5 + ["rare"] * 2
    shifts = {"common": 0.0, "scarce": 1.0, "rare": -1.0}
    rows = []
    for _ in range(1500):
        kind = draw.choice(kinds)
        values = [draw.gauss(shifts[kind], 1.0) for _ in range(3)]
        rows.append(",".join([*(f"{value:.4f}" for value in values), kind]))
    path.write_text("a,b,c,kind\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def history_of(recorded: Recorded, until: int | None = None) -> TrainingHistory:
    """Return what rules look at, of the whole training or up to a step of it."""
    end = recorded.total_steps if until is None else until
    losses = [pair for pair in recorded.losses if pair[0] <= end]
    evaluations = [each for each in recorded.evaluations if each.step <= end]
    names = dict.fromkeys(name for each in evaluations for name in each.metrics)
    return TrainingHistory(
        run="last",
        preset=recorded.wanted.preset,
        step=end,
        total_steps=recorded.total_steps,
        live=end < recorded.total_steps,
        config=recorded.config,
        train=curve_of_points("train/loss", losses),
        beginning=curve_of_points("train/loss", losses[:BEGINNING_STEPS]),
        rate=curve_of_points("lr", [pair for pair in recorded.rates if pair[0] <= end]),
        validation={
            name: curve_of_points(name, [(e.step, e.metrics[name]) for e in evaluations])
            for name in names
        },
        evaluations=len(evaluations),
        counts=tuple(ClassCounts(e.step, e.counts) for e in evaluations[-5:] if e.counts),
        monitor=recorded.config["checkpoint"]["monitor"],
    )
