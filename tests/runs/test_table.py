"""Runs as rows of a table: what a filter finds, and where values come from."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tuitrain.errors import UsageError
from tuitrain.messages import MetricPoints, Numbered, StepsTaken
from tuitrain.runs.directory import RunDirectory, create_run
from tuitrain.runs.labels import Labels, load_labels, save_labels
from tuitrain.runs.listing import list_runs, write_summary
from tuitrain.runs.summary import RunSummary
from tuitrain.runs.table.details import RunDetails, load_details, save_details
from tuitrain.runs.table.filtering import RunFilter
from tuitrain.runs.table.known import KnownValues
from tuitrain.runs.table.query import check_keys, parse_query
from tuitrain.runs.table.values import RunValues, ordered
from tuitrain.runs.writer import RunWriter

CONFIG = """
name = "{preset}"
task = "classification"
[model]
name = "{model}"
hidden = [8, 16]
[optimizer]
name = "adamw"
lr = {lr}
[train]
compile = {compile}
"""


class Row(dict[str, Any]):
    """A row that has just these values."""


ROW = Row(
    name="Brave moons", preset="moons", id="20261126-0100-brave-abc", state="finished", lr=0.01,
    model="resnet18", compile=True, tag=("good", "first"), age=7200.0, created=1.7e9, loss=None,
    done=0.5, epochs=10,
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "", "moons", "BRAVE", "abc", "'brave moons'", "state=finished", "state=failed,finished",
        "lr=1e-2", "lr>=1e-2", "lr<0.02", "lr!=0.1", "model~resnet", "model!~vit", "compile=true",
        "tag:good", "tag:other,first", "tag~goo", "-tag:old", "-state=failed", "age<3h",
        "age>=7200", "age<1d", "created>2020-01-01", "created<=2026-11-26T10:00", "-loss<1",
        "done>=50%", "epochs=10", "moons lr>0.001 state=finished -tag:old",
    ],
)  # fmt: skip
def test_what_fulfils_every_condition_is_found(text: str) -> None:
    assert parse_query(text).matches(ROW)


@pytest.mark.parametrize(
    "text",
    [
        "circles", "-moons", "state=failed", "state!=finished", "lr>0.01", "lr=0.1", "model=resnet",
        "model!~resnet", "compile=false", "tag:old", "-tag:good", "age>3h", "loss<1", "loss=1",
        "loss!=1", "loss!~a", "model>3", "compile>0", "other=1", "moons state=failed",
    ],
)  # fmt: skip
def test_what_fails_one_condition_is_not(text: str) -> None:
    assert not parse_query(text).matches(ROW)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr>=", "there is nothing behind >="),
        ("lr>fast", "'fast' is no number"),
        ("age<soon", "nor a time as 30m, 2h or 3d"),
        ("created>monday", "nor a date as 2026-11-30"),
        ("=3", "a condition is KEY=VALUE"),
        ("'moons", "a quote has no end"),
    ],
)
def test_what_is_no_condition_is_told_with_what_one_is(text: str, said: str) -> None:
    with pytest.raises(UsageError, match="filter") as caught:
        parse_query(text)
    assert said in str(caught.value)


def test_a_key_that_no_run_has_is_told_with_those_near_it() -> None:
    known = ["name", "optimizer.lr", "model.name", "val/loss"]
    check_keys(["lr", "optimizer.lr", "model", "val/loss", "last:val/loss"], known)
    with pytest.raises(UsageError, match=r"no run has 'optimiser\.lr'; near it: optimizer\.lr"):
        check_keys(["optimiser.lr"], known)


def made(root: Path, name: str, model: str = "mlp", lr: float = 0.1, **more: Any) -> RunDirectory:
    """Return a run that has ended, with three losses."""
    config = CONFIG.format(preset="moons", model=model, lr=lr, compile="false")
    directory = create_run(root, "moons", name, config, **more)
    with RunWriter(directory) as writer:
        writer.begin_attempt(1.0)
        points = (MetricPoints("val/loss", 1, (0.5, lr, float("nan"))),)
        writer.record([Numbered(1, 1, StepsTaken(2.0, 1, 3, 0.1, 0.1, points))])
        writer.change_state(5.0, "finished", "", at_rest=True)
    return directory


def values(root: Path) -> dict[str, RunValues]:
    return {run.name: RunValues(run) for run in list_runs(root)}


def test_fields_settings_and_metrics_are_values_by_their_shortest_names(tmp_path: Path) -> None:
    made(tmp_path, "one", lr=0.25)
    run = values(tmp_path)["one"]
    assert run.get("state") == "finished"
    assert run.get("lr") == run.get("optimizer.lr") == 0.25
    assert run.get("model") == run.get("model.name") == "mlp"
    assert run.get("hidden") == (8, 16)
    assert run.get("compile") is False
    assert run.get("name") == "one", "a field goes before the preset's name"
    assert run.get("val/loss") == 0.25
    assert run.get("last:val/loss") is None, "what is no number is no value"
    assert run.get("nothing") is None
    assert {"state", "optimizer.lr", "val/loss"} <= set(run.known_keys())


def test_the_copy_of_details_says_what_the_record_says_and_goes_when_the_run_goes_on(
    tmp_path: Path,
) -> None:
    directory = made(tmp_path, "one")
    slow = load_details(directory)
    save_details(directory)
    write_summary(directory)
    for text in ("", "{", "[]", '{"version": 99}', '{"version": 1, "more": 2}'):
        good = directory.details_path.read_text()
        directory.details_path.write_text(text)
        assert load_details(directory) == slow
        directory.details_path.write_text(good)
    hidden = directory.database_path.rename(directory.path / "hidden")
    copied = load_details(directory)
    assert (dict(copied.settings), copied.best) == (dict(slow.settings), slow.best)
    hidden.rename(directory.database_path)
    with RunWriter(directory) as writer:
        writer.begin_attempt(9.0)
    assert not directory.details_path.exists()


def test_a_run_that_can_not_be_read_has_no_details_and_breaks_nothing(tmp_path: Path) -> None:
    directory = made(tmp_path, "one")
    directory.database_path.write_bytes(b"no database")
    (run,) = values(tmp_path).values()
    assert run.get("state") == "damaged"
    assert run.get("lr") is None
    assert not parse_query("lr>0").matches(run)


def test_an_order_is_by_any_value_and_what_has_none_comes_last(tmp_path: Path) -> None:
    for name, lr in (("b", 0.5), ("a", 0.1), ("c", 0.3)):
        made(tmp_path, name, lr=lr)
    made(tmp_path, "d").database_path.write_bytes(b"no database")
    runs = list(values(tmp_path).values())

    def names(key: str) -> list[str]:
        return [run.summary.name[0] for run in ordered(runs, key)]

    assert (names("lr"), names("-lr")) == (list("acbd"), list("bcad"))
    assert names("-name") == list("dcba")


def test_labels_are_kept_beside_the_record(run: RunDirectory) -> None:
    assert load_labels(run) == Labels()
    labels = load_labels(run).tagged(["good", "a"], []).tagged(["b"], ["a", "never"])
    assert labels.tags == ("b", "good")
    save_labels(run, Labels(labels.tags, "the one to keep"))
    assert load_labels(run) == Labels(("b", "good"), "the one to keep")
    for bad in ("two words", "a:b", "-no", "", "x" * 41, "a=b"):
        with pytest.raises(UsageError, match="tag"):
            labels.tagged([bad])
    run.labels_path.write_text("{")
    assert load_labels(run) == Labels()


def test_ten_thousand_rows_are_filtered_without_reading_what_is_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path, "one")
    (summary,) = list_runs(tmp_path)
    read: list[Any] = []
    monkeypatch.setattr("tuitrain.runs.table.values.load_details", read.append)
    rows = [RunValues(summary) for _ in range(10_000)]
    query = parse_query("one state=finished age>0")
    assert sum(query.matches(row) for row in rows) == 10_000
    assert not read


SUMMARY = RunSummary(
    id="20261126-0100-brave-abc", name="brave", preset="moons", state="finished", reason="",
    created=1.7e9, started=1.7e9, ended=1.7e9, duration_s=9.0, step=5, total_steps=10, epoch=1.0,
    best_metric=None, best_value=None, device="cpu", path="/runs/brave",
)  # fmt: skip


def made_up(number: int, clock: Callable[[], float] = time.time) -> RunValues:
    summary = replace(
        SUMMARY, name=f"brave-{number}", path=f"/runs/{number}", created=float(number)
    )
    settings = {"optimizer.lr": number / 10, "model.name": f"net {number}", "train.compile": True}
    details = RunDetails(settings, {"val/loss": 1.0}, {"val/loss": 0.5})
    return RunValues(summary, clock, details=details, labels=Labels(("good",)))


def test_a_filter_of_many_runs_finds_what_each_condition_finds_and_keeps_their_order() -> None:
    runs = [made_up(number) for number in (3, 1, 2)]
    many = RunFilter(runs)
    for text in ("", "brave", "lr>=0.2", "brave lr>=0.2 -model~3", "tag:good -tag:bad", "zebra"):
        query = parse_query(text)
        assert many.matching(query) == [run for run in runs if query.matches(run)]


def test_a_filter_of_ages_follows_the_clock() -> None:
    now = [100.0]
    many = RunFilter([made_up(90, lambda: now[0])])
    assert many.matching(parse_query("age<20"))
    now[0] = 200.0
    assert not many.matching(parse_query("age<20"))


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("optim", ["optimizer.lr"]),
        ("moons l", ["moons lr"]),
        ("-mod", ["-model.name", "-model"]),
        ("val/", ["val/loss"]),
        ("state=fin", ["state=finished"]),
        ("-tag:g", ["-tag:good"]),
        ("compile=", ["compile=true"]),
        ("model=", ['model="net 1"', 'model="net 2"']),
        ("name~brave-1,brave-2", ["name~brave-1,brave-2"]),
        ("nothing", []),
    ],
)
def test_what_is_typed_is_completed_with_the_keys_and_values_that_runs_have(
    typed: str, offered: list[str]
) -> None:
    assert KnownValues([made_up(1), made_up(2)]).completions(typed) == offered
