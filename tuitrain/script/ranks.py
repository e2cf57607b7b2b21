"""Which of several processes that train one model this is, and where it stands.

Each rank writes a slot of the run's board, whoever of them speaks for the run.
"""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing.process
import os
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuitrain.ranks import Board, RankFailure, board_path, write_failure


def rank_here(environ: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """Return the rank of this process, and how many there are: as torch, or its launcher says."""
    distributed = sys.modules.get("torch.distributed")
    with contextlib.suppress(Exception):
        if distributed is not None and distributed.is_initialized():
            return int(distributed.get_rank()), int(distributed.get_world_size())
    with contextlib.suppress(ValueError):
        return int(environ.get("RANK", "0")), int(environ.get("WORLD_SIZE", "1"))
    return 0, 1


def is_rank_open(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether this process may get a rank other than 0 that is not known yet.

    So are those of `mp.spawn` before they join the others, all but its first.
    """
    distributed = sys.modules.get("torch.distributed")
    with contextlib.suppress(Exception):
        if "RANK" in environ or (distributed is not None and distributed.is_initialized()):
            return False
        process: Any = multiprocessing.process.current_process()
        # Its target is called with the user's function, its number, and the rest.
        return process._target is sys.modules["torch.multiprocessing.spawn"]._wrap and bool(
            process._args[1]
        )
    return False


class RankHere:
    """This process among the ranks of a run."""

    def __init__(self, run_folder: Path, rank: int, size: int) -> None:
        """Take a slot of the run's board.

        Args:
            run_folder: of the run.
            rank: of this process.
            size: how many ranks there are.

        Raises:
            OSError: there can't be a board.
        """
        self._run_folder, self._rank = run_folder, rank
        self._step = 0
        self._board = Board.join(board_path(run_folder), size)
        atexit.register(self.leave)

    def put(self, steps: int) -> None:
        """Say how many steps are done; the next one is under way."""
        self._step = steps
        self._board.put(self._rank, steps + 1, "step")

    def leave(self) -> None:
        """Say how this rank ends: as it should, or by what it raised."""
        error = getattr(sys, "last_value", None)
        if not isinstance(error, Exception):
            self._board.put(self._rank, self._step, "ended")
            return
        reason = f"{type(error).__name__}: {error}"
        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        with contextlib.suppress(OSError):
            write_failure(
                self._run_folder, RankFailure(self._rank, time.time(), reason, traceback=trace)
            )

    def forget(self) -> None:
        """Leave the slot to the parent of this process, which was forked."""
        atexit.unregister(self.leave)


def join_ranks(run_folder: Path | None) -> RankHere | None:
    """Return this process among several ranks; None where it is the only one.

    Args:
        run_folder: of the run; None: it is not known.

    Raises:
        OSError: there can't be a board.
    """
    rank, size = rank_here()
    if run_folder is None or size < 2 or not 0 <= rank < size:
        return None
    return RankHere(run_folder, rank, size)
