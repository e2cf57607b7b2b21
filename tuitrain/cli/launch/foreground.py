"""Where a run that was started is supervised: in this process, or in one of its own.

Knows what is printed of it meanwhile, not how it was begun.
"""

import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tuitrain.cli import output
from tuitrain.errors import EXIT_FAILED

if TYPE_CHECKING:
    from subprocess import Popen

    from tuitrain.cli.launch.progress import Progress
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.runs.rows import StateRow
    from tuitrain.supervisor.client import RunClient
    from tuitrain.supervisor.launch import LaunchSpec
    from tuitrain.supervisor.worker_process import WorkerProcess


class Foreground:
    """Supervises a run in this process, and shows it; left as a context, it ends the worker."""

    def __init__(self, json: bool) -> None:
        """Supervise nothing yet; with `json` what becomes of the run is printed as JSON lines."""
        self._json = json
        self._worker: WorkerProcess | None = None
        self.exit_code = 0
        """Of the run, once it is over."""

    def __enter__(self) -> "Foreground":
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the worker."""
        self.end_worker()

    def end_worker(self) -> None:
        """End the worker, where one was started."""
        if self._worker is not None:
            self._worker.end()

    def start_worker(self) -> None:
        """Start the worker: it imports torch while this process reads the settings."""
        from tuitrain.supervisor.worker_process import WorkerProcess, interrupts_held

        with interrupts_held():
            # What it writes goes to the run's log once it has its order.
            self._worker = WorkerProcess(Path(os.devnull))

    def __call__(self, spec: "LaunchSpec") -> None:
        """Supervise the run until it is over."""
        from tuitrain.cli.launch.notices import DesktopNotifier
        from tuitrain.cli.launch.progress import ProgressPrinter
        from tuitrain.config.user import load_user_config
        from tuitrain.supervisor.supervisor import Supervisor

        directory = spec.directory
        notify = load_user_config().notify
        printer = ProgressPrinter(_progress(spec, self._json))
        printer.begin()
        observers = [printer, DesktopNotifier(directory.id, notify)]
        # One that could not even start is started again, with the run's log to say why.
        worker = self._worker if self._worker and self._worker.is_alive else None
        self.exit_code = Supervisor(spec, observers, worker).run()
        if self.exit_code == EXIT_FAILED and (why := _why_failed(directory)):
            output.say(why)
        if self.exit_code:
            output.say(f"resume with: tuitrain resume {directory.id}")
        output.say(f"the run is in {directory.path}")


def _why_failed(directory: "RunDirectory") -> str:
    """Return what a failed run tells of its failure; empty where that is not known."""
    from tuitrain.analysis.why_failed import read_failures
    from tuitrain.errors import RecordError
    from tuitrain.runs.reader import RunReader
    from tuitrain.view.run.failure import failure_block

    try:
        with RunReader(directory) as reader:
            return failure_block(read_failures(reader))
    except RecordError:
        # The supervisor has told of a record that can't be read.
        return ""


def _progress(spec: "LaunchSpec", json: bool) -> "Progress":
    from tuitrain.cli.launch.progress import JsonLines, LiveLine, PlainLines, RunProgress
    from tuitrain.runs.reader import RunReader

    directory, preset = spec.directory, spec.preset
    if json:
        return JsonLines(directory.id, str(directory.path))
    with closing(RunReader(directory)) as reader:
        name = str(reader.meta()["name"])
    progress = RunProgress(
        name, preset.train.epochs, monitor=preset.checkpoint.monitor or "", job=spec.job
    )
    if sys.stdout.isatty():
        return LiveLine(progress)
    # Of several machines: which are waited for.
    return PlainLines(progress, preparations=spec.nodes is not None)


def watch(directory: "RunDirectory") -> NoReturn:
    """Show a run in the interface until that is left."""
    from tuitrain.cli.interface import open_interface

    open_interface(directory.path.parent, first=lambda app: app.opener.open_run(directory))


def start_in_background(spec: "LaunchSpec") -> "Popen[bytes]":
    """Start a run's supervisor as a process of its own; return that."""
    from tuitrain.supervisor import background

    return background.start_in_background(spec)


def await_start(client: "RunClient", directory: "RunDirectory", json: bool) -> int:
    """Say what becomes of a run in the background until it runs; return the exit code."""

    def report(state: "StateRow") -> None:
        output.say(f"{directory.id}: {state.state}{f', {state.reason}' if state.reason else ''}")

    state = client.wait_for_start(directory, report)
    if json:
        plain = {"id": directory.id, "state": state.state, "reason": state.reason}
        output.data_json({**plain, "path": str(directory.path)})
    else:
        output.data(directory.id)
    if state.state == "failed" and (why := _why_failed(directory)):
        output.say(why)
    return EXIT_FAILED if state.state == "failed" else 0
