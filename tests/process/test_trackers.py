"""A run that is logged elsewhere too, killed and resumed: what is there is what is on record."""

import json
from importlib.util import find_spec
from typing import Any

import pytest

from tests.trackers.recorded import alike, recorded
from tests.trackers.stores import events_of


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="tensorboard is not installed")
def test_event_files_follow_a_run_over_kill_and_resume(cli: Any) -> None:
    run = cli.detach(cli.preset(), "--log", "tensorboard:boards")
    folder = cli.folder / "boards" / run.id
    memory = run.directory.path / "trackers" / "tensorboard.json"

    def has(step: int) -> bool:
        return (
            memory.exists() and json.loads(memory.read_text())["place"]["last"].get("lr", 0) > step
        )

    run.wait(lambda: has(30), "steps in the event file")
    cli.killed.add(run.id)
    run.kill("worker", "supervisor")
    cli.resume(run)
    last = run.step
    run.wait(lambda: has(last + 30), "steps after the resume")
    cli("stop", run.id)
    run.wait_end()
    run.wait(lambda: json.loads(memory.read_text())["is_whole"], "the tracker is closed")
    alike(events_of(folder)["points"], recorded(run.directory), single=True)
