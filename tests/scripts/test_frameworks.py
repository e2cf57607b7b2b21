"""Scripts on the common frameworks, unchanged: their metrics are seen, their own flags are used."""

import sys

import pytest

from tests.scripts.conftest import Scripts, order, wait_parts
from tuitrain.messages import ChangeSetting, Pause, SaveCheckpoint, Stop

PYTHON = sys.executable
FRAMEWORKS = [
    pytest.param("keras", "keras_fit.py", "train/loss", "val/loss", "Keras", id="keras"),
    pytest.param("transformers", "hf_trainer.py", "train/loss", "eval/loss",
                 "Hugging Face Trainer", id="transformers"),
    pytest.param("lightning", "lightning_fit.py", "fit_loss", "val_loss", "Lightning",
                 id="lightning"),
    pytest.param("ultralytics", "yolo_train.py", "train/box_loss", "val/box_loss", "Ultralytics",
                 id="ultralytics"),
]  # fmt: skip


@pytest.mark.parametrize(("package", "program", "loss", "held_out", "name"), FRAMEWORKS)
def test_a_framework_is_seen_and_ends_and_saves_by_its_own_means(
    scripts: Scripts, package: str, program: str, loss: str, held_out: str, name: str
) -> None:
    pytest.importorskip(package, reason=f"{package} is of the extra `integrations`")
    run = scripts.begin(PYTHON, program)
    run.wait(lambda: {loss, held_out} <= set(run.metric_names()), "its metrics")
    seen = {"data", "forward", "backward"}
    # The optimizers of Keras are its own.
    wait_parts(run, seen | ({"rest"} if package == "keras" else {"optimizer", "other"}))
    facts = run.facts()
    assert facts.script.ability == "checkpoint"
    assert facts.script.by[0] == name
    assert facts.total_steps >= 100_000
    saved = order(run, SaveCheckpoint(name="kept"))
    assert saved.outcome == "done", saved.text
    path = scripts.folder / saved.text.partition("saved ")[2].removeprefix("as ").removeprefix(
        "in "
    )
    assert path.exists(), saved.text
    assert order(run, ChangeSetting(0, "optimizer.lr", 0.0005)).outcome == "done"
    changed = pytest.approx(0.0005, rel=0.01)
    run.wait(lambda: run.points("lr")[-1][1] == changed, "the new rate on the curve")
    assert order(run, Pause()).outcome == "done"
    # A paused loop stops as well: it goes on to the place where the framework looks.
    assert order(run, Stop()).outcome == "done"
    assert run.wait_end().state == "stopped"
    # Its own end was reached, where Ctrl-C would have left a traceback.
    assert run.log.splitlines()[-1].split()[0] in ("epoch", "trained", "fit", "saved"), run.log


def test_what_accelerate_logs_is_seen_without_a_tracker(scripts: Scripts) -> None:
    pytest.importorskip("accelerate", reason="accelerate is of the extra `integrations`")
    run = scripts.run(PYTHON, "accelerate_loop.py")
    assert run.step == 24
    assert [step for step, _ in run.points("fit/loss")] == list(range(25))
    assert set(run.facts().script.by) == {"AdamW of torch", "accelerate"}


@pytest.mark.parametrize("tracker", ["wandb", "mlflow"])
def test_what_is_logged_to_a_tracker_is_seen(scripts: Scripts, tracker: str) -> None:
    pytest.importorskip(tracker, reason=f"{tracker} is of the extra `integrations`")
    run = scripts.run(PYTHON, "trackers.py", tracker)
    points = run.points("own/loss")
    assert [step for step, _ in points] == list(range(1, 21))
    assert points[0][1] == pytest.approx(0.8)
    assert run.facts().script.by[-1].lower() == tracker
