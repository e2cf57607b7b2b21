import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ui.makers import keep_alive
from tests.ui.run_makers import training
from tuitrain import lang
from tuitrain.runs.directory import RunDirectory


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let times of day, which run ids begin with, be the same on every machine."""
    monkeypatch.setenv("TZ", "UTC")
    # What is copied must not go to the tmux that the tests are run in.
    monkeypatch.delenv("TMUX", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return where the runs are."""
    return tmp_path / "runs"


@pytest.fixture
def run(root: Path) -> Iterator[RunDirectory]:
    """A run in the middle of training, with a live supervisor."""
    made = training(root)
    lock = keep_alive(made)
    yield made
    lock.release()


@pytest.fixture
def chinese() -> Iterator[None]:
    """Let the interface speak Chinese."""
    lang.speak("zh")
    yield
    lang.speak(lang.ENGLISH)
