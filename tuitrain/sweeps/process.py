"""The driver as a process: it holds the sweep's lock, looks several times a second, and ends.

Puts study, runs and driver together; decides nothing.
"""

import signal
import time
from collections.abc import Callable
from pathlib import Path

from tuitrain.config.user import load_user_config
from tuitrain.errors import EXIT_FAILED, EXIT_FINISHED, EXIT_INTERRUPTED
from tuitrain.file_lock import FileLock
from tuitrain.supervisor.queueing.places import open_places
from tuitrain.supervisor.queueing.wish import Wish, leases_folder
from tuitrain.sweeps.directory import (
    Control,
    SweepDirectory,
    change_control,
    read_control,
    read_launch,
)
from tuitrain.sweeps.driver import Driver
from tuitrain.sweeps.runs import OrdinaryRuns
from tuitrain.sweeps.settings import Sweep, read_sweep, with_seeds
from tuitrain.sweeps.study import Study
from tuitrain.sweeps.table import SweepTable, write_table

LOOK_S = 0.25


class _Signals:
    """Notes that somebody wants the driver to end."""

    def __init__(self) -> None:
        self.wanted = False

    def catch(self) -> None:
        """Note signals from now on; a hang-up of the terminal is not the sweep's business."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def _note(self, _number: int, _frame: object) -> None:
        self.wanted = True


def load_sweep(directory: SweepDirectory) -> Sweep:
    """Return a sweep's settings, its seeds among the dimensions.

    Raises:
        PresetError: its files were changed and are at fault.
        RecordError: they can't be read.
    """
    sweep = read_sweep(directory.sweep_path)
    runs = OrdinaryRuns(directory, read_launch(directory))
    return with_seeds(sweep, runs.preset({}).train.seed)


def drive(
    directory: SweepDirectory,
    say: Callable[[str], None],
    shown: Callable[[SweepTable], None] = lambda _table: None,
) -> int:
    """Drive a sweep until it is over or is stopped; return the exit code.

    Args:
        directory: the sweep's.
        say: is told in a line what happens.
        shown: is given the table when it has changed.

    Raises:
        RunBusyError: another driver has it.
        UsageError: Optuna is not installed, or there is nothing to wait for in the queue.
        FolderError: a folder can't be written.
    """
    signals = _Signals()
    with FileLock(directory.lock_path):
        signals.catch()
        launch, sweep = read_launch(directory), load_sweep(directory)
        queued = sweep.settings.when_free
        runs = OrdinaryRuns(directory, launch, Wish() if queued else None)
        places = sweep.settings.parallel or count_places()
        study = Study(directory.journal_path, sweep, launch.mode)
        driver = Driver(sweep, launch.metric, launch.mode, study, runs, say)
        try:
            _look_until_over(directory, driver, places, signals, shown)
        finally:
            runs.close()
    if driver.table.reason:
        say(driver.table.reason)
    return _exit_code(driver.table, stopped=signals.wanted)


def _look_until_over(
    directory: SweepDirectory,
    driver: Driver,
    places: int,
    signals: _Signals,
    shown: Callable[[SweepTable], None],
) -> None:
    before: SweepTable | None = None
    over = False
    while not over:
        control = read_control(directory)
        if signals.wanted and not control.stop:
            control = change_control(directory, stop=True)
        over = driver.look(control, places)
        if driver.table != before:
            before = driver.table
            write_table(directory, before)
            shown(before)
        if not over:
            time.sleep(LOOK_S)


def _exit_code(table: SweepTable, *, stopped: bool) -> int:
    if table.state == "finished":
        return EXIT_FINISHED
    return EXIT_INTERRUPTED if stopped else EXIT_FAILED if table.reason else EXIT_FINISHED


def count_places() -> int:
    """Return how many runs this box has room for: its GPUs, or the slots of the user's file."""
    places = open_places(leases_folder(), 0, load_user_config().queue.slots)
    try:
        return len(places.all())
    finally:
        places.close()


def main(arguments: list[str]) -> int:
    """Drive the sweep whose folder is named, in the background."""
    import sys

    from tuitrain.errors import TuitrainError

    def say(words: str) -> None:
        sys.stdout.write(f"{time.strftime('%H:%M:%S')} {words}\n")
        sys.stdout.flush()

    try:
        return drive(SweepDirectory(Path(arguments[0])), say)
    except TuitrainError as error:
        say(str(error))
        return error.exit_code


def fresh_control(directory: SweepDirectory, parallel: int | None) -> Control:
    """Say that a driver is to go on; `parallel` None leaves the number as it is."""
    changes: dict[str, int] = {} if parallel is None else {"parallel": parallel}
    return change_control(directory, paused=False, stop=False, **changes)
