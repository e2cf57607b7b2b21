"""Tables, JSON lines, the Trainer's state, MLflow's files: each style's axes and gaps are kept."""

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

from tests.foreign.logs import Curves, Followed, names, plain, read_whole
from tuitrain.errors import UsageError
from tuitrain.foreign.find import find_logs
from tuitrain.foreign.tables import sniff
from tuitrain.runs.reader import RunReader
from tuitrain.runs.table.details import load_details

LIGHTNING = """epoch,lr,step,train_loss,val_loss
0,0.1,49,1.5,
0,,99,,1.25
1,0.05,149,nan,
1,,199,,inf
"""
KERAS = "epoch,accuracy,loss,val_loss\r\n0,0.5,1.5,1.75\r\n1,0.75,1.25,-inf\r\n"
ULTRALYTICS = "   epoch,  train/box_loss,   metrics/mAP50\n  1,  1.5,  0.25\n  2,  1.25,  0.5\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            LIGHTNING,
            {
                "lr": [(49, 0.1), (149, 0.05)],
                "train_loss": [(49, 1.5), (149, math.nan)],
                "val_loss": [(99, 1.25), (199, math.inf)],
            },
        ),
        (
            KERAS,
            {
                "accuracy": [(0, 0.5), (1, 0.75)],
                "loss": [(0, 1.5), (1, 1.25)],
                "val_loss": [(0, 1.75), (1, -math.inf)],
            },
        ),
        (
            ULTRALYTICS,
            {"train/box_loss": [(1, 1.5), (2, 1.25)], "metrics/mAP50": [(1, 0.25), (2, 0.5)]},
        ),
        ("epoch;loss\n0;1,5\n1;-2,5e-1\n", {"loss": [(0, 1.5), (1, -0.25)]}),
        ("step|loss\n5|0.5\n", {"loss": [(5, 0.5)]}),
        (f"step,loss\n{10**20},1\n-1,2\n3,0.5\n", {"loss": [(3, 0.5)]}),
        ("step\tloss\n5\t0.5\n", {"loss": [(5, 0.5)]}),
        ("epoch,loss\n0.5,1\n1.0,2\n1.5,3\n", {"loss": [(0, 1.0), (1, 2.0), (2, 3.0)]}),
        ("loss,note\n0.5,a\n0.25,b\n", {"loss": [(0, 0.5), (1, 0.25)]}),
    ],
    ids=[
        "lightning",
        "keras",
        "ultralytics",
        "commas in numbers",
        "bars",
        "steps beyond all",
        "tabs",
        "fractions",
        "no step",
    ],
)
def test_tables_of_each_style(text: str, wanted: Curves, tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text(text, newline="")
    if not wanted:
        with pytest.raises(UsageError, match="not a log that is known"):
            find_logs(path)
        return
    found = read_whole(path, tmp_path / "cache")
    assert found == {name: plain(points) for name, points in wanted.items()}


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        (
            [{"step": 1, "loss": 0.5, "note": "x"}, {"step": 2, "val": {"loss": 0.25, "n": [1]}}],
            {"loss": [(1, 0.5)], "val/loss": [(2, 0.25)]},
        ),
        (
            [{"config": {"lr": 0.1}}, {"iter": 10, "loss": math.nan}, {"iter": 20, "loss": "NaN"}],
            {"loss": [(10, math.nan), (20, math.nan)]},
        ),
        (
            [{"epoch": 0, "train_loss": 1}, {"epoch": 1, "train_loss": True}],
            {"train_loss": [(0, 1)]},
        ),
        (
            [{"epoch": e, "step": s, "loss": e * 10 + s} for e in (0, 1) for s in (0, 1, 2)],
            {"loss": [(0, 0), (1, 1), (2, 2), (3, 10), (4, 11), (5, 12)]},
        ),
        (
            [{"step": s, "loss": v} for s, v in [(1, 1), (2, 1), (3, 1), (2, 5), (2, 6)]],
            {"loss": [(1, 1), (2, 6)]},
        ),
        (
            [{"step": 100, "loss": 1.0}, {"step": 1, "val_loss": 2.0}, {"step": 200, "loss": 3.0}],
            {"loss": [(100, 1.0), (200, 3.0)], "val_loss": [(1, 2.0)]},
        ),
    ],
    ids=["nested", "late and not finite", "epochs", "steps of an epoch", "restart", "own counters"],
)
def test_json_lines_of_each_style(
    rows: list[dict[str, Any]], wanted: Curves, tmp_path: Path
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    found = read_whole(path, tmp_path / "cache")
    assert found == {name: plain(points) for name, points in wanted.items()}


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_growing_file_is_read_row_by_row_and_half_a_row_waits(
    suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"metrics.{suffix}"
    lines = ["step,loss\n"] if suffix == "csv" else ['{"step": 0, "loss": 0}\n']
    for step in range(1, 9):
        row = {"step": step, "loss": step / 4}
        lines.append(f"{step},{step / 4}\n" if suffix == "csv" else f"{json.dumps(row)}\n")
    path.write_text("".join(lines[:2]))
    followed = Followed(path, tmp_path / "cache")
    for number, line in enumerate(lines[2:], 2):
        before = followed.read()
        with path.open("a") as file:
            file.write(line[:-3])
        assert followed.read() == before
        with path.open("a") as file:
            file.write(line[-3:])
        assert followed.read()["loss"][-1] == (number, number / 4)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_the_last_row_of_a_file_that_does_not_end_its_lines(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"metrics.{suffix}"
    rows = {"csv": "step,loss\n1,0.5\n2,0.25", "jsonl": '{"step": 1, "loss": 0.5}'}
    rest = {"csv": "5\n3,1\n", "jsonl": '\n{"step": 2, "loss": 0.255}\n{"step": 3, "loss": 1}\n'}
    path.write_text(rows[suffix])
    os.utime(path, (1.7e9, 1.7e9))
    followed = Followed(path, tmp_path / "cache")
    first = [(1, 0.5), (2, 0.25)] if suffix == "csv" else [(1, 0.5)]
    assert followed.read() == followed.read() == {"loss": first}
    with path.open("a") as file:
        file.write(rest[suffix])
    assert followed.read() == {"loss": [(1, 0.5), (2, 0.255), (3, 1.0)]}


def test_a_table_that_is_written_anew_with_another_column_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("step,loss\n1,0.5\n2,0.25\n")
    followed = Followed(path, tmp_path / "cache")
    followed.read()
    path.write_text("step,loss,val_loss\n1,0.5,\n2,0.25,\n2,,0.75\n")
    assert followed.read() == {"loss": [(1, 0.5), (2, 0.25)], "val_loss": [(2, 0.75)]}


def test_times_in_rows_are_the_run_s(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    rows = [{"_step": s, "_timestamp": 1.7e9 + s, "loss": 1.0, "epoch": s / 4} for s in (0, 4, 8)]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    followed = Followed(path, tmp_path / "cache")
    assert set(followed.read()) == {"loss"}
    with RunReader(followed.record) as reader:
        summary = reader.summary()
    assert (summary.created, summary.duration_s, summary.epoch) == (1.7e9, 8.0, 2.0)


def trainer_state(folder: Path, steps: range, *, total: int = 30, value: float = 1.0) -> None:
    history: list[dict[str, Any]] = [
        {"step": step, "epoch": step / 10, "loss": value * step, "learning_rate": 0.1}
        for step in steps
    ]
    history.append({"step": steps[-1], "epoch": steps[-1] / 10, "eval_loss": 0.5})
    state = {"log_history": history, "max_steps": total, "global_step": steps[-1]}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trainer_state.json").write_text(json.dumps(state))


def test_the_trainer_s_newest_state_is_read_and_says_when_training_is_over(tmp_path: Path) -> None:
    out = tmp_path / "out"
    trainer_state(out / "checkpoint-10", range(5, 11, 5))
    assert names(find_logs(tmp_path)) == [("out", "Hugging Face Trainer")]
    assert names(find_logs(out / "checkpoint-10")) == [("out", "Hugging Face Trainer")]
    followed = Followed(out, tmp_path / "cache")
    assert followed.read()["train/loss"] == [(5, 5.0), (10, 10.0)]
    trainer_state(out / "checkpoint-20", range(5, 21, 5))
    assert followed.read()["eval/loss"] == [(20, 0.5)]
    trainer_state(out, range(5, 31, 5))
    found = followed.read()
    assert found["train/loss"] == [(step, float(step)) for step in range(5, 31, 5)]
    with RunReader(followed.record) as reader:
        assert reader.state().state == "finished"
        assert reader.summary().total_steps == 30
    trainer_state(out / "checkpoint-12", range(4, 13, 4), value=2.0)
    assert followed.read()["train/loss"] == [(4, 8.0), (8, 16.0), (12, 24.0)]


def test_mlflow_s_file_store(tmp_path: Path) -> None:
    run = tmp_path / "mlruns" / "0" / "abc"
    for part in ("metrics/val", "params", "tags"):
        (run / part).mkdir(parents=True)
    (run / "meta.yaml").write_text("run_id: abc\n")
    (run / "metrics" / "loss").write_text("1700000000000 1.5 0\n1700000001000 nan 1\n")
    (run / "metrics" / "val" / "loss").write_text("1700000000500 1.25 1\n")
    assert names(find_logs(tmp_path)) == [("mlruns/0/abc", "MLflow")]
    (run / "tags" / "mlflow.runName").write_text("brave-ant-1")
    assert names(find_logs(tmp_path)) == [("mlruns/0/brave-ant-1", "MLflow")]
    followed = Followed(run, tmp_path / "cache")
    assert followed.read() == {"loss": [(0, 1.5), (1, None)], "val/loss": [(1, 1.25)]}
    with (run / "metrics" / "loss").open("a") as file:
        file.write("1700000002000 0.5 1\n1700000002000 0.25 2\n")
    (run / "params" / "lr").write_text("0.1")
    (run / "params" / "model").write_text("resnet")
    assert followed.read()["loss"] == [(0, 1.5), (1, 0.5), (2, 0.25)]
    assert load_details(followed.record).settings == {"lr": 0.1, "model": "resnet"}


def test_lightning_s_hyperparameters_are_the_run_s_settings(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("step,loss\n1,0.5\n")
    lines = ["lr: 0.01", "layers: 3", "name: 'a b'", "bias: true", "sizes:", "- 1", "none: null"]
    (tmp_path / "hparams.yaml").write_text("\n".join([*lines, "inner: {a: 1}", "  deep: 2", ""]))
    followed = Followed(tmp_path / "metrics.csv", tmp_path / "cache")
    followed.read()
    wanted = {"lr": 0.01, "layers": 3, "name": "a b", "bias": True}
    assert load_details(followed.record).settings == wanted


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("data.csv", "a,b,label\n1,2,cat\n"),
        ("config.json", '{\n  "lr": 0.1\n}\n'),
        ("vocab.json", '{"the": 1, "of": 2}\n'),
        ("words.jsonl", '{"text": "a"}\n'),
        ("empty.csv", ""),
        ("binary.csv", "step,loss\n\0\0\0"),
    ],
)
def test_files_that_are_no_logs_are_passed_over(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert sniff(tmp_path / name, named=False) is None
    with pytest.raises(UsageError, match=r"no logs below it.*TensorBoard"):
        find_logs(tmp_path)
