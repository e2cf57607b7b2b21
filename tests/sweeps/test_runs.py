"""The runs of a sweep's trials as they are found and read on disk."""

import subprocess
from pathlib import Path

import pytest

from tests.ui.makers import CONFIG, falling, keep_alive, new_run, train
from tuitrain.errors import TuitrainError
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.writer import RunWriter
from tuitrain.sweeps.directory import SweepDirectory, SweepLaunch, create_sweep
from tuitrain.sweeps.runs import OrdinaryRuns


@pytest.fixture
def sweep(tmp_path: Path) -> SweepDirectory:
    return create_sweep(tmp_path / "runs", "s", {"preset.toml": CONFIG.format(preset="demo")}, 0.0)


@pytest.fixture
def runs(sweep: SweepDirectory) -> OrdinaryRuns:
    return OrdinaryRuns(sweep, SweepLaunch("val/loss", "min"))


def trial(sweep: SweepDirectory, number: int, before: str = "") -> RunDirectory:
    run = new_run(sweep.path.parent.parent, f"{before}{sweep.id}-{number:03}")
    train(run, falling(20), accuracy=0.5)
    return run


def test_a_trial_has_the_run_of_its_name_and_no_other_sweeps(
    sweep: SweepDirectory, runs: OrdinaryRuns
) -> None:
    trial(sweep, 0, before="other-")
    assert runs.look(0) is None
    mine = trial(sweep, 0)
    found = runs.look(0)
    assert found is not None
    assert (found.id, found.state, found.live) == (mine.id, "finished", False)
    assert [epoch for epoch, _value in found.evaluations] == [2.0]
    # Nobody wrote to it since: it is not read again.
    assert runs.look(0) is found
    runs.close()
    assert sorted(path.name for path in mine.path.glob("run.db*")) == ["run.db"]


def test_a_record_that_can_not_be_read_is_no_run_that_is_gone(
    sweep: SweepDirectory, runs: OrdinaryRuns
) -> None:
    run = trial(sweep, 1)
    content = run.database_path.read_bytes()
    run.database_path.write_bytes(b"no database" * 100)
    lock = keep_alive(run)
    found = runs.look(1)
    assert found is not None
    assert (found.state, found.live) == ("running", True)
    lock.release()
    found = runs.look(1)
    assert found is not None
    assert found.state == "failed"
    assert "run.db" in found.reason
    run.database_path.write_bytes(content)
    found = runs.look(1)
    assert found is not None
    assert found.state == "finished"
    runs.close()


def test_what_a_reader_kept_open_is_one_file_again(
    sweep: SweepDirectory, runs: OrdinaryRuns
) -> None:
    run = trial(sweep, 2)
    assert runs.look(2) is not None
    with RunWriter(run) as writer:
        writer.add_alert(1.0, "disk", "while somebody reads")
    runs.look(2)
    runs.close()
    assert sorted(path.name for path in run.path.glob("run.db*")) == ["run.db"]


def test_a_lost_run_that_is_resumed_is_not_lost_until_its_supervisor_has_ended(
    sweep: SweepDirectory,
) -> None:
    run = new_run(sweep.path.parent.parent, f"{sweep.id}-003")
    with RunWriter(run) as writer:
        writer.begin_attempt(1.0)
    with subprocess.Popen(["sleep", "1000"]) as supervisor:
        runs = OrdinaryRuns(sweep, SweepLaunch("val/loss", "min"), start=lambda _spec: supervisor)
        found = runs.look(3)
        assert found is not None
        assert (found.state, found.live) == ("lost", False)
        runs.resume(3)
        found = runs.look(3)
        assert found is not None and found.live
        supervisor.kill()
    found = runs.look(3)
    assert found is not None and not found.live
    runs.close()


def test_a_run_that_is_gone_can_not_be_resumed(runs: OrdinaryRuns) -> None:
    with pytest.raises(TuitrainError, match="the run s-0101-1-007 is gone"):
        runs.resume(7)
    runs.stop(7)
