"""What frameworks and their loggers really write is read back equal, each where it is installed."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.foreign.logs import Curves, read_whole

_LOGS = '''
import json, math, os, sys
from contextlib import contextmanager
from pathlib import Path
os.environ["KERAS_BACKEND"] = "torch"
folder, written = Path(sys.argv[1]), []
LOSSES = [math.nan if step == 7 else 1 / (step + 1) for step in range(20)]

def tensorboardx():
    from tensorboardX import SummaryWriter
    writer = SummaryWriter(str(folder / "tensorboardx"))
    for step, loss in enumerate(LOSSES):
        writer.add_scalar("loss", loss, step)
    writer.close()

def lightning():
    from lightning.pytorch.loggers import CSVLogger
    logger = CSVLogger(str(folder / "lightning"), name="", version="")
    for step, loss in enumerate(LOSSES):
        logger.log_metrics({"loss": loss, "epoch": step // 10}, step=step)
        if step % 5 == 4:
            logger.log_metrics({"val": loss, "epoch": step // 10}, step=step)
            logger.save()

def transformers():
    from transformers import TrainerState
    history = [{"loss": loss, "step": step} for step, loss in enumerate(LOSSES)]
    (folder / "transformers").mkdir()
    TrainerState(log_history=history).save_to_json(str(folder / "transformers/trainer_state.json"))

def keras():
    import keras
    (folder / "keras").mkdir()
    logger = keras.callbacks.CSVLogger(str(folder / "keras" / "training.csv"))
    logger.set_model(keras.Sequential([keras.layers.Dense(1)]))
    logger.on_train_begin()
    for epoch, loss in enumerate(LOSSES):
        logger.on_epoch_end(epoch, {"loss": loss})
    logger.on_train_end()

class Summary:
    """What Keras' callback asks of tensorflow.summary, which it needs with any backend.

    TensorBoard's own code makes the tensors with their plugin's metadata, as TensorFlow writes
    them: TensorFlow itself is 600 MB.
    """
    def create_file_writer(self, path):
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
        return Writer(self, EventFileWriter(path))

    def scalar(self, name, value, step):
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.plugins.scalar.summary_v2 import scalar_pb
        event = Event(wall_time=1.7e9 + step, step=step, summary=scalar_pb(name, value))
        self.writer.add_event(event)

class Writer:
    def __init__(self, summary, file):
        self.summary, self.file = summary, file

    @contextmanager
    def as_default(self):
        self.summary.writer = self.file
        yield

    def close(self):
        self.file.close()

def keras_tensorboard():
    import keras
    import tensorboard.plugins.scalar.summary_v2
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    callback = keras.callbacks.TensorBoard(str(folder / "keras_tensorboard"), write_graph=False)
    callback._summary_module = Summary()
    callback.set_model(model)
    for epoch, loss in enumerate(LOSSES):
        callback.on_epoch_end(epoch, {"loss": loss, "val_loss": 2 * loss})
    callback._close_writers()

for write in (tensorboardx, lightning, transformers, keras, keras_tensorboard):
    try:
        write()
        written.append(write.__name__)
    except ModuleNotFoundError as error:
        print(error, file=sys.stderr)
print(json.dumps(written))
'''
LOSSES = [math.nan if step == 7 else 1 / (step + 1) for step in range(20)]
NAMES = {"transformers": "train/loss", "keras_tensorboard": "epoch_loss"}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Return a folder with a log of each framework, and the names of those there are."""
    folder = tmp_path_factory.mktemp("frameworks")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _LOGS, str(folder)],
        capture_output=True, text=True, check=False, cwd=folder, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "framework", ["tensorboardx", "lightning", "transformers", "keras", "keras_tensorboard"]
)
def test_what_a_framework_writes_is_read_back_equal(
    logs: tuple[Path, list[str]], tmp_path: Path, framework: str
) -> None:
    folder, written = logs
    if framework not in written:
        pytest.skip(f"{framework} is not installed (extra: integrations)")
    place = folder / framework
    if framework == "keras_tensorboard":
        # A run each, as TensorBoard has it.
        validation = read_whole(place / "validation", tmp_path / "validation")
        assert validation["epoch_loss"][-1][1] == pytest.approx(2 * LOSSES[-1])
        place = place / "train"
    found: Curves = read_whole(place, tmp_path)
    points = found[NAMES.get(framework, "loss")]
    assert [step for step, _ in points] == list(range(20))
    for (step, value), loss in zip(points, LOSSES, strict=True):
        if value is None:
            assert math.isnan(loss), step
        else:
            assert math.isclose(value, loss, rel_tol=1e-6), step
    if framework == "lightning":
        assert [step for step, _ in found["val"]] == [4, 9, 14, 19]
    if framework == "keras_tensorboard":
        assert found["epoch_learning_rate"][-1][1] == pytest.approx(0.01)
