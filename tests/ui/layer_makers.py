"""Runs whose layers were measured."""

import math

from tests.ui.run_makers import START, STEPS, write
from tuitrain import messages as m
from tuitrain.metric_names import layer_metric
from tuitrain.runs.directory import RunDirectory

EVERY = 8
NAMES = (
    "features.0 (Conv2d)", "features.1 (ReLU)", "features.4 (Conv2d)", "features.5 (ReLU)",
    "classifier.a_place_far_within (Linear)",
)  # fmt: skip


def measured(run: RunDirectory) -> RunDirectory:
    """Let a run have measured its layers every 8 steps; every second one has no weights."""
    events: list[m.Event] = []
    for step in range(EVERY, STEPS + 1, EVERY):
        points = []
        for place, name in enumerate(NAMES):
            values = {
                "activation": 1 + math.exp(-step / 60) + place,
                "dead": min(1.0, 0.3 * place * step / STEPS),
            }
            if place % 2 == 0:
                values |= {"gradient": 0.5 * math.exp(-step / 40), "weight": 3.0 + step / 100}
            points += [
                m.MetricPoints(layer_metric(kind, name), step, (value,))
                for kind, value in values.items()
            ]
        at = START + 1 + step * 0.1
        events.append(m.StepsTaken(at, step, step, step / 20, step * 0.1, tuple(points)))
    changed = m.SettingChanged(START + 2, 4, "train.layers_every", 0.0, float(EVERY))
    write(run, changed, *events, sequence=200)
    return run
