"""A run against the job that it is in."""

import time

import pytest

from tuitrain.runs.rows import JobLimit
from tuitrain.view.jobtext import job_words

NOW = 1_794_999_600.0
"""11:00 in UTC."""


@pytest.mark.parametrize(
    ("job", "left_s", "words"),
    [
        (JobLimit(NOW + 7200), None, "the job ends 13:00"),
        (JobLimit(NOW + 7200), 1800, "finishes 11:30, the job ends 13:00"),
        (JobLimit(NOW + 90000), 1800, "finishes 11:30, the job ends Thu 12:00"),
        (JobLimit(NOW + 7200), 9600,
         "the job ends 40 min before it would finish; resume it afterwards"),
        (JobLimit(NOW + 7200, True), 9600,
         "the job ends 40 min before it would finish; it goes on after requeue"),
    ],
)  # fmt: skip
def test_the_end_of_the_job_is_held_against_the_runs_own(
    monkeypatch: pytest.MonkeyPatch, job: JobLimit, left_s: float | None, words: str
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    said = job_words(job, None if left_s is None else NOW + left_s, NOW)
    monkeypatch.undo()
    time.tzset()
    assert said == words
