"""What a model took samples for, and which it did worst on."""

import numpy as np
import pytest

from tests.analysis.test_evaluation import SCORES, TRUE, classified, numbers
from tuitrain.analysis.evaluation import Evaluated, make_report
from tuitrain.analysis.mistakes import (
    MOST_ROWS,
    Judged,
    class_rows,
    judge,
    likeliest,
    overlap_rows,
    worst_rows,
)
from tuitrain.analysis.statistics.calibration import softmax


@pytest.fixture
def judged() -> Judged:
    found = judge(classified())
    assert found is not None
    return found


def test_the_confusion_is_that_of_the_scores_and_its_cells_hold_their_samples(
    judged: Judged,
) -> None:
    table = judged.confusion()
    assert table.sum() == len(TRUE)
    for true in range(3):
        for predicted in range(3):
            chosen = judged.in_cell(true, predicted)
            assert len(chosen) == table[true, predicted]
            assert (TRUE[chosen] == true).all()
            assert (SCORES[chosen].argmax(1) == predicted).all()


def test_wrong_samples_come_surest_first_and_right_ones_least_sure_first(judged: Judged) -> None:
    sure = softmax(SCORES).max(1)
    for numbers_, falls in ((judged.in_cell(0, 1), True), (judged.in_cell(1, 1), False)):
        shares = sure[numbers_].tolist()
        assert shares == sorted(shares, reverse=falls)
    wrong = judged.wrong()
    assert len(wrong) == (SCORES.argmax(1) != TRUE).sum()
    assert sure[wrong].tolist() == sorted(sure[wrong].tolist(), reverse=True)


def test_the_mistakes_with_a_class_are_of_it_or_were_taken_for_it(judged: Judged) -> None:
    table = judged.confusion()
    expected = table[2].sum() + table[:, 2].sum() - 2 * table[2, 2]
    assert len(judged.mistaken(2)) == expected


def test_the_worst_rows_begin_as_the_report_does(judged: Judged) -> None:
    found = classified()
    rows, reported = worst_rows(found, judged), make_report(found)["worst"]
    assert [row.number for row in rows[: len(reported)]] == [row["sample"] for row in reported]
    assert rows[0].value == pytest.approx(reported[0]["probability"])
    assert (rows[0].true, rows[0].predicted) == (reported[0]["true"], reported[0]["predicted"])


def test_of_numbers_the_largest_errors_are_worst() -> None:
    found = numbers(np.array([0.5, -3.0, 1.0]))
    assert judge(found) is None
    rows = worst_rows(found, None)
    assert [row.number for row in rows] == [1, 2, 0]
    assert (rows[0].true, rows[0].predicted, rows[0].value) == ("2.5", "-0.5", 3.0)


def test_where_targets_are_neither_the_loss_says_which_are_worst() -> None:
    arrays = {"loss": np.array([0.1, 0.9, 0.4]), "weight": np.ones(3)}
    found = Evaluated("tokens", {"val/loss": 0.5}, (), None, arrays, ["a", "b", "c"])
    assert [(row.name, row.measure) for row in worst_rows(found, None)] == [
        ("b", "loss"), ("c", "loss"), ("a", "loss"),
    ]  # fmt: skip


def test_the_pixels_of_a_class_are_held_against_each_other_where_it_is() -> None:
    arrays = {
        "both": np.array([[4], [1], [0]]), "true": np.array([[4], [3], [0]]),
        "predicted": np.array([[4], [2], [0]]), "loss": np.zeros(3),
    }  # fmt: skip
    found = Evaluated("pixels", {"val/loss": 0.0}, ("cat",), None, arrays, None)
    assert [(row.number, row.value) for row in overlap_rows(found, 0)] == [(1, 0.25), (0, 1.0)]


def test_a_list_is_no_longer_than_somebody_walks_through(judged: Judged) -> None:
    everything = range(len(TRUE))
    assert len(class_rows(classified(), judged, everything)) == min(len(TRUE), MOST_ROWS)


def test_the_likeliest_classes_of_a_sample_are_those_of_its_scores() -> None:
    found = likeliest(classified(), 7, 2)
    shares = softmax(SCORES[7:8])[0]
    assert found[0] == (int(shares.argmax()), pytest.approx(shares.max()))
    assert found[0][1] >= found[1][1]
