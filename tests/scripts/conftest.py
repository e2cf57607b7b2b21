"""Runs scripts that know nothing of tuitrain, by the real command line."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.process.conftest import FAILED, Cli, Run, provide, until
from tuitrain.analysis.step_time import SPLIT_POINTS, step_time
from tuitrain.messages import FINAL_STATES, Request
from tuitrain.runs.commands import give_command, wait_for_command
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import CommandRow

PROGRAMS = Path(__file__).parent / "programs"


class Scripts(Cli):
    """A command line whose folder has the scripts."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        shutil.copytree(PROGRAMS, folder, dirs_exist_ok=True)

    def run(self, *command: str, exit_code: int = 0) -> Run:
        """Run a script in the foreground to its end."""
        self("exec", "--", *command, exit_code=exit_code)
        return self.newest()

    def begin(self, *command: str) -> Run:
        """Run a script in the background; it has taken steps when this returns."""
        return self.stepped(self.detached(*command))

    def detached(self, *command: str) -> Run:
        """Run a script in the background."""
        return self.find(self("exec", "--detach", "--", *command).stdout_text.strip())

    def stepped(self, run: Run) -> Run:
        until(lambda: run.step or run.state().state in FINAL_STATES, "a step")
        assert run.step, f"{run.state()}\n{run.log}"
        return run

    def newest(self) -> Run:
        return max(map(self.find, (path.name for path in self.runs.iterdir())), key=_created)


def wait_parts(run: Run, parts: set[str]) -> Mapping[str, float]:
    """Wait until a run's steps are split into these parts; return the seconds of each."""
    found: dict[str, float] = {}

    def look() -> bool:
        with RunReader(run.directory) as reader:
            time = step_time(reader.curves.split(SPLIT_POINTS))
        if time is not None:
            found.update({part: time.seconds[part] for part in time.stages})
            assert sum(time.seconds.values()) == pytest.approx(time.wall_s)
        return parts <= set(found)

    run.wait(look, f"the parts of a step: {parts}")
    return found


def _created(run: Run) -> float:
    return float(run.meta()["created"])


def order(run: Run, request: Request) -> CommandRow:
    """Give a command, and return it with what became of it."""
    return wait_for_command(run.directory, give_command(run.directory, request), limit_s=60.0)


@pytest.fixture
def scripts(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Scripts]:
    """A command line of the test's own; after the test nothing of it may be left."""
    helper = Scripts(tmp_path)
    for each in provide(helper, request.session):
        assert each is helper
        yield helper


__all__ = ["FAILED", "Scripts", "order", "scripts", "wait_parts"]
