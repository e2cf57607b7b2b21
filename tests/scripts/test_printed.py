"""Metrics that a script only prints are read off its lines, and are marked as such."""

import math
from pathlib import Path

import pytest

from tests.scripts.conftest import Scripts
from tuitrain.cli.script_output import ScriptOutput
from tuitrain.supervisor.scripts.printed import parse_line


@pytest.mark.parametrize(
    ("line", "step", "metrics"),
    [
        ("loss: 0.123", None, {"loss": 0.123}),
        ("step=12 loss=0.3", 12, {"loss": 0.3}),
        ("iter 40: loss 2.5e-1, time 3.1ms", 40, {"loss": 0.25}),
        ("Epoch [3/10], Step [5/100], Loss: 0.7", 5, {"loss": 0.7}),
        ("Epoch 2: train_loss=1.5 val_loss=nan", 2, {"train_loss": 1.5, "val_loss": math.nan}),
        ("epoch 4 | val acc: 91.5% | 12.3 s", 4, {"val_acc": 91.5}),
        ("{'loss': 0.5, 'grad_norm': '1.25', 'learning_rate': 5e-05, 'epoch': 0.1}", None,
         {"loss": 0.5, "grad_norm": 1.25, "learning_rate": 5e-05}),
        (" 45%|####      | 450/1000 [00:10<00:12, 44.1it/s, loss=0.5]", 450, {"loss": 0.5}),
        ("Epoch 1: 100%|##| 20/20 [00:00<00:00, 300.1it/s, v_num=0, fit_loss=0.5]", 20,
         {"fit_loss": 0.5}),
        ("Epoch: [0][ 10/5005]\tLoss 6.9 (7.0)\tAcc@1 0.5 (0.4)", 10, {"loss": 6.9, "acc@1": 0.5}),
        ("Train Epoch: 1 [6400/60000 (11%)]\tLoss: 0.5", 6400, {"loss": 0.5}),
        ("Epoch 1: 19/200 loss: 0.5", 19, {"loss": 0.5}),
        ("Test set: Average loss: 0.05, Accuracy: 9000/10000 (90%)", None, {"loss": 0.05}),
        ("[11/26 10:00:00] Epoch 3/9 loss: 0.5", 3, {"loss": 0.5}),
        ("RuntimeError: err == 0. allocate 400 bytes. Error code 12 (Cannot allocate)", None, {}),
        ("test accuracy = -inf", None, {"test_accuracy": -math.inf}),
        ("loading 3 shards, took: 5 s, batch 12", None, {}),
        ('    run = init(config={"lr": 0.1})', None, {}),
        ("lossless compression level: 9", None, {}),
        ("2026-11-26 10:00:00 INFO port: 8080", None, {}),
        ("map: 127.0.0.1:80", None, {}),
        ("loss: " + "9" * 3000, None, {}),
        ("", None, {}),
    ],
)  # fmt: skip
def test_lines_of_common_loops_are_understood_and_no_others(
    line: str, step: int | None, metrics: dict[str, float]
) -> None:
    said = parse_line(line)
    assert said.step == step
    assert said.metrics == pytest.approx(metrics, nan_ok=True)


def test_what_is_printed_is_shown_to_the_end_also_where_the_log_is_removed(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    shown: list[str] = []
    output = ScriptOutput(log, shown.append)
    output.poll()
    with log.open("wb", buffering=0) as printed:
        printed.write(b"a\tb\n 10%\r 20%\rhalf")
        output.poll()
        assert shown == ["a       b"]
        log.unlink()
        printed.write(b" a line\nand \x1b[2J more")
    output.poll(last=True)
    output.poll(last=True)
    assert shown[1:] == ["half a line", "and \\x1b[2J more"]


def test_a_script_that_only_prints_has_curves_that_say_so(scripts: Scripts) -> None:
    run = scripts.run("sh", "printing.sh")
    assert run.points("printed/loss") == [(10, 0.1), (20, 0.2), (30, 0.3), (40, 0.125)]
    assert run.points("printed/lr") == [(10, 1e-3), (20, 1e-3), (30, 1e-3)]
    assert run.metric_names() == ["printed/loss", "printed/lr"]
    assert run.step == 40
    assert run.facts().script.ability == "watched"
    assert run.facts().script.by == ("printed lines",)
    assert run.meta()["monitor"] == "printed/loss"
