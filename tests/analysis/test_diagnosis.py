"""What a run's curves show: what is broken is told in numbers, what is healthy is not told."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.diagnosis_runs import Wanted, history_of, record, wanted_runs
from tests.ui.run_makers import overfitting, overfitting_epoch, write
from tuitrain import messages as m
from tuitrain.analysis.diagnosis.diagnosis import Diagnosis
from tuitrain.analysis.diagnosis.history import (
    BEGINNING_STEPS,
    ClassCounts,
    TrainingHistory,
    curve_of_points,
)
from tuitrain.analysis.diagnosis.reading import LiveDiagnoses, read_diagnoses, read_history
from tuitrain.analysis.diagnosis.rules import diagnose_training
from tuitrain.runs.reader import RunReader
from tuitrain.view.run.diagnosis import diagnosis_block, diagnosis_note
from tuitrain.view.spans import plain_text

seeds = st.integers(0, 2**32)
EPOCH = 20


def history(
    train: Sequence[float],
    validation: Sequence[float] = (),
    *,
    counts: Sequence[m.PerClassCounts] = (),
    config: dict[str, Any] | None = None,
    **more: Any,
) -> TrainingHistory:
    """Return a run that was evaluated every EPOCH steps, the counts being of its last times."""
    points = list(enumerate(train, 1))
    times = [EPOCH * (n + 1) for n in range(len(validation))]
    curves = {"val/loss": list(zip(times, validation, strict=True))}
    for name, values in more.pop("metrics", {}).items():
        curves[name] = list(zip(times, values, strict=True))
    first = len(times) - len(counts)
    return TrainingHistory(
        run="demo",
        preset="demo",
        step=len(train),
        total_steps=len(train),
        live=False,
        config=config or {"optimizer": {"lr": 0.1}},
        train=curve_of_points("train/loss", points),
        beginning=curve_of_points("train/loss", points[:BEGINNING_STEPS]),
        rate=curve_of_points("lr", [(step, 0.1) for step, _ in points]),
        validation={name: curve_of_points(name, each) for name, each in curves.items()},
        evaluations=len(validation),
        counts=tuple(ClassCounts(times[first + n], each) for n, each in enumerate(counts)),
        **more,
    )


_FIRST_NOISE = 0.1


def falling(length: int, draw: random.Random, end: float = 0.05, noise: float = 0.1) -> list[float]:
    """Return losses that fall; the first batches, before an update has done much, hardly differ."""
    scale = length / 6
    return [
        max(
            1e-4,
            (end + (2.3 - end) * math.exp(-n / scale))
            * (1 + (noise if n else min(noise, _FIRST_NOISE)) * draw.gauss(0, 1)),
        )
        for n in range(length)
    ]


def kinds(found: Sequence[Diagnosis]) -> list[str]:
    return [each.kind for each in found]


# --- healthy ones ---------------------------------------------------------------------------------


# The same draws each time: chance alone must be told of once in some thousand runs.
@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    seed=seeds,
    epochs=st.integers(1, 60),
    noise=st.sampled_from([0.0, 0.02, 0.1, 0.2, 0.4]),
    wobble=st.sampled_from([0.0, 0.01, 0.05, 0.1]),
    end=st.sampled_from([1e-3, 0.05, 0.5]),
)
def test_a_run_that_converges_is_not_told_of_however_it_wobbles(
    seed: int, epochs: int, noise: float, wobble: float, end: float
) -> None:
    draw = random.Random(seed)
    train = falling(epochs * EPOCH, draw, end, noise)
    validation = [
        (1.1 * value) * (1 + wobble * draw.gauss(0, 1))
        for value in falling(epochs * EPOCH, draw, end, 0.0)[EPOCH - 1 :: EPOCH]
    ]
    for part in (1, 2, 3, 4):
        cut = max(1, epochs * part // 4)
        found = diagnose_training(history(train[: cut * EPOCH], validation[:cut]))
        assert kinds(found) == [], found


@pytest.mark.parametrize("preset", ["iris", "wine", "circles", "linear-regression"])
def test_shipped_presets_are_not_told_of(preset: str) -> None:
    found = diagnose_training(history_of(record(Wanted("none", preset, 0))))
    assert [each for each in found if each.severity == "warning"] == []


def test_nothing_is_said_of_a_run_without_points() -> None:
    assert diagnose_training(history([])) == ()
    assert diagnose_training(history([math.nan] * 50, [math.inf] * 9)) == ()


# --- overfitting ----------------------------------------------------------------------------------


def turned_run(draw: random.Random, epochs: int = 40) -> TrainingHistory:
    train = falling(epochs * EPOCH, draw, 0.005, 0.1)
    turned = [2.3 * math.exp(-n / 3) + 0.1 + 0.008 * max(0, n - 10) for n in range(epochs)]
    validation = [value * (1 + 0.02 * draw.gauss(0, 1)) for value in turned]
    config = {
        "model": {"dropout": 0.25},
        "optimizer": {"lr": 0.1, "weight_decay": 1e-4},
        "data": {"augment": [{"name": "shift"}]},
        "stop": {"patience": 0},
    }
    return history(train, validation, config=config, checkpoints={"best": 260, "last": 800})


@given(seed=seeds)
@settings(deadline=None, max_examples=30, derandomize=True)
def test_a_validation_loss_that_turned_while_training_goes_on_is_overfitting(seed: int) -> None:
    assert kinds(diagnose_training(turned_run(random.Random(seed)))) == ["overfitting"]


def test_overfitting_comes_with_both_losses_and_the_way_back() -> None:
    [found] = diagnose_training(turned_run(random.Random(3)))
    assert found.text.startswith("overfits: val/loss best 0.1")
    assert "train/loss still falls" in found.text
    best, now, then, last = found.evidence
    assert best.metric == now.metric == "val/loss" and best.step < now.step == 800
    assert best.value < now.value and then.value > last.value
    said = {advice.command: advice.text for advice in found.advice}
    assert "step 260" in said["tuitrain resume demo --from best"]
    assert "stop.patience" in said["tuitrain run demo --set stop.patience=5"]
    assert "data.augment (now shift)" in said[""]
    assert "model.dropout (now 0.25)" in said[""]
    assert "optimizer.weight_decay (now 0.0001)" in said[""]
    assert "label_smoothing" not in said[""]


def test_a_live_run_is_stopped_by_a_key_and_given_patience_by_set() -> None:
    [found] = diagnose_training(replace(turned_run(random.Random(3)), live=True, total_steps=1000))
    assert found.advice[0].key == "C" and "stop it (s)" in found.advice[0].text
    assert found.advice[1].command == "tuitrain set demo stop.patience=5"


def test_an_accuracy_that_holds_is_said_beside_a_loss_that_turned() -> None:
    before = turned_run(random.Random(3))
    accuracy = curve_of_points(
        "val/accuracy", [(EPOCH * n, min(0.9, n / 10)) for n in range(1, 41)]
    )
    validation = {**before.validation, "val/accuracy": accuracy}
    [found] = diagnose_training(replace(before, validation=validation, monitor="val/accuracy"))
    assert "val/accuracy holds at 0.9: it grows surer of its mistakes" in found.text


# --- the learning rate ----------------------------------------------------------------------------


def test_a_loss_that_shoots_up_at_first_shows_a_rate_that_is_too_high() -> None:
    draw = random.Random(0)
    train = [2.3, 2.4, 31.0, 12.0, 4.0, *falling(395, draw)]
    [found] = diagnose_training(history(train))
    assert found.kind == "rate too high"
    assert found.text == (
        "learning rate 0.1 looks too high: train/loss rose from 2.3 at step 1 to 31 at step 3"
    )
    assert found.advice[0].command == "tuitrain run demo --set optimizer.lr=0.01"


def test_losses_of_tiny_batches_that_scatter_far_are_no_burst() -> None:
    draw = random.Random(0)
    assert diagnose_training(history([abs(draw.gauss(0, 1)) + 0.01 for _ in range(2000)])) == ()
    # The first batch was an easy one.
    assert diagnose_training(history([0.3, *falling(1999, draw, noise=0.4)])) == ()


def test_a_loss_that_was_low_and_is_high_again_shows_a_rate_that_is_too_high() -> None:
    draw = random.Random(0)
    train = [*falling(200, draw), *(2.3 + 0.05 * draw.gauss(0, 1) for _ in range(200))]
    [found] = diagnose_training(history(train))
    assert found.kind == "rate too high"
    assert "and is at 2.3 now" in found.text
    live = diagnose_training(replace(history(train), live=True))
    assert (live[0].advice[0].key, live[0].advice[0].command) == (
        "l",
        "tuitrain set demo optimizer.lr=0.01",
    )


def test_a_rate_that_was_changed_since_is_the_one_that_is_named() -> None:
    draw = random.Random(0)
    train = [*falling(200, draw), *(2.3 + 0.05 * draw.gauss(0, 1) for _ in range(200))]
    rates = curve_of_points("lr", [(n, 0.1 if n <= 200 else 5.0) for n in range(1, 401)])
    [found] = diagnose_training(replace(history(train), rate=rates))
    assert found.text.startswith("learning rate 5 looks too high")
    assert found.advice[0].command == "tuitrain run demo --set optimizer.lr=0.5"


def test_a_validation_loss_that_swings_shows_a_rate_that_is_too_high() -> None:
    draw = random.Random(0)
    validation = [0.5 + 0.2 * (-1) ** n + 0.02 * draw.gauss(0, 1) for n in range(30)]
    [found] = diagnose_training(history([0.5 + 0.1 * draw.gauss(0, 1)] * 600, validation))
    assert found.kind == "rate too high"
    assert "val/loss swings by 0.4" in found.text


def test_a_loss_that_falls_evenly_and_hardly_at_all_shows_a_rate_that_is_too_low() -> None:
    draw = random.Random(0)
    train = [2.31 - 0.00005 * n + 0.01 * draw.gauss(0, 1) for n in range(800)]
    [found] = diagnose_training(history(train))
    assert found.kind == "rate too low"
    assert "train/loss came down from 2.3" in found.text and "in 800 steps" in found.text
    assert found.advice[0].command == "tuitrain run demo --set optimizer.lr=1"


def test_a_loss_that_falls_with_a_rate_that_ends_in_nothing_is_looked_at_rate_for_rate() -> None:
    draw = random.Random(0)
    rates = [0.1 * (1 + math.cos(math.pi * n / 800)) / 2 for n in range(800)]
    way = [sum(rates[:n]) / sum(rates) for n in range(800)]
    train = [2.31 - 0.04 * share + 0.01 * draw.gauss(0, 1) for share in way]
    told = replace(history(train), rate=curve_of_points("lr", list(enumerate(rates, 1))))
    assert kinds(diagnose_training(told)) == ["rate too low"]


# --- classes --------------------------------------------------------------------------------------


def test_no_better_than_the_most_frequent_class_is_told_with_its_share() -> None:
    counts = m.PerClassCounts(("cat", "dog"), (60, 40), (95, 5), (58, 3))
    accuracy = {"val/accuracy": [0.6, 0.61, 0.6, 0.62, 0.6, 0.61]}
    found = diagnose_training(
        history([0.5] * 120, [0.67] * 6, counts=[counts] * 3, metrics=accuracy)
    )
    assert kinds(found) == ["underfitting"]
    assert "always cat would have 0.6 of 100 samples" in found[0].text


def test_a_model_that_was_better_once_is_more_than_a_constant_answer() -> None:
    counts = m.PerClassCounts(("cat", "dog"), (60, 40), (95, 5), (58, 3))
    accuracy = {"val/accuracy": [0.6, 0.9, 0.9, 0.62, 0.6, 0.61]}
    assert not diagnose_training(
        history([0.5] * 120, [0.67] * 6, counts=[counts] * 3, metrics=accuracy)
    )


def test_a_cross_entropy_of_guessing_is_told_as_such() -> None:
    counts = m.PerClassCounts(None, (30,) * 10, (30,) * 10, (7,) * 10)
    config = {"loss": {"name": "cross_entropy"}}
    [found] = diagnose_training(
        history([2.30] * 200, [2.3] * 8, counts=[counts] * 3, config=config)
    )
    assert found.kind == "underfitting"
    assert "10 classes (ln 10 = 2.303)" in found.text


def test_a_class_that_is_there_and_never_predicted_is_named() -> None:
    counts = m.PerClassCounts(("a", "b", "c"), (40, 40, 20), (50, 50, 0), (38, 38, 0))
    [found] = diagnose_training(history([0.5] * 200, [0.6] * 8, counts=[counts] * 3))
    assert found.kind == "dead outputs"
    assert "c (20) of 100 validation samples" in found.text
    seen_once = replace(counts, predicted=(50, 49, 1))
    for early in ([counts] * 2, [seen_once, counts, counts]):
        assert not diagnose_training(history([0.5] * 200, [0.6] * 8, counts=early))


def test_a_frequent_class_that_drowns_a_rare_one_is_told_with_both_recalls() -> None:
    counts = m.PerClassCounts(("no", "yes"), (900, 60), (940, 20), (890, 12))
    config = {"loss": {"name": "cross_entropy"}, "optimizer": {"lr": 0.1}}
    history_ = history([0.2] * 200, [0.2] * 8, counts=[counts] * 3, config=config)
    [found] = diagnose_training(history_)
    assert found.kind == "imbalance"
    assert "no is 94% of the validation samples with recall 0.99, yes is 6.2% with recall 0.20" in (
        found.text
    )
    assert found.advice[0].command == "tuitrain run demo --set loss.class_weights=balanced"
    well = replace(counts, predicted=(898, 62), correct=(890, 52))
    assert not diagnose_training(history([0.2] * 200, [0.2] * 8, counts=[well] * 3, config=config))


def test_few_validation_samples_are_told_as_information() -> None:
    counts = m.PerClassCounts(None, (10, 10, 10), (10, 11, 9), (10, 10, 9))
    accuracy = {"val/accuracy": [0.8, 0.93, 0.97, 0.93, 0.97, 0.97, 0.93, 0.97]}
    [found] = diagnose_training(
        history([0.2] * 160, [0.2] * 8, counts=[counts] * 3, metrics=accuracy)
    )
    assert (found.kind, found.severity) == ("noisy validation", "info")
    assert "30 validation samples are few: val/accuracy 0.967 may be 0.83 to 0.99" in found.text
    assert diagnosis_note([found], 80) == []


# --- real runs that are broken --------------------------------------------------------------------


@pytest.mark.parametrize(
    "wanted",
    [
        each
        for each in wanted_runs(1)
        if (each.fault, each.preset)
        in {
            ("rate too high", "iris"),
            ("rate too low", "breast-cancer"),
            ("overfitting", "wine"),
            ("imbalance", "iris"),
        }
    ],
    ids=lambda each: each.fault,
)
def test_what_was_broken_on_purpose_is_found(wanted: Wanted) -> None:
    assert wanted.fault in kinds(diagnose_training(history_of(record(wanted))))


# --- from the record ------------------------------------------------------------------------------


def test_the_record_gives_what_the_points_give(tmp_path: Path) -> None:
    with RunReader(overfitting(tmp_path / "runs", epochs=50)) as reader:
        read, [found] = read_history(reader), read_diagnoses(reader)
    assert (read.step, read.total_steps, read.evaluations) == (1000, 1000, 50)
    assert len(read.beginning) == BEGINNING_STEPS
    assert found.kind == "overfitting"
    block = diagnosis_block([found])
    assert block.startswith("DIAGNOSIS\n  overfits: val/loss best 0.15")
    assert "\n    seen in val/loss 0.15" in block
    note = plain_text(diagnosis_note([found, found], 80)[0])
    assert len(note) <= 80 and note.endswith("+1  (A explains)")


def test_what_is_shown_of_a_live_run_does_not_flicker(tmp_path: Path) -> None:
    clock = [0.0]
    live, run, seen = LiveDiagnoses(lambda: clock[0]), overfitting(tmp_path / "runs"), []
    with RunReader(run) as reader:
        assert kinds(live.read(reader)) == ["overfitting"]
        for epoch in range(40, 46):
            taken, evaluated = overfitting_epoch(epoch)
            assert isinstance(evaluated, m.Evaluated)
            better = replace(evaluated, metrics={"val/loss": 0.05})
            write(run, taken, better, sequence=3 + 2 * epoch)
            before = kinds(live.read(reader))
            clock[0] += 2.0
            seen.append((before, kinds(live.read(reader))))
        assert read_diagnoses(reader) == ()
    told = [after for _before, after in seen]
    assert told[:2] == [["overfitting"]] * 2
    assert told[-1] == []
    # Within 2 s of a look nothing is looked at.
    assert [before for before, _after in seen[1:]] == told[:-1]
