"""A sweep is whole whatever dies: each point once, with the values of an undisturbed one."""

import random
from pathlib import Path

import pytest

pytest.importorskip("optuna", reason="the extra `sweep` is not installed")

from tests.sweeps.simulated import METRIC, SimulatedRuns, finish, sweep_of, told
from tuitrain.sweeps.directory import Control, SweepDirectory
from tuitrain.sweeps.driver import Driver
from tuitrain.sweeps.study import Study, importance_of, mend_journal
from tuitrain.sweeps.table import read_table, write_table

GRID = """
[sweep]
sampler = "grid"
[sweep.space]
"optimizer.lr" = { choice = [1e-3, 1e-2, 1e-1] }
"model" = { choice = [[4], [8, 8]] }
"""
TPE = """
[sweep]
trials = 20
startup = 4
[sweep.space]
"optimizer.lr" = { log = [1e-5, 1.0] }
"train.batch_size" = { int = [16, 256], log = true }
"""
BAD = """
[sweep]
sampler = "grid"
pruner = "median"
min_epochs = 2
startup = 2
[sweep.space]
"optimizer.lr" = { choice = [1e-3, 1e-2, 30.0, 2e-2] }
"""


@pytest.mark.parametrize("seed", range(4))
def test_a_grid_survives_the_death_of_drivers_and_runs_with_each_point_once(
    seed: int, tmp_path: Path
) -> None:
    quiet, _ = finish(tmp_path / "quiet", sweep_of(GRID), SimulatedRuns())
    assert len(told(quiet)) == len(quiet) == 6
    runs, chance = SimulatedRuns(), random.Random(seed)
    hurt, drivers = finish(
        tmp_path / "hurt", sweep_of(GRID), runs, chance=chance, odds=0.05, parallel=2, lose=0.05
    )
    assert drivers > 1
    assert told(hurt) == told(quiet)
    assert set(runs.started.values()) == {1}
    assert len(runs.started) == 6
    assert runs.most_live <= 2


def test_a_sampler_asks_what_it_would_have_asked_without_the_kills(tmp_path: Path) -> None:
    quiet, _ = finish(tmp_path / "quiet", sweep_of(TPE), SimulatedRuns())
    assert len(quiet) == len(told(quiet)) == 20
    runs, chance = SimulatedRuns(), random.Random(5)
    hurt, drivers = finish(tmp_path / "hurt", sweep_of(TPE), runs, chance=chance, odds=0.01)
    assert drivers > 1
    assert [dict(trial.point) for trial in hurt] == [dict(trial.point) for trial in quiet]
    assert told(hurt) == told(quiet)
    (tmp_path / "quiet").rename(tmp_path / "journal.log")
    weights = importance_of(SweepDirectory(tmp_path))
    assert next(iter(weights)) == "optimizer.lr"


@pytest.mark.parametrize(
    "kind", ['sampler = "cmaes"', 'pruner = "hyperband"', 'sampler = "random"']
)
def test_other_samplers_and_pruners_survive_too_and_find_the_rate(
    kind: str, tmp_path: Path
) -> None:
    pytest.importorskip("cmaes", reason="the extra `sweep` is not installed")
    runs, sweep = SimulatedRuns(epochs=4), sweep_of(TPE.replace("trials", f"{kind}\ntrials"))
    trials, drivers = finish(tmp_path / "j", sweep, runs, chance=random.Random(3), odds=0.01)
    assert drivers > 1
    assert len(trials) == len({*runs.started}) == 20
    assert {trial.state for trial in trials} <= {"complete", "pruned"}
    best = min((trial for trial in trials if trial.value is not None), key=lambda t: t.value or 0)
    assert 1e-3 < best.point["optimizer.lr"] < 1e-1


def test_a_bad_rate_is_pruned_and_its_run_stopped_after_the_epochs_it_is_due(
    tmp_path: Path,
) -> None:
    runs = SimulatedRuns(epochs=5)
    trials, _ = finish(tmp_path / "j", sweep_of(BAD), runs)
    [bad] = [trial for trial in trials if trial.point["optimizer.lr"] == 30.0]
    assert bad.state == "pruned"
    assert runs.stops == [bad.number]
    assert runs.there[bad.number].done == 2
    assert sum(trial.state == "complete" for trial in trials) >= 2


