"""Pictures of evaluations: their figures, and what each kind of task has none of."""

import numpy as np
import pytest

from tests.plots.makers import classified, evaluation, measured
from tuitrain.errors import UsageError
from tuitrain.plots.evaluated import evaluated_figure
from tuitrain.plots.panels import LinePanel, MatrixPanel
from tuitrain.plots.pictures import worst_samples

CLASSES = evaluation(classified())
NUMBERS = evaluation(
    measured(np.array([[0.0], [1], [2]]), np.array([[0.1], [np.nan], [1.5]])), "regression"
)


def test_a_confusion_table_counts_every_sample() -> None:
    (panel,) = evaluated_figure("confusion", [CLASSES], ["one"]).panels
    assert isinstance(panel, MatrixPanel)
    assert sum(map(sum, panel.counts)) == 120 and panel.names == ("class 0", "class 1", "class 2")


def test_of_very_many_classes_those_with_the_most_mistakes_are_shown() -> None:
    many = evaluation(classified(600, 50))
    (panel,) = evaluated_figure("confusion", [many], ["one"]).panels
    assert isinstance(panel, MatrixPanel)
    assert len(panel.counts) == 40 and "40 of 50 classes" in panel.note
    figure = evaluated_figure("roc", [many], ["one"])
    assert len(figure.legend) == 11 and "shown are the 10 worst" in figure.legend[0][0]


@pytest.mark.parametrize("what", ["roc", "pr"])
def test_ranking_curves_have_a_class_each_and_their_mean(what: str) -> None:
    figure = evaluated_figure(what, [CLASSES], ["one"])
    (panel,) = figure.panels
    assert isinstance(panel, LinePanel)
    assert [trace.label.partition(",")[0] for trace in panel.traces] == [
        "mean", "class 0", "class 1", "class 2",
    ]  # fmt: skip
    assert len({style for _, style in figure.legend}) == 4
    both = evaluated_figure(what, [CLASSES, evaluation(classified(seed=1))], ["a", "b"])
    assert [label.partition(",")[0] for label, _ in both.legend] == ["a", "b"]


def test_calibration_has_its_error_and_how_many_samples_there_are() -> None:
    right, often = evaluated_figure("calibration", [CLASSES], ["one"]).panels
    assert isinstance(right, LinePanel) and isinstance(often, LinePanel)
    assert right.traces[0].label.startswith("ECE 0.") and right.diagonal
    assert sum(often.traces[0].y) == pytest.approx(1)


def test_residuals_leave_out_what_is_not_finite_and_say_so() -> None:
    (panel,) = evaluated_figure("residuals", [NUMBERS], ["one"]).panels
    assert isinstance(panel, LinePanel)
    assert panel.traces[0].x == (0, 2) and panel.traces[0].y == (0.1, 1.5)
    assert panel.note == "mean absolute error 0.3000; 1 predictions are not finite"


def test_of_very_many_outputs_the_first_are_drawn_and_it_is_told_how_many_there_are() -> None:
    many = evaluation(measured(np.ones((4, 30)), np.zeros((4, 30))), "regression")
    panels = evaluated_figure("residuals", [many], ["one"]).panels
    assert len(panels) == 12
    assert isinstance(panels[0], LinePanel) and panels[0].title == "output 0 of 30"


@pytest.mark.parametrize(
    ("what", "one", "sentence"),
    [
        ("roc", NUMBERS, "trains regression, whose targets are numbers"),
        ("confusion", NUMBERS, "for tasks whose targets are classes"),
        ("calibration", NUMBERS, "for tasks whose targets are classes"),
        ("residuals", CLASSES, "for tasks whose targets are numbers"),
        ("pr", evaluation(classified(9, 1)), "have one and the same class"),
    ],
)
def test_what_a_task_has_not_is_refused_in_a_sentence(
    what: str, one: object, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        evaluated_figure(what, [one], ["one"])  # type: ignore[list-item]


def test_the_worst_samples_are_wrong_and_the_surest_first() -> None:
    found = classified()
    worst = worst_samples(found, 5)
    scores, targets = found.arrays["scores"], found.arrays["targets"]
    assert all(scores[n].argmax() != targets[n] for n in worst)
    far = measured(np.zeros((4, 1)), np.array([[1.0], [5.0], [2.0], [0.0]]))
    assert worst_samples(far, 2) == [1, 2]
