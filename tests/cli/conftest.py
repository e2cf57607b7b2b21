"""The command line on a folder of runs of its own."""

import os
from pathlib import Path

import pytest

from tests import commands
from tests.cli.command_line import Trained
from tests.cli.records import Result, Tuitrain, finished_run
from tuitrain.runs.directory import RunDirectory


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def tuitrain(root: Path) -> Tuitrain:
    def call(*arguments: str, stdin: str = "") -> Result:
        environ = {**os.environ, "TUITRAIN_RUNS": str(root)}
        return commands.run(arguments, cwd=Path.cwd(), env=environ, stdin=stdin)

    return call


@pytest.fixture
def run(root: Path) -> RunDirectory:
    return finished_run(root, "base")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Return what puts runs that were trained once into folders of the command line."""
    return Trained(tmp_path_factory)
