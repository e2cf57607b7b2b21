"""A run is run again and held against the first; scripts wait for runs."""

import json

from tests.process.conftest import ENDLESS, Cli

SHORT = ENDLESS.replace("epochs = 1000000", "epochs = 3").replace(
    "evaluate_every_epochs = 1000", "evaluate_every_epochs = 1"
)


def test_a_run_gives_the_same_again_and_wait_says_how_runs_ended(cli: Cli) -> None:
    first = cli.detach(cli.preset(SHORT))
    waited = cli("wait", first.id, "--json")
    assert [row["state"] for row in json.loads(waited.stdout_text)] == ["finished"]
    noted = json.loads(cli("reproduce", first.id, "--check", "--json").stdout_text)
    assert [kind for kind, _words in noted["notes"]] == []
    found = json.loads(cli("reproduce", first.id, "--json").stdout_text)
    assert (found["verdict"], found["same_tensors"]) == ("same", True)
    again = cli.find(found["again"])
    assert again.points("train/loss") == first.points("train/loss")
    endless = cli.endless()
    late = cli("wait", endless.id, first.id, "--timeout", "0.1", exit_code=124)
    assert f"{first.id}: finished" in late.stderr_text
    cli("wait", endless.id, first.id, "--first")
    cli("stop", endless.id)
    stopped = cli("wait", endless.id, exit_code=1)
    assert f"{endless.id}: stopped" in stopped.stderr_text
