"""Whether two runs are the same: by the bytes of their tensors, and by their metrics."""

import math
import zipfile
from pathlib import Path

import pytest

from tests.ui.makers import falling, new_run, train
from tuitrain.analysis.reproduction import Match, MetricMatch, _match, compare_runs, tensors_digest
from tuitrain.runs.reader import RunReader


def checkpoint(path: Path, weights: bytes, note: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", note)
        archive.writestr("archive/data/0", weights)
        archive.writestr("archive/data/1", b"moments")
        archive.writestr("archive/.data/serialization_id", note)
    return path


def test_tensors_are_compared_and_what_is_beside_them_is_not(tmp_path: Path) -> None:
    one = checkpoint(tmp_path / "1.pt", b"abc", b"on Monday")
    two = checkpoint(tmp_path / "2.pt", b"abc", b"on Tuesday")
    other = checkpoint(tmp_path / "3.pt", b"abd", b"on Monday")
    assert tensors_digest(one) == tensors_digest(two) != tensors_digest(other)


def test_metrics_are_compared_at_the_steps_that_both_have() -> None:
    before = {1: 1.0, 2: 2.0, 3: math.nan, 4: math.inf}
    assert _match("m", before, [(1, 1.0), (3, math.nan), (4, math.inf), (9, 5.0)]) == MetricMatch(
        "m", 3, None, 0.0
    )
    found = _match("m", before, [(1, 1.0), (2, 2.0 + 2e-7)])
    assert found is not None
    assert (found.first_step, found.most) == (2, pytest.approx(1e-7, rel=1e-3))
    bad = _match("m", before, [(3, 0.5)])
    assert bad is not None
    assert bad.most == math.inf
    assert _match("m", before, [(7, 1.0)]) is None


@pytest.mark.parametrize(
    ("same", "metrics", "verdict"),
    [
        (True, (MetricMatch("m", 5, None, 0.0),), "same"),
        (None, (MetricMatch("m", 5, None, 0.0),), "same"),
        (False, (MetricMatch("m", 5, 3, 1e-8),), "within"),
        (False, (MetricMatch("m", 5, 3, 1e-3),), "differs"),
        (False, (MetricMatch("m", 5, None, 0.0),), "within"),
        (None, (), "differs"),
    ],
)
def test_the_verdict_needs_something_that_was_compared(
    same: bool | None, metrics: tuple[MetricMatch, ...], verdict: str
) -> None:
    assert Match(3, same, metrics).verdict(1e-6) == verdict


def test_records_of_two_runs_are_held_against_each_other(tmp_path: Path) -> None:
    runs = [new_run(tmp_path / "runs", name) for name in ("one", "two", "three")]
    for run, losses in zip(runs, (falling(60), falling(60), [*falling(60)[:59], 9.0]), strict=True):
        train(run, losses)
    with RunReader(runs[0]) as one, RunReader(runs[1]) as two, RunReader(runs[2]) as three:
        assert compare_runs(one, two).verdict(0.0) == "same"
        found = compare_runs(one, three)
    [loss] = [each for each in found.metrics if each.first_step is not None]
    assert (loss.name, loss.first_step) == ("train/loss", 60)
