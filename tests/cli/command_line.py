"""The command line in a folder of its own, and runs that are trained once for all tests."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import commands
from tests.cli.records import Result

PROJECT = Path(__file__).parents[2]
IRIS = "iris --name long --set train.epochs=15"


class Cli:
    """The command line, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {
            **os.environ, "PYTHONPATH": str(PROJECT), "HOME": str(folder),
            "TUITRAIN_RUNS": str(folder / "runs"), "TUITRAIN_DATA": str(folder / "data"),
            "XDG_CONFIG_HOME": str(folder / "config"), "PYTHONIOENCODING": "utf-8",
            "OMP_NUM_THREADS": "1",
        }  # fmt: skip

    def start(self, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
        """Start a command whose output comes through pipes."""
        streams = {
            "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
        }  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-m", "tuitrain", *arguments],
            cwd=self.folder, env=self.environ, text=True, **{**streams, **options},
        )  # fmt: skip

    def __call__(self, *arguments: str, stdin: str = "") -> Result:
        """Run a command to its end."""
        return commands.run(arguments, cwd=self.folder, env=self.environ, stdin=stdin)


class Trained:
    """Runs that were trained once, however many processes test."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        base = folders.getbasetemp()
        # Each process of pytest-xdist has a folder of its own in that of the session.
        self._shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "trained"
        self._shared.mkdir(exist_ok=True)
        self._folders = folders

    def __call__(self, *commands: str) -> Cli:
        """Return the command line in a new folder with runs.

        Args:
            commands: each what stands behind `tuitrain run` for one of them, with its `--name`.
        """
        cli = Cli(self._folders.mktemp("cli"))
        for command in commands:
            shutil.copytree(self._train(command), cli.folder / "runs", dirs_exist_ok=True)
        return cli

    def _train(self, command: str) -> Path:
        cli = Cli(self._shared / command.partition("--name ")[2].split()[0])
        cli.folder.mkdir(exist_ok=True)
        with (cli.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (cli.folder / "done").exists():
                done = cli("run", *command.split())
                assert done.returncode == 0, done.stderr
                (cli.folder / "done").write_text(command)
        assert (cli.folder / "done").read_text() == command, "two runs of one name"
        return cli.folder / "runs"
