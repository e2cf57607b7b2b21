"""Failures and diagnoses as lines: they fit, and nothing in them acts on a terminal."""

import pytest

from tuitrain.analysis.diagnosis.diagnosis import Advice, Diagnosis, Evidence
from tuitrain.failures.explain import Failure, explain
from tuitrain.failures.table import FAILURES
from tuitrain.failures.traces import Place
from tuitrain.view.run.diagnosis import diagnosis_details, diagnosis_line, diagnosis_note
from tuitrain.view.run.failure import failure_block, failure_details, failure_line, failure_note
from tuitrain.view.spans import line_width, plain_text

EVIL = "\x1b]0;title\x07"


@pytest.mark.parametrize("width", [60, 80, 132, 200])
def test_a_note_takes_two_lines_at_the_most_and_says_which_key_tells_more(width: int) -> None:
    for kind in FAILURES:
        failure = Failure(kind.name, "line", None, kind.meaning, kind.advice)
        lines = failure_note([failure], width)
        assert 1 <= len(lines) <= 2
        assert all(line_width(line) <= width for line in lines)
        assert plain_text(lines[-1]).endswith("  (A: what to do)")
    assert failure_note([], width) == []


def test_what_is_left_out_of_a_note_ends_in_dots() -> None:
    [failure] = explain("RuntimeError: CUDA error: out of memory")
    assert plain_text(failure_note([failure], 60)[1]).endswith("...  (A: what to do)")
    assert "..." not in plain_text(failure_note([failure], 200)[-1])


@pytest.mark.parametrize("width", [60, 80])
def test_details_fit_and_nothing_from_a_log_acts_on_the_terminal(width: int) -> None:
    failure = Failure("error", f"KeyError: {EVIL}", Place(f"/a/{EVIL}.py", 3, EVIL, EVIL), EVIL,
                      (EVIL,))  # fmt: skip
    diagnosis = Diagnosis(
        "overfitting", "warning", f"overfits {EVIL} {'word ' * 40}", 9,
        (Evidence(EVIL, 3, 0.5),), (Advice(f"do {EVIL} {'this ' * 30}", "C", f"run {EVIL}"),),
    )  # fmt: skip
    for line in (*failure_details(failure, width), *diagnosis_details(diagnosis, width)):
        assert line_width(line) <= width
        assert "\x1b" not in plain_text(line)
    for text in (
        failure_block([failure, failure]),
        plain_text(failure_line(failure)),
        plain_text(diagnosis_line(diagnosis)),
        plain_text(diagnosis_note([diagnosis], width)[0]),
    ):
        assert "\x1b" not in text


def test_information_is_listed_quietly_and_notes_of_it_are_left_out() -> None:
    found = Diagnosis("noisy validation", "info", "few samples", 9, (), ())
    assert diagnosis_note([found], 80) == []
    assert diagnosis_line(found)[2].style == "quiet"
