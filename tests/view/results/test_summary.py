"""The first page and the top line of an evaluation."""

from typing import Any

from tests.analysis.test_evaluation import classified, numbers
from tests.view.evaluation.test_evaluation import ABOUT
from tuitrain.analysis.evaluation import make_report
from tuitrain.analysis.statistics.calibration import BINS
from tuitrain.view.results.summary import calibration_strip, summary_lines
from tuitrain.view.results.top import top_parts
from tuitrain.view.spans import plain_text

REPORT: dict[str, Any] = {**ABOUT, **make_report(classified()), "by": None}


def text(width: int = 78, *, live: bool = False) -> str:
    return "\n".join(plain_text(line) for line in summary_lines(REPORT, width, live=live))


def test_it_says_what_was_evaluated_and_every_figure_with_its_interval() -> None:
    said = text()
    assert "checkpoint best (step 1,200), ema weights" in said
    assert "240 samples of iris" in said
    for name in REPORT["metrics"]:
        assert name in said
    assert "95 % INTERVAL" in said
    assert "baseline, always b, the most frequent class of the training part" in said
    assert "calibration: ECE" in said


def test_control_characters_of_a_name_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in text() and "one\\x1b" in text()


def test_of_a_live_run_it_says_whose_weights_these_are() -> None:
    assert "the run is live: these are the weights of its checkpoint of step 1,200" in " ".join(
        text(live=True).split()
    )
    assert "live" not in text()


def test_no_line_is_wider_than_the_screen() -> None:
    lines = summary_lines(REPORT, 48, live=True)
    assert max(len(plain_text(line)) for line in lines) <= 48


def test_the_strip_has_a_sign_for_each_bin() -> None:
    bins = [(0.05, 0.05, 3), (0.5, 0.9, 4), (0.99, 0.5, 9)]
    words, *signs = plain_text(calibration_strip(bins)).split()
    assert (words, len(signs)) == ("sure", BINS)
    assert {place: sign for place, sign in enumerate(signs) if sign != "."} == {
        0: "=", 7: "+", 14: "-",
    }  # fmt: skip


def test_the_top_line_has_the_main_figure_and_its_interval_where_there_is_room() -> None:
    left, right = top_parts("run-1", REPORT, waiting=False, width=100)
    assert plain_text(left) == " run-1  best (step 1,200), ema weights"
    assert plain_text(right).startswith(" accuracy 0.") and "(" in plain_text(right)
    _left, right = top_parts("run-1", REPORT, waiting=False, width=60)
    assert "(" not in plain_text(right)
    assert plain_text(top_parts("r", None, waiting=True, width=60)[1]) == "evaluating"
    assert plain_text(top_parts("r", None, waiting=False, width=60)[1]) == "no evaluation"


def test_of_numbers_the_main_figure_is_r2() -> None:
    import numpy as np

    report = {**ABOUT, **make_report(numbers(np.linspace(-1, 1, 40))), "by": None}
    assert " r2 " in plain_text(top_parts("run", report, waiting=False, width=100)[1])
