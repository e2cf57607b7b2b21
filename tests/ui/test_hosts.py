"""Runs of several machines in one list: opened, commanded, and grey while a machine is away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.remote.hosts import fake_ssh
from tests.ui.apps import play
from tests.ui.makers import keep_alive, new_run
from tests.ui.run_makers import training
from tests.ui.run_shown import take, words
from tests.ui.screens import screen_text, told, wait_for, wait_for_text
from tuitrain.remote.client import RemoteClient
from tuitrain.remote.connection import HostConnection
from tuitrain.remote.hosts import Host
from tuitrain.remote.reader import RemoteList
from tuitrain.remote.registry import Hosts
from tuitrain.runs.directory import RunDirectory, remote_path
from tuitrain.runs.upkeep.trash import list_trash
from tuitrain.runs.writer import RunWriter
from tuitrain.ui.screens.home.removal import Removal


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunDirectory]:
    """A live run on the host gpu1; gpu2 is reached and has none, and `dead` is dead."""
    runs = tmp_path / "hosts"
    for name, value in fake_ssh(tmp_path / "bin", runs).items():
        monkeypatch.setenv(name, value)
    run = training(runs / "gpu1")
    lock = keep_alive(run)
    yield run
    lock.release()


@pytest.fixture
def hosts(far: RunDirectory) -> Iterator[Hosts]:
    """What leads to gpu1 and to `dead`."""
    del far
    with Hosts(HostConnection(Host(name)) for name in ("gpu1", "dead")) as opened:
        yield opened


def lines_with(pilot: Pilot[Any], text: str) -> list[str]:
    return [line for line in screen_text(pilot.app).splitlines() if text in line]


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_runs_of_hosts_are_among_those_here_and_turn_grey_with_their_host(
    far: RunDirectory, hosts: Hosts, root: Path, size: tuple[int, int]
) -> None:
    new_run(root, "local")

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for(pilot, lambda: lines_with(pilot, "gpu1"), "the run of gpu1")
        [row] = lines_with(pilot, "gpu1")
        assert "running" in row
        assert lines_with(pilot, "local")
        await wait_for(pilot, lambda: "dead: ssh: connect" in told(pilot.app), "word of the dead")
        process = hosts.connections[0]._process
        assert process is not None
        process.kill()
        await wait_for(pilot, lambda: "away" in lines_with(pilot, "gpu1")[0], "its host is away")
        assert lines_with(pilot, "local")
        await wait_for(pilot, lambda: "running" in lines_with(pilot, "gpu1")[0], "it is back")

    play(root, None, doing, size=size, hosts=hosts)
    assert far.path.exists()


def test_a_run_of_a_host_is_watched_and_commanded_on_its_screen(
    far: RunDirectory, hosts: Hosts, root: Path
) -> None:
    root.mkdir()
    there = RunDirectory(Path(remote_path("gpu1", far.id)))

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "loss")
        assert "running" in words(pilot)
        with RunWriter(far) as writer:
            await pilot.press("space")
            command = await take(pilot, writer)
            assert command.kind == "pause"
            writer.commands.finish(command.id, 1.0, "done", "paused at step 60")
        await wait_for(pilot, lambda: "paused at step 60" in told(pilot.app), "the outcome")
        far.log_path.write_text("what the worker says there\n")
        await pilot.press("L")
        await wait_for_text(pilot, "what the worker says there")
        await pilot.press("q")
        await wait_for_text(pilot, "loss")
        for key in ("v", "u"):
            pilot.app.clear_notifications()
            await pilot.press(key)
            await wait_for(pilot, lambda: "tuitrain pull gpu1:" in told(pilot.app), key)

    play(root, lambda app: app.opener.open_run(there), doing, hosts=hosts)


def test_machines_of_hosts_are_below_this_one_and_turn_grey_with_their_age(
    hosts: Hosts, root: Path
) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for(pilot, lambda: lines_with(pilot, "gpu1 "), "gpu1")
        await wait_for(pilot, lambda: lines_with(pilot, "RAM")[1:], "the memory of both")
        await wait_for_text(pilot, "ssh: connect to host dead")
        assert "no answer" in lines_with(pilot, " dead ")[0]
        assert "machines 3" in screen_text(pilot.app).splitlines()[0]
        # As its record names it: a live run of the far end's own folder.
        await wait_for(pilot, lambda: lines_with(pilot, "live runs"), "the run of gpu1")
        process = hosts.connections[0]._process
        assert process is not None
        process.kill()
        await wait_for(
            pilot, lambda: "no answer for" in lines_with(pilot, " gpu1 ")[0], "its host is away"
        )
        assert lines_with(pilot, "RAM")[1:]

    play(root, lambda app: app.opener.open_machine(), doing, size=(100, 60), hosts=hosts)


def test_a_run_of_a_host_goes_to_the_trash_there_unless_it_is_live(
    far: RunDirectory, hosts: Hosts
) -> None:
    old = new_run(far.path.parent, "old")
    listed = RemoteList(hosts.connections[0])
    said, well = Removal().remove(listed.read(), RemoteClient(hosts))
    assert not well
    assert f"{old.id} in the trash of their host for 7 days" in said
    assert f"{far.id} is still there: gpu1: " in said
    assert [run.id for run in listed.read()] == [far.id]
    assert [run.id for run in list_trash(far.path.parent)] == [old.id]
