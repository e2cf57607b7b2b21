"""Profiles of real runs: from the command to what is said of them, and what they leave alone."""

import gzip
import json
from typing import Any

import pytest

from tuitrain.messages import Stop
from tuitrain.runs.commands import give_command

DIGITS = """
name = "digits"
task = "classification"
[data]
name = "digits"
[model]
name = "cnn"
[loss]
name = "cross_entropy"
[optimizer]
name = "adamw"
[train]
epochs = {epochs}
batch_size = 64
threads = 1
"""
STEPS = 12


def start(cli: Any, epochs: int = 100_000) -> Any:
    return cli.detach(cli.preset(DIGITS.format(epochs=epochs)))


@pytest.fixture(scope="module")
def profiled(cli_of_module: Any) -> tuple[Any, dict[str, Any]]:
    """Return an ended run of which two profiles were taken, and what was printed of the first."""
    run = start(cli_of_module)
    shown = cli_of_module("profile", run.id, "--steps", str(STEPS), "--json")
    second = cli_of_module("profile", run.id, "--steps", "3", "--no-stacks", "--top", "5")
    assert "aten::" in second.stdout_text and "https://ui.perfetto.dev" in second.stdout_text
    cli_of_module("stop", run.id)
    return run, json.loads(shown.stdout_text)


def rows(digest: dict[str, Any], grouping: str) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in digest["tables"][grouping]}


def test_the_trace_is_one_that_other_tools_read_and_has_the_steps_asked_for(profiled: Any) -> None:
    with gzip.open(profiled[1]["trace"]) as file:
        trace = json.load(file)
    names = [event["name"] for event in trace["traceEvents"]]
    steps = [name for name in names if name.startswith("ProfilerStep#")]
    assert len(steps) == len(set(steps)) == STEPS
    assert {"schemaVersion", "traceEvents"} <= set(trace)


def test_operators_and_modules_are_those_of_the_model(profiled: Any) -> None:
    digest = profiled[1]
    assert digest["steps"] == STEPS == len(digest["steps_us"])
    operators, modules = rows(digest, "operator"), rows(digest, "module")
    assert operators["aten::addmm"]["calls"] == 2
    assert any("conv" in name for name in operators)
    assert any(row["host_bytes"] > 0 for row in operators.values())
    linear = [name for name in modules if name.endswith("(Linear)")]
    assert len(linear) == 2
    assert all(0 < modules[name]["backward_share"] < 1 for name in linear)
    assert modules["model (Sequential)"]["total_us"] > modules[linear[0]]["total_us"]
    assert "loss (CrossEntropyLoss)" in modules and "(optimizer)" in modules
    [backward] = [row for name, row in operators.items() if name == "aten::convolution_backward"]
    assert {site["names"][0].partition(" ")[2] for site in backward["sites"]} == {"(Conv2d)"}


def test_times_by_themselves_are_no_more_than_the_steps_took(profiled: Any) -> None:
    digest = profiled[1]
    wall_us = sum(digest["steps_us"]) / STEPS
    for grouping in ("operator", "module", "line"):
        own = sum(row["self_us"] for row in digest["tables"][grouping])
        assert own == pytest.approx(digest["host"]["operators_us"], rel=0.01)
        assert 0.2 * wall_us < own <= wall_us
    assert digest["device"] is None
    assert digest["flame"]["us"] == pytest.approx(wall_us)


def test_source_lines_are_known_where_stacks_were_recorded(profiled: Any) -> None:
    lines = rows(profiled[1], "line")
    assert any(name.startswith("torch/nn/modules/conv.py:") for name in lines)
    assert any(name.startswith("torch/optim/") for name in lines)


