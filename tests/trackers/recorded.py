"""Records for trackers: two attempts of a run, the second from a checkpoint; and what they hold."""

import math
from pathlib import Path

from tuitrain import messages as m
from tuitrain.messages import Event, MetricPoints, Numbered
from tuitrain.runs.directory import RunDirectory, create_run
from tuitrain.runs.reader import RunReader
from tuitrain.runs.samples import Kept, add_samples, plain_png, remove_samples
from tuitrain.runs.writer import RunWriter

CONFIG = """
name = "demo"
task = "classification"
[optimizer]
lr = 0.01
[model]
name = "mlp"
hidden = [16, 8]
[checkpoint]
monitor = "val/loss"
mode = "min"
"""
Points = dict[str, list[tuple[int, float]]]
COUNTS = m.PerClassCounts(
    support=(3, 4), predicted=(2, 5), correct=(2, 3), confusion=((2, 1), (1, 3))
)  # fmt: skip


def new_run(root: Path) -> RunDirectory:
    return create_run(root, "demo", "tracked", CONFIG)


def losses(first: int, last: int, shift: float) -> tuple[float, ...]:
    odd = {first + 1: math.nan, first + 3: math.inf}
    return tuple(odd.get(step, 1 / step + shift) for step in range(first, last + 1))


def prepared(step: int) -> m.TrainingPrepared:
    return m.TrainingPrepared(1.7e9, step, 5000, 10, 1234, "cpu", m.Environment(torch="2.11"))


def steps(first: int, last: int, shift: float = 0.0) -> list[Event]:
    """Training from one step to another with an evaluation at its end."""
    points = (
        MetricPoints("train/loss", first, losses(first, last, shift)),
        MetricPoints("lr", first, (0.01,) * (last - first + 1)),
    )
    taken = m.StepsTaken(1.7e9 + last, first, last, last / 10, last / 100, points)
    metrics = {"val/loss": 2 / last + shift, "val/accuracy": 0.5}
    return [taken, m.Evaluated(1.7e9 + last, last, last / 10, 0.1, metrics, COUNTS)]


def sampled(directory: RunDirectory, step: int) -> None:
    """Samples of an evaluation: an image, and what the model said of it."""
    image = plain_png(2, 1, 1, bytes([0, step]))
    size = {"width": 2, "height": 1, "range": [0.0, 1.0]}
    remove_samples(directory, step)
    add_samples(
        directory,
        [
            Kept(step, "input", {"kind": "image", **size}, image),
            Kept(step, "output", {"kind": "text", "text": f"<{step}> \x1b[2J"}),
        ],
    )


def record(directory: RunDirectory, attempt: int, *events: Event) -> None:
    with RunWriter(directory) as writer:
        writer.begin_attempt(1.7e9 + attempt)
        writer.record([Numbered(attempt, i, event) for i, event in enumerate(events, start=1)])


def first_attempt(directory: RunDirectory) -> None:
    """Steps 1 to 130 with an alert at 120; nobody heard of the end."""
    alert = m.AlertRaised(1.7e9 + 120, 120, "nonfinite", "the loss is NaN \x1b[2J")
    record(directory, 1, prepared(0), *steps(1, 100), *steps(101, 130), alert)
    sampled(directory, 100)
    sampled(directory, 130)


def second_attempt(directory: RunDirectory, resumed_at: int, shift: float = 5.0) -> None:
    """Goes on to step 160, with other values than an undisturbed run would have had."""
    path = "checkpoints/x.pt"
    resumed = m.TrainingResumed(1.7e9 + 131, resumed_at, path, "")
    ended = m.TrainingEnded(1.7e9 + 170, 160, "finished", "16 epochs done")
    remove_samples(directory, resumed_at + 1)
    sampled(directory, 160)
    record(directory, 2, resumed, prepared(resumed_at), *steps(resumed_at + 1, 160, shift), ended)


def resumed(step: int) -> list[Event]:
    """A resume that goes back to a step, and training from there to step 155."""
    back = m.TrainingResumed(1.7e9 + 200, step, "checkpoints/x.pt", "")
    return [back, prepared(step), *steps(step + 1, 155, 9.0)]


def recorded(directory: RunDirectory) -> Points:
    with RunReader(directory) as reader:
        names = reader.curves.metric_names()
        return {name: list(reader.curves.points(name)) for name in names}


def alike(found: Points, expected: Points, *, single: bool = False) -> None:
    """Hold points against points: equal, also where they are NaN; to single precision if told."""
    assert sorted(found) == sorted(expected)
    for name, points in expected.items():
        assert [step for step, _ in found[name]] == [step for step, _ in points], name
        for (step, value), (_, other) in zip(found[name], points, strict=True):
            same = value == other or (math.isnan(value) and math.isnan(other))
            near = single and math.isclose(value, other, rel_tol=1e-6)
            assert same or near, (name, step, value, other)
