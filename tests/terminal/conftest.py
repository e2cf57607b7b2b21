"""The real `tuitrain` in real terminals, with runs in a folder of the test's own."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.process.conftest import (
    Cli,
    cli,
    cli_of_module,
    provide,
    pytest_runtest_makereport,
)
from tests.terminal.ptys import Terminal

__all__ = ["cli", "cli_of_module", "provide", "pytest_runtest_makereport"]

TUITRAIN = [sys.executable, "-m", "tuitrain"]
_UNWANTED = ("NO_COLOR", "TMUX", "STY", "LC_ALL", "LC_CTYPE", "COLORTERM", "COLUMNS", "LINES")


def terminal_environ(cli: Cli, **settings: str) -> dict[str, str]:
    """Return the environment of a usual terminal."""
    kept = {name: value for name, value in cli.environ.items() if name not in _UNWANTED}
    return {**kept, "TERM": "xterm-256color", "LANG": "C.UTF-8", **settings}


@pytest.fixture
def open_terminal() -> Iterator[Callable[..., Terminal]]:
    """Start `tuitrain` in terminals; whatever is left of them ends with the test."""
    opened: list[Terminal] = []

    def start(
        cli: Cli, *arguments: str, size: tuple[int, int] = (80, 24), **settings: str
    ) -> Terminal:
        environ = terminal_environ(cli, **settings)
        terminal = Terminal([*TUITRAIN, *arguments], environ, cli.folder, size)
        opened.append(terminal)
        return terminal

    yield start
    for terminal in opened:
        terminal.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where runs are kept that no process works on."""
    return tmp_path / "runs"


Opener = Callable[..., Any]
