"""What torch's flight recorders say of ranks that hang, in sentences."""

import pickle
from typing import Any

import pytest

from tuitrain.failures.collectives import collective_findings, read_dump


def entry(
    number: int,
    name: str = "nccl:all_reduce",
    shape: tuple[int, ...] = (64, 10),
    *,
    over: bool = True,
    group: tuple[str, str] = ("0", "default_pg"),
) -> dict[str, Any]:
    """Return one entry as torch 2.14 leaves it."""
    return {
        "record_id": number, "pg_id": 0, "process_group": group, "collective_seq_id": number,
        "p2p_seq_id": 0, "op_id": number, "profiling_name": name,
        "time_created_ns": 1795696663511287414, "input_sizes": [list(shape)],
        "input_dtypes": ["Float"], "output_sizes": [list(shape)], "output_dtypes": ["Float"],
        "state": "completed" if over else "started", "retired": over, "timeout_ms": 600000,
        "is_p2p": False,
    }  # fmt: skip


def dump(*entries: dict[str, Any]) -> Any:
    config = {"0": {"name": "0", "desc": "default_pg", "ranks": "[0, 1, 2]"}}
    held = {"version": "2.10", "pg_config": config, "pg_status": {}, "entries": list(entries)}
    found = read_dump(pickle.dumps(held))
    assert found is not None
    return found


WAITS = dump(entry(1), entry(2, over=False), entry(3, over=False))


@pytest.mark.parametrize(
    ("dumps", "said"),
    [
        (
            {0: WAITS, 1: dump(entry(1)), 2: WAITS},
            "rank 1 has not come to all_reduce of 64x10 Float, number 2 of the default group, in "
            "which ranks 0, 2 wait",
        ),
        (
            {0: WAITS, 1: dump(entry(1), entry(2, "nccl:broadcast", (), over=False))},
            "ranks differ in number 2 of the default group, and wait for ever: rank 0 calls "
            "all_reduce of 64x10 Float; rank 1 calls broadcast of 1 Float",
        ),
        (
            {0: WAITS, 1: WAITS},
            "ranks 0, 1 wait in all_reduce of 64x10 Float, number 2 of the default group, to which "
            "all of them have come",
        ),
    ],
)
def test_ranks_that_wait_are_told_with_whom_for_and_in_what(
    dumps: dict[int, Any], said: str
) -> None:
    assert collective_findings(dumps) == [said]


def test_nothing_is_said_where_nothing_is_open_and_each_group_is_looked_at() -> None:
    assert collective_findings({0: dump(entry(1)), 1: dump(entry(1), entry(2))}) == []
    assert collective_findings({0: WAITS}) == []
    beat = ("1", "beat")
    one = dump(entry(1), entry(7, "gloo:all_reduce", (40,), over=False, group=beat))
    other = dump(entry(1), entry(6, "gloo:all_reduce", (40,), group=beat))
    assert collective_findings({0: one, 1: other}) == [
        "rank 1 has not come to all_reduce of 40 Float, number 7 of group beat, in which rank 0 "
        "waits"
    ]


class Runs:
    """Would run a program where it is read."""

    def __reduce__(self) -> Any:
        return print, ("read",)


def test_what_is_no_record_is_not_read(capsys: pytest.CaptureFixture[str]) -> None:
    whole = pickle.dumps(dict(WAITS))
    for data in (b"", whole[:40], b"no pickle", pickle.dumps([1]), pickle.dumps(Runs())):
        assert read_dump(data) is None
    assert capsys.readouterr().out == ""
