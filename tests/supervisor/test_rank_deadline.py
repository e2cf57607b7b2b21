"""An agent that outlives a rank for too long is ended, whatever hangs in it."""

import os
import subprocess
import sys
from pathlib import Path

from tuitrain.ranks import Board, board_path
from tuitrain.supervisor.rank_deadline import DEADLINE_S, RankDeadline


def test_an_agent_is_killed_only_when_a_rank_has_been_gone_for_long(tmp_path: Path) -> None:
    now, killed = [0.0], []
    deadline = RankDeadline(tmp_path, lambda: killed.append(now[0]), lambda: now[0])

    def pass_time(seconds: float) -> None:
        for _second in range(int(seconds)):
            now[0] += 1.0
            deadline.poll()

    pass_time(2 * DEADLINE_S)
    board = Board.create(board_path(tmp_path), 2)
    board.put(0, 5, "step")
    pass_time(2 * DEADLINE_S)
    assert not killed, os.getpid()
    script = (
        "import sys; from pathlib import Path; from tuitrain.ranks import Board, board_path\n"
        "Board(board_path(Path(sys.argv[1])), 2).put(1, 5, sys.argv[2])"
    )

    def leave(phase: str) -> None:
        subprocess.run([sys.executable, "-c", script, str(tmp_path), phase], check=True)

    leave("ended")
    pass_time(2 * DEADLINE_S)
    assert not killed
    leave("step")
    begun = now[0]
    pass_time(2 * DEADLINE_S)
    assert killed
    assert killed[0] - begun >= DEADLINE_S
