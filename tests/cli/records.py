"""Runs with a record of every kind, for commands that read them."""

import math
import subprocess
from collections.abc import Callable
from pathlib import Path

from tuitrain import messages as m
from tuitrain.messages import MetricPoints, Numbered
from tuitrain.runs.directory import RunDirectory, create_run
from tuitrain.runs.listing import write_summary
from tuitrain.runs.writer import RunWriter

CONFIG = """
name = "demo"
task = "classification"
checkpoint = { monitor = "val/accuracy", mode = "max" }
"""
EVIL = "gone wrong \x1b]0;title\x07"

Result = subprocess.CompletedProcess[str]
Tuitrain = Callable[..., Result]


def finished_run(root: Path, name: str, state: str = "finished", reason: str = "") -> RunDirectory:
    directory = create_run(root, "demo", name, CONFIG, command_line=["tuitrain", "run", "demo"])
    losses = (0.5, math.nan, math.inf, 0.125)
    counts = m.PerClassCounts(
        support=(10, 4), predicted=(9, 5), correct=(8, 3), confusion=((8, 2), (1, 3))
    )
    path = "checkpoints/step-00000004.pt"
    events: list[m.Event] = [
        m.TrainingPrepared(1.0, 0, 8, 4, 1234, "cpu", m.Environment(torch="2.11")),
        m.StepsTaken(2.0, 1, 4, 1.0, 0.5, (MetricPoints("train/loss", 1, losses),)),
        m.Evaluated(3.0, 2, 0.5, 0.1, {"val/accuracy": 0.9, "val/loss": 0.2}, counts),
        m.Evaluated(3.0, 4, 1.0, 0.1, {"val/accuracy": 0.8, "val/loss": 0.1}, counts),
        m.CheckpointSaved(4.0, 4, path, ("last", "mine"), "abcd", 2048, 0.0, 0.0, {}),
        m.AlertRaised(4.0, 2, "nonfinite", EVIL),
        m.TrainingEnded(5.0, 4, state, reason),  # type: ignore[arg-type]
    ]
    with RunWriter(directory) as writer:
        writer.begin_attempt(1.0)
        writer.record([Numbered(1, i, event) for i, event in enumerate(events, start=1)])
    write_summary(directory)
    return directory
