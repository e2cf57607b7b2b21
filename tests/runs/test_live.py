from pathlib import Path

from tests.ui.makers import falling, keep_alive, new_run, train
from tuitrain.runs.reading.live import live_runs


def test_live_runs_are_those_with_a_supervisor_and_tell_their_workers_process(
    tmp_path: Path,
) -> None:
    root = tmp_path / "runs"
    made, over = new_run(root, "live"), new_run(root, "over", seed=2)
    train(made, falling(3), end=None, pid=4711)
    train(over, falling(3))
    lock = keep_alive(made)
    (run,) = live_runs(root)
    assert (run.summary.name, run.pid, run.summary.step) == ("live", 4711, 3)
    lock.release()
    assert live_runs(root) == ()


def test_a_record_that_can_not_be_read_hides_no_other_run(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    made, broken = new_run(root, "live"), new_run(root, "broken", seed=2)
    train(made, falling(3), end=None)
    broken.path.joinpath("run.db").write_bytes(b"no database" * 100)
    locks = [keep_alive(each) for each in (made, broken)]
    assert [run.summary.name for run in live_runs(root)] == ["live"]
    for lock in locks:
        lock.release()
