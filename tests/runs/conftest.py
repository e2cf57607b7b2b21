from collections.abc import Callable
from pathlib import Path

import pytest

from tuitrain.messages import Event, Numbered
from tuitrain.runs.directory import RunDirectory, create_run

CONFIG = """
name = "demo"
task = "classification"
[data]
name = "digits"
[model]
name = "mlp"
[loss]
name = "cross_entropy"
[checkpoint]
monitor = "val/accuracy"
mode = "max"
"""


@pytest.fixture
def config() -> str:
    return CONFIG


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def new_run(root: Path) -> Callable[..., RunDirectory]:
    def make(name: str | None = None, **options: object) -> RunDirectory:
        return create_run(root, "demo", name, CONFIG, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def run(new_run: Callable[..., RunDirectory]) -> RunDirectory:
    return new_run()


@pytest.fixture
def number() -> Callable[..., list[Numbered]]:
    """Number events as a worker does: in order, from `start`."""

    def make(*events: Event, attempt: int = 1, start: int = 1) -> list[Numbered]:
        return [Numbered(attempt, start + i, event) for i, event in enumerate(events)]

    return make
