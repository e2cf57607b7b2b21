"""Drives the real command line in a folder of its own, and asserts that no ending leaves a trace.

Every process of a test is found by its environment: it names the test's own runs folder.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from tests import commands
from tuitrain.file_lock import is_held, read_holder
from tuitrain.messages import Request
from tuitrain.runs.commands import give_command
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader

PROJECT = Path(__file__).parents[2]
PATIENCE_S = 60.0
"""After this long a wait is a hang; nothing is asserted about how long things take."""
TIMED = {"samples_per_s"}
ENDED = ("finished", "stopped", "failed", "lost")

NEVER_LEFT = {"run.lock", "worker.lock", "supervisor.log", "run.db-wal", "run.db-shm"}
FAILED = pytest.StashKey[bool]()

ENDLESS = """
name = "endless"
task = "regression"
[data]
name = "linear"
noise = 0.1
[model]
name = "mlp"
hidden = [256, 256]
[loss]
name = "mse"
[optimizer]
name = "adamw"
[train]
epochs = 1000000
batch_size = 400
threads = 1
evaluate_every_epochs = 1000
[checkpoint]
every_steps = 20
"""


def until(condition: Callable[[], Any], what: str) -> Any:
    """Return the condition's value once it is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)
    return value


class Run:
    """One run as its record and its processes show it."""

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory
        self.id = directory.id

    def __getattr__(self, name: str) -> Any:
        """Ask the record: every method of RunReader and of its parts."""

        def ask(*arguments: Any) -> Any:
            with RunReader(self.directory) as reader:
                parts = (reader, reader.entries, reader.curves, reader.readings, reader.steps)
                part = next(part for part in parts if hasattr(part, name))
                found = getattr(part, name)(*arguments)
                return list(found) if name == "points" else found

        return ask

    @property
    def step(self) -> int:
        progress = self.progress()
        return progress.step if progress else 0

    @property
    def supervisor_pid(self) -> int:
        return read_holder(self.directory.lock_path).pid

    @property
    def worker_pid(self) -> int:
        return read_holder(self.directory.worker_lock_path).pid

    @property
    def log(self) -> str:
        path = self.directory.log_path
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def wait_state(self, *states: str) -> Any:
        def look() -> Any:
            state = self.state()
            return state if state.state in states else None

        try:
            return until(look, f"state {states}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.state()}") from error

    def wait_step(self, step: int) -> None:
        """Wait until a step is on record; a run that has ended will never get there."""
        until(lambda: self.step >= step or self.state().state in ENDED, f"step {step}")
        assert self.step >= step, f"{self.state()} at step {self.step}\n{self.log}"

    def wait_attempt(self, number: int) -> None:
        until(lambda: len(self.attempts()) >= number, f"attempt {number}")

    def wait_end(self) -> Any:
        state = self.wait_state(*ENDED)
        self.wait_gone()
        return state

    def wait_gone(self) -> None:
        locks = (self.directory.lock_path, self.directory.worker_lock_path)
        until(lambda: not any(is_held(path) for path in locks), "supervisor and worker ended")

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        return until(condition, what)

    def order(self, request: Request, *, supervisor_stopped: bool) -> int:
        """Give a command; one to a stopped supervisor is never taken."""
        if supervisor_stopped:
            os.kill(self.supervisor_pid, signal.SIGSTOP)
        return give_command(self.directory, request)

    def waits_for_record(self) -> int:
        """Return the step at which the worker stands still without the record saying so."""
        worker = psutil.Process(self.worker_pid)
        used = [-1.0]

        def stands_still() -> bool:
            before, used[0] = used[0], sum(worker.cpu_times()[:2])
            time.sleep(0.5)
            return used[0] - before < 0.1

        until(stands_still, "the worker stands still")
        return self.step

    def kill(self, *whom: str) -> None:
        """SIGKILL `worker`, `supervisor` or both, in this order, and wait until all is over."""
        pids = [self.worker_pid if who == "worker" else self.supervisor_pid for who in whom]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.wait_gone()

    def curves(self) -> dict[str, list[tuple[int, float]]]:
        return {name: self.points(name) for name in self.metric_names() if name not in TIMED}

    def checkpoint(self, name: str = "last") -> Any:
        return next(row for row in self.checkpoints() if name in row.names)

    def files(self) -> list[str]:
        return sorted(path.name for path in self.directory.checkpoints.iterdir())