def test_optuna_itself_reads_the_journal(tmp_path: Path) -> None:
    import optuna
    from optuna.storages.journal import JournalFileBackend

    trials, _ = finish(tmp_path / "j", sweep_of(GRID), SimulatedRuns())
    storage = optuna.storages.JournalStorage(JournalFileBackend(str(tmp_path / "j")))
    study = optuna.load_study(study_name=None, storage=storage)
    assert study.best_value == min(trial.value or 9 for trial in trials)
    assert study.best_params == {"optimizer.lr": 0.01, "model": "[4]"}
    assert {trial.user_attrs["run"] for trial in study.trials} == {f"run-{n}" for n in range(6)}


def test_a_line_that_was_left_half_written_is_cut_off(tmp_path: Path) -> None:
    journal = tmp_path / "journal.log"
    before, _ = finish(journal, sweep_of(GRID), SimulatedRuns())
    with journal.open("ab") as file:
        file.write(b'{"op_code": 4, "wor')
    (tmp_path / "journal.log.lock").symlink_to(journal)
    assert told(Study(journal, sweep_of(GRID), "min").trials()) == told(before)
    mend_journal(tmp_path / "nothing")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal.log"]


def test_a_run_that_is_gone_is_run_again_as_another_trial(tmp_path: Path) -> None:
    runs, sweep = SimulatedRuns(), sweep_of(GRID)
    driver = Driver(sweep, METRIC, "min", Study(tmp_path / "j", sweep, "min"), runs)
    driver.look(Control(), 1)
    driver.look(Control(), 1)
    del runs.there[0]
    while not driver.look(Control(), 1):
        pass
    rows = driver.table.rows
    assert [row.state for row in rows] == ["repeated", *["complete"] * 6]
    assert rows[0].point in [row.point for row in rows[1:]]
    directory = SweepDirectory(tmp_path)
    write_table(directory, driver.table)
    assert read_table(directory) == driver.table


def test_a_paused_sweep_starts_nothing_and_a_stopped_one_goes_on_where_it_was(
    tmp_path: Path,
) -> None:
    runs, sweep = SimulatedRuns(epochs=50), sweep_of(GRID)
    driver = Driver(sweep, METRIC, "min", Study(tmp_path / "j", sweep, "min"), runs)
    driver.look(Control(), 1)
    assert len(runs.there) == 1
    driver.look(Control(parallel=3), 1)
    assert len(runs.there) == 3
    driver.look(Control(paused=True, parallel=6), 1)
    assert len(runs.there) == 3
    assert driver.table.state == "paused"
    # One that a person froze takes no place, and another one does.
    runs.there[0].state = "paused"
    driver.look(Control(parallel=3), 1)
    driver.look(Control(parallel=3), 1)
    assert len(runs.there) == 4
    while not driver.look(Control(stop=True, parallel=3), 1):
        pass
    assert driver.table.state == "stopped"
    assert {run.state for run in runs.there.values()} == {"paused", "stopped"}
    stood = {number: run.done for number, run in runs.there.items()}
    again = Driver(sweep, METRIC, "min", Study(tmp_path / "j", sweep, "min"), runs)
    assert runs.resumes == 4
    assert all(runs.there[number].done >= done for number, done in stood.items())
    while not again.look(Control(parallel=6), 1):
        pass
    assert again.table.state == "finished"
    assert set(runs.started.values()) == {1}


def test_what_a_person_stopped_stays_stopped_with_the_value_it_had(tmp_path: Path) -> None:
    runs, sweep = SimulatedRuns(epochs=50), sweep_of(GRID)
    driver = Driver(sweep, METRIC, "min", Study(tmp_path / "j", sweep, "min"), runs)
    for _ in range(4):
        driver.look(Control(), 1)
    runs.there[0].state = "stopped"
    driver.look(Control(paused=True), 1)
    [row] = driver.table.rows
    assert (row.state, row.reason) == ("pruned", "stopped by hand")
    assert row.value == pytest.approx(runs.there[0].values()[-1][1])


def test_where_every_trial_fails_no_more_are_started(tmp_path: Path) -> None:
    runs, sweep = SimulatedRuns(broken="the disk is full"), sweep_of(GRID)
    driver = Driver(sweep, METRIC, "min", Study(tmp_path / "j", sweep, "min"), runs)
    while not driver.look(Control(), 1):
        pass
    assert len(driver.table.rows) == 5
    assert "all of 5 trials failed; the last: " in driver.table.reason
    assert "the disk is full" in driver.table.reason
    assert driver.table.state == "stopped"
