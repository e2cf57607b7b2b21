import json

from tests.cli.records import Tuitrain
from tuitrain.messages import MetricPoints, Numbered, StepsTaken
from tuitrain.metric_names import layer_metric
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.writer import RunWriter


def test_layers_are_printed_as_a_table_and_as_json(run: RunDirectory, tuitrain: Tuitrain) -> None:
    missing = tuitrain("layers", "base")
    assert missing.returncode == 0
    assert "no layer was measured yet; `tuitrain layers base --every 50`" in missing.stderr
    points = (
        MetricPoints(layer_metric("gradient", "0"), 2, (0.5, 0.25), (2, 4)),
        MetricPoints(layer_metric("dead", "1"), 4, (0.5,)),
    )
    with RunWriter(run) as writer:
        writer.record([Numbered(1, 50, StepsTaken(6.0, 1, 4, 1.0, 0.5, points))])
    lines = tuitrain("layers", "base").stdout.splitlines()
    assert lines[0].split() == ["LAYER", "ACTIV", "GRADIENT", "WEIGHT", "DEAD"]
    assert [line.split()[0] for line in lines[1:3]] == ["0", "1"]
    assert "0.2500" in lines[1]
    assert "50%" in lines[2]
    assert lines[3] == "not measured now, last at step 4"
    told = json.loads(tuitrain("layers", "base", "--json").stdout)
    assert (told["step"], told["every"]) == (4, 0)
    assert told["rows"][0] == {
        "name": "0", "last": {"gradient": 0.25}, "curves": {"gradient": [0.5, 0.25]},
    }  # fmt: skip


def test_only_a_live_run_can_be_asked_to_measure(run: RunDirectory, tuitrain: Tuitrain) -> None:
    refused = tuitrain("layers", run.id, "--every", "50")
    assert refused.returncode != 0
    assert "finished" in refused.stderr
    wrong = tuitrain("layers", run.id, "--every", "-5")
    assert "train.layers_every" in wrong.stderr