class Cli:
    """The command line, its runs and data in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = folder / "runs"
        self.killed: set[str] = set()
        """Runs whose supervisor was killed: the file of its lock stays until a resume."""
        self._started: list[subprocess.Popen[str]] = []
        self.environ = {
            **{name: value for name, value in os.environ.items() if name != "FORCE_COLOR"},
            "PYTHONPATH": str(PROJECT),
            "TUITRAIN_RUNS": str(self.runs),
            "TUITRAIN_DATA": str(folder / "data"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "OMP_NUM_THREADS": "1",
        }

    def start(
        self, *arguments: str, before: tuple[str, ...] = (), **options: Any
    ) -> "subprocess.Popen[str]":
        """Start a command, by another one where `before` is given."""
        command = [*before, sys.executable, "-m", "tuitrain", *map(str, arguments)]
        streams = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        process = subprocess.Popen(
            command, cwd=self.folder, env=self.environ, text=True, **{**streams, **options}
        )
        self._started.append(process)
        return process

    def __call__(self, *arguments: str, exit_code: int | None = 0) -> Any:
        """Run a command to its end; `exit_code` None accepts any."""
        done = commands.run(arguments, cwd=self.folder, env=self.environ)
        text = f"{done.args}\n{done.stdout}\n{done.stderr}"
        assert exit_code is None or done.returncode == exit_code, text
        return SimpleNamespace(
            returncode=done.returncode, stdout_text=done.stdout, stderr_text=done.stderr
        )

    def wait_child(self, process: "subprocess.Popen[str]") -> None:
        """Wait until a command has started a process of its own."""
        until(lambda: psutil.Process(process.pid).children(), "a child")

    def preset(self, text: str = ENDLESS, name: str = "own.toml") -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def detach(self, preset: Path | str, *arguments: str) -> Run:
        """Start a run in the background; it runs when this returns."""
        return self.find(self("run", preset, "--detach", *arguments).stdout_text.strip())

    def endless(self, *settings: str) -> Run:
        """Start a run that goes on until it is ended."""
        return self.detach(self.preset(), *(part for each in settings for part in ("--set", each)))

    def resume(self, run: Run, *arguments: str, exit_code: int | None = 0) -> Any:
        self.killed.discard(run.id)
        return self("resume", run.id, *arguments, exit_code=exit_code)

    def find(self, run_id: str) -> Run:
        return Run(RunDirectory(self.runs / run_id))

    def only(self) -> Run:
        [path] = [p for p in self.runs.iterdir() if not p.name.startswith(".")]
        return Run(RunDirectory(path))

    def wait_only(self) -> Run:
        """Return the one run there is, once it is there."""
        until(lambda: self.runs.exists() and any(self.runs.glob("[!.]*/run.db")), "a run")
        return self.only()

    def show(self, run: Run) -> Any:
        return json.loads(self("show", run.id, "--json").stdout_text)

    # --- what must not be left --------------------------------------------------------------------

    def processes(self) -> list[psutil.Process]:
        """Return every process of this test's runs."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if (
                    process.pid != os.getpid()
                    and process.status() != psutil.STATUS_ZOMBIE
                    and self._is_ours(process)
                ):
                    found.append(process)
        return found

    def _is_ours(self, process: psutil.Process) -> bool:
        """Return whether a process is of this test; one begun by a fork is told by its folder."""
        folder = Path(process.cwd())
        return folder.is_relative_to(self.folder) or (
            process.environ().get("TUITRAIN_RUNS") == str(self.runs)
        )

    def end_all(self) -> None:
        """Kill whatever is left, after a test that failed."""
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()
        for started in self._started:
            with suppress(ValueError):  # a stream that the test has closed
                started.communicate()

    def assert_nothing_left(self) -> None:
        until(lambda: not self.processes(), f"all processes ended: {self.processes()}")
        for path in self.runs.iterdir() if self.runs.exists() else ():
            assert not path.name.startswith("."), f"half a run: {path}"
            assert not is_held(path / "run.lock"), path
            assert not is_held(path / "worker.lock"), path
            left = {file.name for file in path.rglob("*") if file.name.startswith(".")}
            # What torch calls a file of checkpoints that ranks write in parts.
            left -= {".metadata"}
            left |= {file.name for file in path.iterdir()} & NEVER_LEFT
            assert path.name in self.killed or not left, f"{path}: {left}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Let fixtures know that their test failed: what it leaves behind is then no news."""
    report = yield
    if report.failed:
        item.session.stash[FAILED] = True
    return report


def provide(helper: Cli, session: pytest.Session) -> Iterator[Cli]:
    session.stash[FAILED] = False
    try:
        yield helper
        if not session.stash[FAILED]:
            helper.assert_nothing_left()
    finally:
        helper.end_all()


@pytest.fixture
def cli(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Cli]:
    """A command line of the test's own; after the test nothing of it may be left."""
    yield from provide(Cli(tmp_path), request.session)


@pytest.fixture(scope="module")
def cli_of_module(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Cli]:
    """The same for all tests of a module."""
    yield from provide(Cli(tmp_path_factory.mktemp("module")), request.session)
