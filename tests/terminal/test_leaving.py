"""However the interface ends, the run goes on and the terminal is as it was."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, TypeAdapter

from tests.process.conftest import Cli, until
from tests.terminal.conftest import TUITRAIN, terminal_environ
from tests.terminal.ptys import CURSOR, LEFT, SHOWN, Terminal
from tuitrain.cli.interface import Left, leave, open_interface
from tuitrain.ui.app import TuitrainApp
from tuitrain.ui.background import in_background


@pytest.fixture(scope="module")
def live(cli_of_module: Cli) -> Iterator[Any]:
    """A run that goes on until it is stopped."""
    run = cli_of_module.endless()
    yield run
    cli_of_module("stop", run.id)


@pytest.fixture
def attached(cli_of_module: Cli, live: Any, open_terminal: Callable[..., Terminal]) -> Terminal:
    """The interface on the live run, its curve seen."""
    terminal = open_terminal(cli_of_module, "attach", live.id)
    terminal.wait_text("space pause")
    return terminal


def goes_on(run: Any) -> None:
    step = run.step
    run.wait_step(step + 5)
    assert run.state().state == "running"


def assert_terminal_restored(terminal: Terminal) -> None:
    written = terminal.written
    assert terminal.modes() == terminal.modes_before
    assert written.rindex(LEFT) > written.rindex(SHOWN)
    assert written.rindex(CURSOR) > written.rindex(b"\x1b[?25l")
    for mode in (1000, 1002, 1003, 1006, 1004, 2004):
        on, off = f"\x1b[?{mode}h".encode(), f"\x1b[?{mode}l".encode()
        assert written.rfind(off) > written.rfind(on) or on not in written, mode


@pytest.mark.parametrize(("keys", "code"), [(b"q", None), (b"\x03", 0), (b"\x11", 0)])
def test_keys_leave_the_run_alone(
    attached: Terminal, live: Any, keys: bytes, code: int | None
) -> None:
    attached.send(keys)
    if code is None:
        attached.wait_text("runs: 1 live")
        attached.send(b"q")
    assert attached.wait_end() == 0
    assert_terminal_restored(attached)
    goes_on(live)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_signals_leave_the_run_alone_and_the_terminal_as_it_was(
    attached: Terminal, live: Any, number: int, code: int
) -> None:
    attached.process.send_signal(number)
    assert attached.wait_end() == code
    assert_terminal_restored(attached)
    goes_on(live)


def test_a_terminal_that_is_closed_ends_the_interface_and_not_the_run(
    attached: Terminal, live: Any
) -> None:
    attached.hang_up()
    assert attached.wait_end() == 128 + signal.SIGHUP
    goes_on(live)


def test_a_killed_interface_leaves_the_run_alone(attached: Terminal, live: Any) -> None:
    attached.process.kill()
    assert attached.wait_end() == -signal.SIGKILL
    goes_on(live)


def test_leaving_does_not_wait_for_a_command_that_nobody_answers(
    attached: Terminal, live: Any
) -> None:
    os.kill(live.worker_pid, signal.SIGSTOP)
    try:
        attached.send(b"c")
        until(lambda: [row for row in live.commands() if row.outcome is None], "the command")
        attached.send(b"\x03")
        assert attached.wait_end() == 0
        assert_terminal_restored(attached)
    finally:
        os.kill(live.worker_pid, signal.SIGCONT)
    goes_on(live)


def test_a_terminal_that_nobody_reads_is_left_all_the_same(cli_of_module: Cli, live: Any) -> None:
    master, slave = os.openpty()
    environ = terminal_environ(cli_of_module)
    process = subprocess.Popen(
        [*TUITRAIN, "attach", live.id], stdin=slave, stdout=slave, stderr=slave, env=environ
    )
    try:
        os.read(master, 1)
        goes_on(live)
        process.send_signal(signal.SIGHUP)
        process.wait()
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)
    goes_on(live)


def test_two_terminals_follow_one_run_and_both_may_command(
    cli_of_module: Cli, live: Any, open_terminal: Callable[..., Terminal]
) -> None:
    one, other = (open_terminal(cli_of_module, "attach", live.id) for _ in range(2))
    one.wait_text("space pause")
    other.wait_text("space pause")
    one.send(b" ")
    one.wait_text("paused  epoch")
    other.wait_text("paused  epoch")
    other.send(b" ")
    live.wait_state("running")
    for terminal in (one, other):
        seen = len(terminal.written)
        terminal.wait(lambda t=terminal, n=seen: len(t.written) > n, "the screen follows the run")
        terminal.send(b"\x03")
        assert terminal.wait_end() == 0
    goes_on(live)


def check_for_ever() -> None:
    """Be in pydantic's Rust, as what reads presets is: a thread that is ended there aborts."""

    def check(value: int) -> int:
        time.sleep(0.01)
        return value

    checked = TypeAdapter(Annotated[int, AfterValidator(check)])
    while True:
        checked.validate_python(1)


def be_asked_for(done: Path, app: TuitrainApp) -> None:
    """Have a thread that reads without end, and one at what the user asked for."""

    def deed() -> None:
        until(done.with_name("go").exists, "the interface is left")
        done.touch()

    in_background(check_for_ever)
    app.work.do(deed)


def show_and_leave(folder: Path) -> None:
    """Be a process that shows the interface over a folder; runs in a process of its own."""
    try:
        open_interface(folder / "runs", first=partial(be_asked_for, folder / "done"))
    except Left as left:
        leave(left)


def test_leaving_waits_for_what_was_asked_for_and_breaks_off_what_only_reads(
    cli: Cli, tmp_path: Path
) -> None:
    code = f"from {__name__} import *; show_and_leave(Path({str(tmp_path)!r}))"
    command = [sys.executable, "-c", code]
    folder = Path(__file__).parents[2]
    terminal = Terminal(command, terminal_environ(cli), folder)
    try:
        terminal.wait_text("quit")
        terminal.send(b"q")
        terminal.wait_text("still being done")
        assert_terminal_restored(terminal)
        (tmp_path / "go").touch()
        assert terminal.wait_end() == 0
        assert (tmp_path / "done").exists()
    finally:
        terminal.close()
