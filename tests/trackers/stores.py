"""What trackers have of a run, read by their own tools, each in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.trackers.recorded import Points
from tuitrain.foreign.wandb_file import WandbReader
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.imported import Points as NewPoints

_EVENTS = """
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing import plugin_event_accumulator as pages
from tensorboard.plugins.hparams import plugin_data_pb2 as data
whole = {"scalars": 0, "tensors": 0, "images": 0}
found = EventAccumulator(sys.argv[1], size_guidance=whole).Reload()
tags = found.Tags()
info = data.HParamsPluginData.FromString(
    found.SummaryMetadata("_hparams_/session_start_info").plugin_data.content)
over = "_hparams_/session_end_info" in tags["tensors"]
end = data.HParamsPluginData.FromString(
    found.SummaryMetadata("_hparams_/session_end_info").plugin_data.content if over else b"")
shown = pages.EventAccumulator(sys.argv[1], size_guidance={"tensors": 0}).Reload()
told = "alerts/text_summary" in shown.Tags()["tensors"]
texts = shown.Tensors("alerts/text_summary") if told else []
print(json.dumps({
    "points": {tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in tags["scalars"]},
    "times": [e.wall_time for e in found.Scalars("train/loss")],
    "hparams": {key: (value.number_value or value.string_value)
                for key, value in info.session_start_info.hparams.items()},
    "status": end.session_end_info.status,
    "alerts": [(e.step, e.tensor_proto.string_val[0].decode()) for e in texts],
    "images": {tag: [(e.step, e.width, e.height, e.encoded_image_string.hex())
                     for e in found.Images(tag)] for tag in tags["images"]},
    "texts": [(e.step, e.tensor_proto.string_val[0].decode())
              for tag in shown.Tags()["tensors"] if tag == "output/text_summary"
              for e in shown.Tensors(tag)],
}))
"""
_MLFLOW = """
import json, sys
from pathlib import Path
from mlflow import MlflowClient
from tests.trackers.recorded import first_attempt, record, resumed, second_attempt
from tuitrain.config.tracking import parse_tracker
from tuitrain.runs.directory import RunDirectory
from tuitrain.trackers.follow import follow
run, client = RunDirectory(Path(sys.argv[1])), MlflowClient()
def feed():
    follow(run, parse_tracker("mlflow:mine"), lambda: True, lambda: None)
    found = client.get_experiment_by_name("mine")
    return [plain(each) for each in client.search_runs([found.experiment_id])]
def plain(run):
    history = client.get_metric_history
    points = {key: sorted((each.step, each.value) for each in history(run.info.run_id, key))
              for key in run.data.metrics}
    return {"id": run.info.run_id, "name": run.info.run_name, "status": run.info.status,
            "points": points, "params": run.data.params, "tags": run.data.tags,
            "files": sorted(files(run.info.run_id)), "place": run.info.artifact_uri}
def files(run, folder=None):
    for each in client.list_artifacts(run, folder):
        yield from files(run, each.path) if each.is_dir else [each.path]
first_attempt(run)
begun = feed()
second_attempt(run, 130)
went_on = feed()
record(run, 3, *resumed(150))
print(json.dumps([begun, went_on, feed()]))
"""
PROJECT = Path(__file__).parents[2]


def environment(folder: Path) -> dict[str, str]:
    """Return variables with which every tracker writes below a folder."""
    return {
        **os.environ,
        "WANDB_MODE": "offline",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "TRACKIO_DIR": str(folder / "trackio"),
    }


def feed(directory: RunDirectory, target: str, folder: Path) -> None:
    """Carry a run to a tracker as its supervisor has it done, up to what is on record."""
    done = subprocess.run(
        [sys.executable, "-m", "tuitrain.trackers", str(directory.path), target],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        env=environment(folder), cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def asked(script: str, argument: str, folder: Path) -> Any:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, argument],
        capture_output=True, text=True, check=False, cwd=elsewhere(folder),
        env={**environment(folder), "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def elsewhere(folder: Path) -> Path:
    """Return a folder in which no tracker has any business."""
    path = folder.with_name(f"{folder.name}-elsewhere")
    path.mkdir(exist_ok=True)
    return path


def events_of(folder: Path) -> Mapping[str, Any]:
    found = asked(_EVENTS, str(folder), folder)
    return {**found, "points": paired(found["points"])}


def mlflow_story(directory: RunDirectory, folder: Path) -> list[list[dict[str, Any]]]:
    """Return MLflow's runs after the first attempt, a resume that gives nothing up, one that does.

    In one process: loading MLflow takes a second, and its database three.
    """
    found = asked(_MLFLOW, str(directory.path), folder)
    return [[{**run, "points": paired(run["points"])} for run in runs] for runs in found]


def wandb_points(*files: Path) -> Points:
    """Return the points of `.wandb` files, one after the other, read as `tuitrain watch` does."""
    points: dict[str, list[tuple[int, float]]] = {}
    for file in files:
        position: Mapping[str, Any] = {}
        while (batch := WandbReader(file).read(position)).more:
            position = batch.position or {}
            for change in batch.changes:
                assert isinstance(change, NewPoints)
                pairs = zip(change.steps, change.values, strict=True)
                points.setdefault(change.name, []).extend(pairs)
    return points


def paired(points: Mapping[str, list[list[float]]]) -> Points:
    return {name: [(int(step), value) for step, value in each] for name, each in points.items()}
