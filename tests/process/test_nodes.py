"""Runs of two machines: cut off, killed, resumed, and the same as on one."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.process.conftest import Cli
from tests.process.machines import Machines, machines, words
from tests.process.test_ranks import EXACT, OWN, until
from tests.process.test_sharded_ranks import BLOCKS
from tuitrain.training.checkpoints.files import load_checkpoint

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def both(cli: Cli) -> Iterator[Machines]:
    with machines(cli) as made:
        yield made


def steps_from(run: Any, step: int) -> Any:
    until(lambda: run.step > step + 8, f"steps after {step}")
    return run.step


def test_a_lost_machine_is_named_and_two_machines_go_on_as_one_would(both: Machines) -> None:
    cli = both.cli
    preset = str(cli.preset(EXACT, "exact.toml"))
    alone = cli.detach(preset, "--ranks", "2", "--name", "alone")
    node0, node1 = both.start_both("run", preset, "--name", "apart")
    run = until(lambda: named(cli, "apart"), "a run")

    # The cable is pulled.
    step = steps_from(run, 0)
    both.link("down")
    code, said = words(node0)
    assert code == 1 and "node 1 (beta) has not been heard of for 20 s" in said, said
    assert "10.77.0.1 on eth0, waits for node 1 at 10.77.0.1:29500" in said
    code, said = words(node1)
    assert code == 1 and "node 0 (alpha) has not been heard of" in said, said
    assert "node 1, 10.77.0.2 on eth0, waits for node 0" in said and "rank 1 of 2" in said
    until(lambda: not both.pids(0) + both.pids(1), "nothing left running")

    # A machine goes down.
    both.link("up")
    node0, node1 = both.start_both("resume", run.id, "--foreground")
    step = steps_from(run, step)
    both.kill(1)
    code, said = words(node0)
    assert code == 1 and "failed: node 1 (beta) is gone" in said, said
    node1.communicate()
    until(lambda: not both.pids(0), "nothing left running")

    node0, node1 = both.start_both("resume", run.id, "--foreground")
    assert [words(each)[0] for each in (node0, node1)] == [0, 0], run.log
    until(lambda: alone.state().state == "finished", "the one machine")
    one, two = (each.curves() for each in (alone, run))
    for name in ("train/loss", "train/accuracy", "lr", "grad_norm", "val/loss"):
        assert one[name] == two[name], name


def test_machines_write_their_parts_where_all_see_the_folder_and_say_so_where_they_do_not(
    both: Machines,
) -> None:
    cli = both.cli
    (cli.folder / "own.py").write_text(OWN)
    preset = str(cli.preset(BLOCKS.replace("PLAN", "").replace("epochs = 1", "max_steps = 7")))
    node0, node1 = both.start_both("run", preset, "--name", "apart")
    done = [words(each) for each in (node0, node1)]
    assert [code for code, _said in done] == [0, 0], done
    run = named(cli, "apart")
    folder = run.directory.path / run.checkpoint().path
    assert {path.name for path in folder.glob("*.distcp")} == {"__0_0.distcp", "__1_0.distcp"}
    assert load_checkpoint(folder)["step"] == 7
    # Node 1 has another disk, as it seems.
    node0, node1 = both.start_both("run", preset, "--name", "blind", hidden=cli.runs)
    done = [words(each) for each in (node0, node1)]
    assert [code for code, _said in done] == [1, 1], done
    assert "so each rank is to write its part, but" in done[0][1], done
    assert "is not seen by all machines; take a folder of runs on a disk" in done[1][1], done


def named(cli: Cli, name: str) -> Any:
    found = [cli.find(path.parent.name) for path in cli.runs.glob("[!.]*/run.db")]
    return next((run for run in found if run.summary().name == name), None)
