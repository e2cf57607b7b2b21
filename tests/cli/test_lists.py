"""ls, tag, why and gpus: what is said of many runs, and of the machine, at once."""

import json
import os
from pathlib import Path

import pytest

from tests import commands
from tests.cli.records import CONFIG, EVIL, Tuitrain, finished_run
from tests.ui.makers import new_run, train
from tuitrain.runs.directory import RunDirectory, create_run


def test_ls_shows_state_progress_and_why_a_run_failed(root: Path, tuitrain: Tuitrain) -> None:
    finished_run(root, "good")
    finished_run(root, "bad", "failed", EVIL)
    result = tuitrain("ls")
    assert result.returncode == 0
    assert result.stderr == ""
    good = next(line for line in result.stdout.splitlines() if line.startswith("good"))
    assert good.split()[1:6] == ["finished", "50%", "1.0", "val/accuracy", "0.9000"]
    assert "gone wrong \\x1b]0;title\\x07" in result.stdout
    assert "\x1b" not in result.stdout
    assert "REASON" in result.stdout
    # Without a reason to show there is no column for it.
    assert "REASON" not in tuitrain("ls", "--state", "finished").stdout


def test_ls_picks_by_state_and_prints_json(root: Path, tuitrain: Tuitrain) -> None:
    finished_run(root, "good")
    finished_run(root, "bad", "failed", "because")
    (entry,) = json.loads(tuitrain("ls", "--json", "--state", "failed").stdout)
    assert (entry["name"], entry["state"], entry["reason"]) == ("bad", "failed", "because")
    assert (entry["step"], entry["total_steps"], entry["best_value"]) == (4, 8, 0.9)
    wrong = tuitrain("ls", "--state", "broken")
    assert wrong.returncode == 2
    assert "allowed are queued, starting" in wrong.stderr


def test_ls_without_runs_says_so_on_stderr(tuitrain: Tuitrain) -> None:
    result = tuitrain("ls")
    assert (result.returncode, result.stdout) == (0, "")
    assert "no runs in" in result.stderr
    assert json.loads(tuitrain("ls", "--json").stdout) == []


def test_runs_are_filtered_sorted_and_shown_by_columns_of_choice(
    tuitrain: Tuitrain, root: Path
) -> None:
    for name, state in (("one", "finished"), ("two", "failed"), ("three", "finished")):
        finished_run(root, name, state)
    assert tuitrain("tag", "one", "three", "--add", "good", "--note", "keep").returncode == 0
    done = tuitrain("ls", "--filter", "state=finished tag:good", "--sort", "name", "--columns",
                    "state,tag,mode,val/loss,note")  # fmt: skip
    assert done.returncode == 0, done.stderr
    heading, *rows = (line.split() for line in done.stdout.splitlines())
    assert heading == ["NAME", "STATE", "TAG", "MODE", "VAL/LOSS", "NOTE"]
    assert [row[:4] for row in rows] == [
        ["one", "finished", "good", "max"], ["three", "finished", "good", "max"],
    ]  # fmt: skip
    assert [row[-1] for row in rows] == ["keep", "keep"]
    found = json.loads(tuitrain("ls", "-f", "-tag:good", "--columns", "mode", "--json").stdout)
    assert [(run["name"], run["values"]) for run in found] == [("two", {"mode": "max"})]
    told = tuitrain("tag", "one", "--json")
    assert [*json.loads(told.stdout).values()] == [{"tags": ["good"], "note": "keep"}]


def test_a_filter_that_will_not_do_is_told_in_a_sentence(tuitrain: Tuitrain, root: Path) -> None:
    finished_run(root, "one")
    faults = {
        ("--filter", "lr>"): "there is nothing behind >",
        ("--filter", "stat=failed"): "no run has 'stat'; near it: state",
        ("--sort", "-spede"): "no run has 'spede'",
        ("--columns", "val/loss,modle"): "no run has 'modle'; near it: mode",
    }
    for arguments, said in faults.items():
        done = tuitrain("ls", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
    done = tuitrain("ls", "--filter", "name=nobody")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no runs that fulfil 'name=nobody'" in done.stderr
    assert tuitrain("tag", "one", "--add", "two words").returncode == 2
    assert "is called first now" in tuitrain("rename", "one", "first").stderr
    assert tuitrain("rename", "first", "no spaces").returncode == 2
    assert tuitrain("tag", "first").returncode == 0


def test_gpus_and_host_are_printed_once(tuitrain: Tuitrain) -> None:
    done = tuitrain("gpus", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == {"readings", "devices", "runs"}
    assert found["readings"]["host/memory_total_bytes"] > 0
    assert not [name for name in found["readings"] if name.startswith("host/worker")]
    assert "host  " in tuitrain("gpus").stdout


@pytest.mark.usefixtures("run")
def test_once_prints_runs_and_machine_and_ends(tuitrain: Tuitrain) -> None:
    done = tuitrain("--once")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("NAME")
    assert "base" in done.stdout
    assert "host  " in done.stdout


def test_why_names_what_changed_since_the_last_good_run(tuitrain: Tuitrain, root: Path) -> None:
    finished_run(root, "before")
    other = CONFIG.replace("val/accuracy", "val/loss").replace('"max"', '"min"')
    create_run(root, "demo", "after", other)
    done = tuitrain("why", "after", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["before"].split("-")[2] == "before"
    changed = {row["what"]: (row["before"], row["now"]) for row in told["differences"]}
    assert changed["checkpoint.mode"] == ('"max"', '"min"')
    assert changed["checkpoint.monitor"] == ('"val/accuracy"', '"val/loss"')
    assert "checkpoint.mode" in tuitrain("why", "after", "before").stdout
    assert "their code is the same" in tuitrain("why", "after", "before", "--diff").stderr
    same = tuitrain("why", "before", "before")
    assert "settings, code and packages are the same" in same.stderr
    assert "noise" not in same.stdout
    alone = tuitrain("why", "before")
    assert alone.returncode == 2
    assert "no earlier run of demo has finished" in alone.stderr


def test_why_says_where_a_result_is_within_the_noise_of_seeds(
    tuitrain: Tuitrain, root: Path
) -> None:
    for name, seed, lr, accuracy in (
        ("a1", 1, 0.1, 0.90), ("a2", 2, 0.1, 0.92), ("b1", 1, 0.2, 0.91), ("c1", 1, 0.3, 0.2),
    ):  # fmt: skip
        run = new_run(root, name)
        own = f"epochs = 10\nseed = {seed}\n[optimizer]\nname = 'sgd'\nlr = {lr}\n"
        text = run.config_path.read_text().replace("epochs = 10\n", own)
        run.config_path.write_text(text)
        train(run, [1.0, 0.5], total_steps=2, accuracy=accuracy)
    told = tuitrain("why", "b1", "a1").stdout
    assert "within the noise of seeds (std 0.0141, 2 and 1 runs)" in told
    assert "beyond the noise of seeds" in tuitrain("why", "c1", "a1").stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("show ba", "base"),
        ("set base train.cl", "train.clip_norm="),
        ("run digits-m", "digits-mlp"),
    ],
)
def test_a_shell_completes_runs_settings_and_presets(
    words: str, offered: str, root: Path, run: RunDirectory
) -> None:
    assert run.path.parent == root
    typed = f"tuitrain {words}"
    asked = {
        "_TUITRAIN_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - 1),
        "TUITRAIN_RUNS": str(root),
    }
    done = commands.run((), cwd=Path.cwd(), env={**os.environ, **asked})
    assert done.stdout.split() == [offered]
