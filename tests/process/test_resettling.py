"""A run that is resumed with other settings: what is taken over, what is refused, what is said."""

from typing import Any

import pytest

PRESET = """
name = "set"
task = "regression"
[data]
name = "linear"
samples = 125
[model]
name = "mlp"
hidden = [8]
[loss]
name = "mse"
[train]
epochs = 2
batch_size = 10
threads = 1
[checkpoint]
every_steps = 5
keep = 100
"""


def settings(*each: str) -> list[str]:
    return [part for one in each for part in ("--set", one)]


@pytest.fixture(scope="module")
def run(cli_of_module: Any) -> Any:
    """A finished run of 2 epochs of 10 steps."""
    run = cli_of_module.detach(cli_of_module.preset(PRESET))
    run.wait_end()
    return run


@pytest.fixture(scope="module")
def longer(cli_of_module: Any, run: Any) -> Any:
    """The same once it has been trained for longer."""
    refused = cli_of_module("resume", run.id, exit_code=2)
    assert "--set train.epochs=N` trains it for longer" in refused.stderr_text
    told = cli_of_module("resume", run.id, *settings("train.epochs=4"), "--foreground")
    assert "train.epochs 2 -> 4" in told.stderr_text
    assert "as in a run that had these settings from its start" in told.stderr_text
    return run


def test_a_finished_run_goes_on_as_if_it_had_been_that_long(
    cli_of_module: Any, longer: Any
) -> None:
    whole = cli_of_module.detach(cli_of_module.folder / "own.toml", *settings("train.epochs=4"))
    assert (longer.state().reason, whole.wait_end().reason) == ("4 epochs done", "4 epochs done")
    assert longer.checkpoint("last").digest == whole.checkpoint("last").digest
    assert longer.curves() == whole.curves()
    assert "train.epochs 2 -> 4" in [mark.text for mark in longer.marks() if mark.step == 20]
    assert longer.config()["train"]["epochs"] == 4


def test_a_file_that_was_edited_by_hand_is_refused_with_the_way_to_change_settings(
    cli_of_module: Any, longer: Any
) -> None:
    path = longer.directory.config_path
    recorded = path.read_text()
    path.write_text(
        recorded.replace("epochs = 4", "epochs = 5").replace("hidden = [\n    8", "hidden = [9")
    )
    refused = cli_of_module("resume", longer.id, exit_code=2).stderr_text
    assert "train.epochs 4 -> 5" in refused
    assert "--set train.epochs=5" in refused
    half = cli_of_module("resume", longer.id, *settings("optimizer.lr=0.1"), exit_code=2)
    assert "train.epochs 4 -> 5" in half.stderr_text
    path.write_text("no TOML")
    assert "changed by hand" in cli_of_module("resume", longer.id, exit_code=2).stderr_text
    path.unlink()
    refused = cli_of_module("resume", longer.id, *settings("train.epochs=4"), exit_code=2)
    assert "is finished" in refused.stderr_text
    path.write_text(recorded)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("train.epochs=3", "4 epochs are done (step 40), so it must be at least 5"),
        ("train.epochs=9 train.max_steps=40", "step 40 is done, so it must be more"),
        ("train.batch_size=20", "4 epochs are done"),
        ("model.hidden=[9]", "model.hidden can't be changed on a resume"),
        ("train.epochs=0", "must be a whole number greater than 0"),
        ("train.epoch=9", "did you mean train.epochs?"),
    ],
)
def test_a_change_that_can_not_be_taken_over_is_refused_and_nothing_changes(
    cli_of_module: Any, longer: Any, change: str, said: str
) -> None:
    before = longer.directory.config_path.read_text()
    refused = cli_of_module("resume", longer.id, *settings(*change.split()), exit_code=2)
    assert said in refused.stderr_text
    assert longer.state().state == "finished"
    assert longer.directory.config_path.read_text() == before


def test_step_size_and_rate_change_from_a_checkpoint_on_and_the_epoch_goes_on(
    cli_of_module: Any, longer: Any
) -> None:
    # Step 25 of 10 an epoch: 50 of 100 samples of the third epoch are done.
    changes = settings("train.batch_size=20", "optimizer.lr=0.05", "train.epochs=4")
    told = cli_of_module(
        "resume", longer.id, "--from", "step-00000025", *changes, "--foreground"
    ).stderr_text
    for words in ("train.batch_size 10 -> 20", "optimizer.lr 0.001 -> 0.05", "not exact", "data:"):
        assert words in told
    # 2 steps for the 40 samples that are left, but for less than a step, and 5 for the last epoch.
    assert (longer.state().reason, longer.step) == ("4 epochs done", 32)
    assert longer.meta()["total_steps"] == 32
    assert longer.progress().epoch == 4.0
    assert dict(longer.points("lr"))[26] == 0.05
    assert [row.step for row in longer.evaluations()] == [10, 20, 27, 32]
    # Another resume knows where the data are.
    cli_of_module("resume", longer.id, *settings("train.epochs=5"), "--foreground")
    assert (longer.step, longer.progress().epoch) == (37, 5.0)
    assert dict(longer.points("lr"))[37] == 0.05


def test_what_a_killed_resume_was_told_holds_for_the_next(cli: Any) -> None:
    run = cli.endless("checkpoint.every_steps=100000", "checkpoint.best=false")
    run.wait_step(10)
    cli("set", run.id, "optimizer.lr=0.002")
    cli("stop", run.id)
    stopped = run.step
    live = cli("resume", run.id, *settings("optimizer.lr=0.001"))
    assert "optimizer.lr 0.001" in live.stderr_text
    refused = cli("resume", run.id, *settings("train.epochs=9"), exit_code=1)
    assert "is live: `tuitrain set` changes optimizer.lr" in refused.stderr_text
    run.wait_step(stopped + 5)
    run.kill("supervisor", "worker")
    cli.resume(run)
    run.wait_step(stopped + 5)
    cli("stop", run.id)
    rates = dict(run.points("lr"))
    assert (rates[stopped], rates[stopped + 1], rates[stopped + 5]) == (0.002, 0.001, 0.001)
