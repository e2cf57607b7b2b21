"""What SLURM's environment says, and when its job ends."""

from collections.abc import Sequence

import pytest

from tuitrain.errors import TuitrainError, UsageError
from tuitrain.messages import Nodes
from tuitrain.supervisor.cluster import slurm

STEP = {
    "SLURM_JOB_ID": "4711",
    "SLURM_STEP_ID": "0",
    "SLURM_NNODES": "2",
    "SLURM_NTASKS": "2",
    "SLURM_PROCID": "1",
    "SLURM_JOB_NODELIST": "gpu[03-07,12],login1",
}


def test_a_task_a_node_says_which_nodes_train_and_where_they_meet() -> None:
    assert slurm.slurm_nodes(STEP) == Nodes(2, 1, "gpu03", 12000 + 4711)
    assert slurm.slurm_nodes({**STEP, "SLURM_NNODES": "1"}) is None
    outside = {name: value for name, value in STEP.items() if name != "SLURM_STEP_ID"}
    assert slurm.slurm_nodes(outside) is None and slurm.starts_without_srun(outside) == 2
    with pytest.raises(UsageError, match=r"16 tasks on 2 nodes.*--ntasks-per-node=1"):
        slurm.slurm_nodes({**STEP, "SLURM_NTASKS": "16"})


@pytest.mark.parametrize(
    ("names", "first"),
    [("a1", "a1"), ("a[1-2]-ib,b", "a1-ib"), ("rack[2,5]", "rack2"), ("x,y", "x")],
)
def test_the_first_node_of_a_list_is_read(names: str, first: str) -> None:
    assert slurm.first_host(names) == first


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 5400), ("4:30", 270), ("4:00:00", 14400), ("2-0", 172800), ("1-02:03:04", 93784),
        ("UNLIMITED", 0), ("soon", 0),
    ],
)  # fmt: skip
def test_times_are_read_as_slurm_writes_them(text: str, seconds: float) -> None:
    assert slurm.duration_of(text) == seconds


def test_the_end_of_a_job_is_asked_for_where_the_environment_does_not_say() -> None:
    def left(command: Sequence[str]) -> str:
        assert command[:4] == ["squeue", "--noheader", "--jobs", "4711"]
        return "1:00:00\n"

    def fails(_command: Sequence[str]) -> str:
        raise TuitrainError("squeue does not answer")

    assert slurm.end_of_job({**STEP, "SLURM_JOB_END_TIME": "99"}, lambda: 5.0, fails) == 99
    assert slurm.end_of_job(STEP, lambda: 5.0, left) == 3605
    assert slurm.end_of_job(STEP, lambda: 5.0, fails) == 0
    assert slurm.end_of_job({}, lambda: 5.0, fails) == 0


def test_a_requeued_command_is_known_again_and_another_of_the_job_is_not() -> None:
    first = slurm.job_of(STEP, ["run", "a"])
    again = slurm.job_of({**STEP, "SLURM_RESTART_COUNT": "1"}, ["run", "a"])
    other = slurm.job_of(STEP, ["run", "b"])
    assert first is not None and again is not None and other is not None
    assert first.key == again.key != other.key
    assert (first.restarts, again.restarts) == (0, 1)
    assert slurm.job_of({}, ["run", "a"]) is None
