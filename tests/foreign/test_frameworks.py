"""What frameworks and their loggers really write is read back equal, each where it is installed."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.foreign.logs import Curves, read_whole

_LOGS = """
import json, math, os, sys
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

for write in (tensorboardx, lightning, transformers, keras):
    try:
        write()
        written.append(write.__name__)
    except ModuleNotFoundError as error:
        print(error, file=sys.stderr)
print(json.dumps(written))
"""
LOSSES = [math.nan if step == 7 else 1 / (step + 1) for step in range(20)]
NAMES = {"transformers": "train/loss"}


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


@pytest.mark.parametrize("framework", ["tensorboardx", "lightning", "transformers", "keras"])
def test_what_a_framework_writes_is_read_back_equal(
    logs: tuple[Path, list[str]], tmp_path: Path, framework: str
) -> None:
    folder, written = logs
    if framework not in written:
        pytest.skip(f"{framework} is not installed (extra: integrations)")
    found: Curves = read_whole(folder / framework, tmp_path)
    points = found[NAMES.get(framework, "loss")]
    assert [step for step, _ in points] == list(range(20))
    for (step, value), loss in zip(points, LOSSES, strict=True):
        if value is None:
            assert math.isnan(loss), step
        else:
            assert math.isclose(value, loss, rel_tol=1e-6), step
    if framework == "lightning":
        assert [step for step, _ in found["val"]] == [4, 9, 14, 19]
