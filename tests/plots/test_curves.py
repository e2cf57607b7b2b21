"""What charts of runs' metrics show: nothing is lost that a person would look for."""

import math
import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.plots.makers import recorded_run
from tuitrain import messages as m
from tuitrain.errors import UsageError
from tuitrain.messages import Numbered
from tuitrain.plots.curves import CurveChoices, curve_figure, smoothing_for
from tuitrain.plots.panels import STYLES, Figure, LinePanel
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.writer import RunWriter

LOSS = [1.0, 0.5, math.nan, 0.25]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def figure_of(stack: ExitStack, *runs: RunDirectory, **choices: object) -> Figure:
    readers = [stack.enter_context(RunReader(run)) for run in runs]
    return curve_figure(readers, CurveChoices(**choices))  # type: ignore[arg-type]


def lines(figure: Figure) -> list[LinePanel]:
    found = [panel for panel in figure.panels if isinstance(panel, LinePanel)]
    assert len(found) == len(figure.panels)
    return found


def test_training_and_validation_of_one_metric_share_a_chart(
    tmp_path: Path, stack: ExitStack
) -> None:
    run = recorded_run(tmp_path, "one", {"train/loss": LOSS, "lr": [0.1] * 4, "val/loss": LOSS})
    loss, rate = lines(figure_of(stack, run))
    assert (loss.title, rate.title) == ("loss", "lr")
    assert [trace.label for trace in loss.traces] == ["train", "val"]
    assert len({trace.style for trace in loss.traces}) == 2


def test_what_is_not_finite_is_a_gap_and_told(tmp_path: Path, stack: ExitStack) -> None:
    run = recorded_run(tmp_path, "one", {"train/loss": LOSS})
    figure = figure_of(stack, run)
    (trace,) = lines(figure)[0].traces
    assert trace.x == (1, 2, 3, 4) and trace.lost == (3,)
    assert math.isnan(trace.y[2]) and trace.y[3] == 0.25
    assert any("NaN" in note for note in figure.notes)


def test_a_spike_of_one_step_in_very_many_is_kept(tmp_path: Path, stack: ExitStack) -> None:
    values = [1.0] * 50_000
    values[31_234], values[40_000] = 77.0, -5.0
    (panel,) = lines(figure_of(stack, recorded_run(tmp_path, "one", {"train/loss": values})))
    trace = panel.traces[0]
    assert len(trace.x) <= 1000
    assert (max(trace.high), min(trace.low)) == (77.0, -5.0)


def test_noise_is_smoothed_in_front_of_what_was_measured(tmp_path: Path, stack: ExitStack) -> None:
    source = random.Random(0)
    noisy = [math.exp(-step / 100) + source.gauss(0, 0.1) for step in range(300)]
    run = recorded_run(tmp_path, "one", {"train/loss": noisy})
    behind, front = lines(figure_of(stack, run))[0].traces
    assert behind.faint and not behind.label and behind.y == pytest.approx(noisy)
    apart = [abs(front.y[step] - math.exp(-step / 100)) for step in range(50, 300)]
    assert max(apart) < 0.2 and front.label == "train"
    assert len(lines(figure_of(stack, run, smoothing=0.0))[0].traces) == 1


@pytest.mark.parametrize(
    ("values", "is_smoothed"),
    [
        ([step / 100 for step in range(100)], False),
        ([math.exp(-step / 5) for step in range(100)], False),
        ([float(step % 2) for step in range(100)], True),
        ([float(step % 2) for step in range(10)], False),
        ([1.0] * 100, False),
        ([math.nan] * 100, False),
    ],
    ids=["slope", "decay", "noise", "few", "constant", "nothing"],
)
def test_only_noise_asks_for_smoothing(values: list[float], is_smoothed: bool) -> None:
    assert (smoothing_for(values) > 0) == is_smoothed