def test_profiles_are_kept_with_the_run_and_shown_when_it_has_ended(
    cli_of_module: Any, profiled: Any
) -> None:
    run, digest = profiled
    recorded = cli_of_module.show(run)["profiles"]
    assert [row["state"] for row in recorded] == ["done", "done"]
    assert recorded[0]["summary"] == digest["summary"]
    assert recorded[0]["facts"]["held_up_s"] > 0
    assert recorded[0]["last_step"] - recorded[0]["first_step"] == STEPS - 1
    last = recorded[1]["name"]
    assert f"profile {last}" in cli_of_module("show", run.id).stdout_text
    listed = cli_of_module("profile", run.id, "--list").stdout_text
    assert all(f"profile {row['name']}" in listed for row in recorded)
    again = cli_of_module("profile", run.id, "--show", "last", "--by", "module").stdout_text
    assert f"profile {last}:" in again and "(Conv2d)" in again
    names = [row["name"] for row in recorded]
    compared = cli_of_module("profile", run.id, "--compare", *names).stdout_text
    assert f"{names[0]} -> {names[1]}" in compared and "12 steps" in compared
    other = f"{run.id}:{names[0]}"
    by_run = cli_of_module("profile", run.id, "--compare", other, names[1], "--json")
    assert json.loads(by_run.stdout_text)["before"]["name"] == other


def test_what_can_not_be_is_said_in_one_sentence(cli_of_module: Any, profiled: Any) -> None:
    run = profiled[0]

    def fault(*arguments: str, exit_code: int) -> str:
        done = cli_of_module("profile", run.id, *arguments, exit_code=exit_code)
        assert done.stdout_text == "" and done.stderr_text.count("\n") == 1
        return str(done.stderr_text)

    assert "is not live, it is stopped" in fault(exit_code=1)
    assert "has no profile 'nope'; it has" in fault("--show", "nope", exit_code=2)
    assert "no device in it" in fault("--show", "last", "--sort", "device", exit_code=2)
    assert "has no profile 'x'" in fault("--compare", "x", "y", exit_code=2)


def test_a_profile_and_what_is_said_of_it_outlast_a_stop_right_after(cli: Any) -> None:
    run = start(cli)
    run.wait_step(5)
    order = cli.start("profile", run.id, "--steps", "1000", "--json")
    run.wait(lambda: any(row.taken for row in run.commands()), "the order was taken")
    goal = run.step + 100
    run.wait_step(goal)
    # Not by a command of its own process: until that has begun, the trace may be full.
    give_command(run.directory, Stop())
    order.communicate()
    assert order.returncode == 0
    run.wait_end()
    [row] = run.profiles()
    assert row.state == "done"
    assert 0 < row.summary["steps"] < 1000
    assert "the run ended" in row.facts.note
    folder = run.directory.profiles / row.name
    assert sorted(path.name for path in folder.iterdir()) == ["profile.json", "trace.json.gz"]


def test_a_killed_worker_leaves_no_half_a_trace(cli: Any) -> None:
    run = start(cli)
    # Steps of no number are refused before anything is asked.
    for steps in ("0", "1001"):
        said = cli("profile", run.id, "--steps", steps, exit_code=2).stderr_text
        assert "1 to 1,000 steps" in said
    assert run.commands() == []
    run.wait_step(5)
    order = cli.start("profile", run.id, "--steps", "1000")
    run.wait(lambda: any(row.taken for row in run.commands()), "the order was taken")
    run.wait_step(run.step + 12)
    run.kill("worker")
    said = order.communicate()[1]
    assert order.returncode == 1 and run.id in said
    assert run.profiles() == []
    assert not list(run.directory.profiles.rglob("*.json*"))


def test_weights_are_equal_to_the_last_bit_with_and_without_a_profile(
    cli_of_module: Any, profiled: Any
) -> None:
    with_profile = profiled[0]
    length = f"train.max_steps={with_profile.step}"
    plain = cli_of_module.detach(cli_of_module.folder / "own.toml", "--set", length)
    assert plain.wait_end().state == "finished"
    assert all(row.last_step < with_profile.step for row in with_profile.profiles())
    assert with_profile.checkpoint().digest == plain.checkpoint().digest
    for name in ("train/loss", "train/accuracy", "grad_norm"):
        assert list(with_profile.points(name)) == list(plain.points(name)) != []
