"""What a terminal is sent when an alert comes up: bell and desktop notice, if they were chosen.

Real terminals: from the interface, and from a run in the foreground.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.terminal.conftest import Opener
from tests.ui.makers import NOW, falling, keep_alive, new_run, train
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.writer import RunWriter


@pytest.fixture
def run(cli: Any) -> Any:
    """A run that lives as far as anybody can see."""
    run = new_run(cli.runs, "alpha")
    train(run, falling(60), end=None)
    lock = keep_alive(run)
    yield run
    lock.release()


def configure(cli: Any, text: str) -> None:
    path = Path(cli.folder) / "config" / "tuitrain" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def add_alert(run: RunDirectory, text: str) -> None:
    with RunWriter(run) as writer:
        writer.add_alert(NOW, "hang", text, 60)


@pytest.mark.parametrize(
    ("settings", "sequence"),
    [
        ({}, "\x1b]9;{run}: no step for 99 s\x07"),
        ({"TMUX": "/tmp/none,1,0"}, "\x1bPtmux;\x1b\x1b]9;{run}: no step for 99 s\x07\x1b\\"),
    ],
    ids=["xterm", "in tmux"],
)
def test_the_interface_rings_and_lets_the_desktop_tell_of_a_new_alert(
    cli: Any, run: RunDirectory, open_terminal: Opener, settings: dict[str, str], sequence: str
) -> None:
    configure(cli, '[notify]\nbell = true\ndesktop = "auto"\n')
    add_alert(run, "an old one")
    terminal = open_terminal(cli, "attach", run.id, **settings)
    terminal.wait_text("1 alert")
    before = len(terminal.written)
    assert b"an old one\x07" not in terminal.written
    add_alert(run, "no step for 99 s")
    wanted = sequence.format(run=run.id).encode()
    terminal.wait(lambda: wanted in terminal.written[before:], repr(wanted))
    terminal.wait(lambda: b"\x07" in terminal.written[before:].replace(wanted, b""), "the bell")
    terminal.send(b"\x03")
    assert terminal.wait_end() == 0


def test_a_run_in_the_foreground_tells_its_terminal_of_the_end(
    cli: Any, open_terminal: Opener
) -> None:
    configure(cli, '[notify]\nbell = true\ndesktop = "osc777"\n')
    preset = str(cli.preset())
    terminal = open_terminal(cli, "run", preset, "--set", "train.max_steps=30", "--name", "short")
    assert terminal.wait_end() == 0
    told = f"\x07\x1b]777;notify;{cli.only().id};the run is finished: train.max_steps = 30 reached"
    assert told.encode() in terminal.written