def test_the_legend_says_only_what_differs(tmp_path: Path, stack: ExitStack) -> None:
    runs = [
        recorded_run(
            tmp_path, f"run{n}", {"val/loss": LOSS}, f"[optimizer]\nlr = {n}\nbetas = [0.9, 0.99]\n"
        )
        for n in (1, 2)
    ]
    assert figure_of(stack, *runs).legend == (("lr=1", 0), ("lr=2", 1))
    alike = [recorded_run(tmp_path, name, {"val/loss": LOSS}) for name in ("a", "b")]
    assert [label for label, _ in figure_of(stack, *alike).legend] == ["a", "b"]
    mixed = [label for label, _ in figure_of(stack, *runs, runs[0]).legend]
    assert len(set(mixed)) == 2 and mixed[1] == "lr=2"


def test_twenty_runs_all_look_different(tmp_path: Path, stack: ExitStack) -> None:
    runs = [
        recorded_run(tmp_path, f"r{n}", {"train/loss": LOSS, "val/loss": LOSS}, f"seed = {n}\n")
        for n in range(20)
    ]
    figure = figure_of(stack, *runs)
    assert [panel.title for panel in lines(figure)] == ["train/loss", "val/loss"]
    assert len({style for _, style in figure.legend}) == 20 <= STYLES
    assert [label for label, _ in figure.legend] == [f"seed={n}" for n in range(20)]


def test_steps_lie_on_an_axis_of_epochs_or_of_time(tmp_path: Path, stack: ExitStack) -> None:
    run = recorded_run(tmp_path, "one", {"val/loss": LOSS})
    (panel,) = lines(figure_of(stack, run, axis="time"))
    assert panel.axis == "time"
    assert panel.traces[0].place("time") == pytest.approx([0.01, 0.02, 0.03, 0.04])
    assert panel.traces[0].place("epoch") == pytest.approx([0.25, 0.5, 0.75, 1.0])


def test_metrics_are_chosen_by_name_last_part_or_pattern(tmp_path: Path, stack: ExitStack) -> None:
    points = dict.fromkeys(("train/loss", "val/loss", "val/accuracy", "lr"), LOSS)
    run = recorded_run(tmp_path, "one", points)
    chosen = {
        ("loss",): {"train/loss", "val/loss"},
        ("val/*",): {"val/loss", "val/accuracy"},
        ("acc*",): {"val/accuracy"},
        ("lr", "val/loss"): {"lr", "val/loss"},
    }
    for wanted, names in chosen.items():
        panels = lines(figure_of(stack, run, metrics=wanted))
        assert sum(len(panel.traces) for panel in panels) == len(names)
    with pytest.raises(UsageError, match=r"--metric lost: .* one of train/loss, val/loss, val/acc"):
        figure_of(stack, run, metrics=("lost",))


def test_what_was_done_to_a_run_stands_on_its_curves(tmp_path: Path, stack: ExitStack) -> None:
    run = recorded_run(tmp_path, "one", {"val/loss": LOSS})
    changed = m.SettingChanged(6.0, 3, "optimizer.lr", 0.1, 0.01)
    with RunWriter(run) as writer:
        writer.begin_attempt(6.0)
        writer.record([Numbered(2, 1, changed)])
    (panel,) = lines(figure_of(stack, run))
    assert (3, "lr 0.0100") in [(event.step, event.text) for event in panel.events]
    assert not lines(figure_of(stack, run, recorded_run(tmp_path, "two", {"val/loss": LOSS})))[
        0
    ].events


def test_of_very_many_metrics_it_is_told_how_many_are_left_out(
    tmp_path: Path, stack: ExitStack
) -> None:
    run = recorded_run(tmp_path, "one", {f"train/layer{n}": [1.0] for n in range(60)})
    figure = figure_of(stack, run)
    assert len(figure.panels) == 48
    assert "12 more charts are left out: name metrics with --metric" in figure.notes


def test_a_run_without_metrics_is_refused(tmp_path: Path, stack: ExitStack) -> None:
    with pytest.raises(UsageError, match="no metric is on record yet"):
        figure_of(stack, recorded_run(tmp_path, "one", {}))
