"""Runs in Python, for notebooks and scripts: their metrics as arrays, and the commands they take.

    import tuitrain
    [run, *_] = tuitrain.runs()          # newest first
    steps, loss = run.metrics()["train/loss"]
    run.pause(); run.resume(); run.wait()

Reads records and gives commands, as the command line does; knows nothing of how a run trains.
"""

import time
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tuitrain.errors import RunBusyError, TuitrainError
from tuitrain.messages import (
    FINAL_STATES,
    ChangeSetting,
    Continue,
    Pause,
    Request,
    SaveCheckpoint,
    Stop,
)
from tuitrain.runs.directory import RunDirectory, runs_root
from tuitrain.runs.listing import list_runs
from tuitrain.runs.reader import RunReader
from tuitrain.supervisor.client import RunClient

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_POLL_S = 0.1
_OVER = FINAL_STATES | {"lost"}


class Curve(NamedTuple):
    """A metric."""

    steps: "np.ndarray[Any, np.dtype[np.int64]]"
    """[points], ascending."""
    values: "np.ndarray[Any, np.dtype[np.float64]]"
    """[points]; NaN and infinities as they were."""


class RecordedRun:
    """One run, live or over; it is read anew at each call."""

    def __init__(self, directory: RunDirectory, client: RunClient) -> None:
        self._directory = directory
        self._client = client

    def __repr__(self) -> str:
        return f"<run {self.id}: {self.state}, step {self.step}>"

    @property
    def id(self) -> str:
        """The run's id."""
        return self._directory.id

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self._directory.path

    @property
    def state(self) -> str:
        """Its state: starting, running, paused, finished, stopped, failed or lost."""
        with RunReader(self._directory) as reader:
            return reader.state().state

    @property
    def step(self) -> int:
        """The last step on record."""
        with RunReader(self._directory) as reader:
            progress = reader.steps.progress()
        return progress.step if progress else 0

    @property
    def config(self) -> dict[str, Any]:
        """The settings: the resolved preset, or what a script told."""
        with RunReader(self._directory) as reader:
            return reader.config()

    def metrics(self, names: Sequence[str] | None = None) -> dict[str, Curve]:
        """Return metrics, whole.

        Args:
            names: which; all when None.

        Raises:
            TuitrainError: there is no metric of such a name, or the record can't be read.
        """
        import numpy as np

        with RunReader(self._directory) as reader:
            known = reader.curves.metric_names()
            if unknown := [name for name in names or () if name not in known]:
                raise TuitrainError(
                    f"{self.id} has no metric {unknown[0]!r}; it has {', '.join(known) or 'none'}"
                )
            found = {}
            for name in known if names is None else names:
                chunks = list(reader.curves.point_chunks(name))
                steps = [np.asarray(chunk.steps, dtype=np.int64) for chunk in chunks]
                values = [np.asarray(chunk.values, dtype=np.float64) for chunk in chunks]
                found[name] = Curve(np.concatenate(steps), np.concatenate(values))
            return found

    def frame(self, names: Sequence[str] | None = None) -> "pd.DataFrame":
        """Return metrics as a table of pandas: a row a step, a column a metric, NaN for gaps.

        Args:
            names: which; all when None.

        Raises:
            TuitrainError: pandas is not installed, or as for `metrics`.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise TuitrainError("frame() needs pandas: pip install pandas") from error
        curves = self.metrics(names)
        columns = {name: pd.Series(each.values, each.steps) for name, each in curves.items()}
        return pd.DataFrame(columns).rename_axis("step")

    # --- commands -------------------------------------------------------------------------------

    def pause(self, *, release: bool = False) -> str:
        """Hold it at its next step; with `release` give all GPU memory back. Return what was done.

        Raises:
            TuitrainError: it is not live, or can't; the text says why.
        """
        return self._order(Pause(release=release))

    def resume(self) -> str:
        """Let it go on; one that has ended is resumed from its last checkpoint.

        Raises:
            TuitrainError: it can't; the text says why.
        """
        command = self._client.resume(self._directory)
        if command is not None:
            return self._answer(command, Continue())
        self._client.wait_for_start(self._directory)
        return "resumed"

    def stop(self, *, now: bool = False) -> str:
        """End it: it saves first where it can, unless `now`.

        Raises:
            TuitrainError: it is not live.
        """
        return self._order(Stop(now=now))

    def checkpoint(self, name: str = "") -> str:
        """Have it save a checkpoint.

        Raises:
            TuitrainError: it is not live, or can't; the text says why.
        """
        return self._order(SaveCheckpoint(name=name))

    def set(self, key: str, value: float) -> str:
        """Change a live setting, as optimizer.lr, from the next step on.

        Raises:
            TuitrainError: it is not live, or the setting is none of its.
        """
        return self._order(ChangeSetting(0, key, value))

    def wait(self, timeout: float | None = None) -> str:
        """Return its state once it is over.

        Args:
            timeout: seconds after which to give up; never when None.

        Raises:
            RunBusyError: the time is up.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with RunReader(self._directory) as reader:
            while (state := reader.state().state) not in _OVER:
                if deadline is not None and time.monotonic() > deadline:
                    raise RunBusyError(f"{self.id} is {state} after {timeout:g} s")
                time.sleep(_POLL_S)
        return state

    def _order(self, request: Request) -> str:
        return self._answer(self._client.send(self._directory, request), request)

    def _answer(self, number: int, request: Request) -> str:
        answer = self._client.wait_for_answer(self._directory, number)
        if answer.outcome != "done":
            raise TuitrainError(f"{self.id}: {type(request).__name__} was refused: {answer.text}")
        return answer.text


def runs(runs_dir: "str | PathLike[str] | None" = None) -> list[RecordedRun]:
    """Return every run, newest first.

    Args:
        runs_dir: the folder of all runs; else $TUITRAIN_RUNS, else ./runs.

    Raises:
        TuitrainError: the folder can't be read.
    """
    root = _root(runs_dir)
    client = RunClient(root)
    return [RecordedRun(RunDirectory(Path(run.path)), client) for run in list_runs(root)]


def find(name: str, runs_dir: "str | PathLike[str] | None" = None) -> RecordedRun:
    """Return the run that answers to an id, a name, or the beginning of either; or `last`.

    Args:
        name: of the run.
        runs_dir: the folder of all runs; else $TUITRAIN_RUNS, else ./runs.

    Raises:
        RunNotFoundError: none does, or more than one.
    """
    client = RunClient(_root(runs_dir))
    return RecordedRun(client.find(name), client)


def _root(runs_dir: "str | PathLike[str] | None") -> Path:
    return runs_root(None if runs_dir is None else Path(runs_dir))
