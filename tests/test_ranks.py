"""What ranks leave for others to read, whatever becomes of them."""

import os
from pathlib import Path

import pytest

from tuitrain.ranks import (
    FOLDER,
    Board,
    RankFailure,
    Standing,
    behind,
    board_path,
    choose_cause,
    read_board,
    read_failures,
    write_failure,
)


def test_a_board_shows_where_each_rank_is(tmp_path: Path) -> None:
    assert read_board(tmp_path) == []
    board = Board.create(board_path(tmp_path), 3)
    assert [each.pid for each in read_board(tmp_path)] == [0, 0, 0]
    board.put(1, 17, "beat")
    found = read_board(tmp_path)[1]
    assert (found.rank, found.pid, found.step, found.phase) == (1, os.getpid(), 17, "beat")


@pytest.mark.parametrize(
    ("standings", "text"),
    [
        ([(5, "step"), (4, "step"), (5, "beat")],
         "rank 1 is in step 4; ranks 0, 2 wait for it"),
        ([(5, "beat"), (5, "step")], "rank 1 is in step 5; rank 0 waits for it"),
        ([(5, "step"), (5, "step")], "all 2 ranks are in step 5"),
        ([(5, "step")], ""),
    ],
)  # fmt: skip
def test_the_rank_that_is_behind_is_named(standings: list[tuple[int, str]], text: str) -> None:
    assert behind([Standing(n, 9, *at, 0.0) for n, at in enumerate(standings)]) == text  # type: ignore[arg-type]


def test_the_cause_is_an_own_error_then_a_death_and_a_lost_peer_at_last(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    lost = RankFailure(0, 1.0, "connection closed", lost_peer=True)
    write_failure(tmp_path, lost)
    assert choose_cause(read_failures(tmp_path), {0: 1}) == lost
    died = choose_cause(read_failures(tmp_path), {1: -9}, lambda: 5.0)
    assert (died.rank, died.exit_code) == (1, -9)
    raised = RankFailure(2, 2.0, "ValueError: planted", "Traceback")
    write_failure(tmp_path, raised)
    assert choose_cause(read_failures(tmp_path), {1: -9}) == raised
