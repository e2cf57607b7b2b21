import time
from dataclasses import replace

import pytest

from tuitrain.runs.rows import AlertRow, JobLimit, MarkRow, SpeedRow, StateRow
from tuitrain.runs.summary import RunSummary
from tuitrain.view.run.runtext import happenings, setting_lines, speed_values, top_parts
from tuitrain.view.spans import SpanLine, line_width

SUMMARY = RunSummary(
    id="20261121-0412-demo-abc", name="demo-abc", preset="demo", state="finished",
    reason="40 epochs done", created=1.0, started=2.0, ended=66.0, duration_s=64.0, step=100,
    total_steps=100, epoch=10.0, best_metric=None, best_value=None, device="cpu", path="/runs/demo",
)  # fmt: skip


def text(line: SpanLine) -> str:
    return "".join(span.text for span in line)


def top(summary: RunSummary, live: bool, width: int = 80) -> str:
    left, right = top_parts(
        summary, live=live, epochs=10, left_s=None, alerts=1, waiting="", width=width
    )
    assert line_width((*left, *right)) <= width
    return text((*left, *right))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_run_that_ended_says_how_long_it_ran(width: int) -> None:
    assert "100%  ran for 1m 04s  1 alert " in top(SUMMARY, False, width)
    assert "ran for" not in top(replace(SUMMARY, state="running"), True, width)


def test_everything_happened_once_a_pause_and_its_end_too() -> None:
    states = [
        StateRow(1.0, "running", "", 0, ""),
        StateRow(2.0, "paused", "by command", 60, ""),
        StateRow(3.0, "running", "", 60, ""),
        StateRow(9.0, "finished", "all epochs", 100, ""),
    ]
    marks = [MarkRow(60, 2.0, "pause", "by command"), MarkRow(60, 3.0, "continue", "")]
    alerts = [AlertRow(100, 9.1, "ended", "the run is finished: all epochs")]
    assert [item.text for item in happenings(states, marks, alerts, [])] == [
        "running",
        "step 60: paused: by command",
        "step 60: continued",
        "finished: all epochs",
    ]


def test_a_loss_that_no_state_tells_of_is_told() -> None:
    alerts = [AlertRow(100, 50.0, "ended", "the run was lost: its supervisor was killed")]
    assert len(happenings([StateRow(1.0, "running", "", 0, "")], [], alerts, [])) == 2


def test_a_changed_setting_has_the_step_that_its_command_was_answered_with() -> None:
    mark = MarkRow(120, 2.0, "setting", "optimizer.lr 0.001 -> 0.0003")
    (item,) = happenings([], [mark], [], [])
    assert item.text == "optimizer.lr 0.001 -> 0.0003 from step 121 on"


def test_what_is_only_information_is_not_called_an_alert() -> None:
    rows = [AlertRow(1, 1.0, "plateau", "no better"), AlertRow(2, 2.0, "hang", "no step")]
    assert [item.text for item in happenings([], [], rows, [])] == [
        "info: no better",
        "alert: no step",
    ]


def test_settings_are_written_as_toml_and_none_is_cut() -> None:
    config = {"train": {"compile": True}, "data": {"name": "digits", "augment": ["hflip", "crop"]}}
    said = [text(line) for line in setting_lines(config, 18)]
    assert said == [
        "train.compile true",
        'data.name "digits"',
        "data.augment",
        '  ["hflip",',
        '  "crop"]',
    ]
    assert text(setting_lines(config, 30)[1]) == 'data.name "digits"'


def test_a_steps_time_and_the_samples_of_a_second_follow_from_each_other() -> None:
    assert speed_values(SpeedRow(250.0, 8000.0)) == {"step": "4.00 ms", "samples": "8.00k/s"}
    assert speed_values(None) == {}


@pytest.mark.parametrize(
    ("left_s", "width", "said"),
    [(30.0, 100, "30 s left "), (900.0, 100, "15m 00s left, at 11:15"),
     (900.0, 60, "15m 00s left "),
     (2 * 86400.0, 100, "2d 00h left, at Fri 11:00")],
)  # fmt: skip
def test_the_end_is_told_by_the_clock_where_it_is_some_way_off(
    monkeypatch: pytest.MonkeyPatch, left_s: float, width: int, said: str
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    now = 1_794_999_600.0
    _left, right = top_parts(
        replace(SUMMARY, state="running"), live=True, epochs=10, left_s=left_s, alerts=0,
        waiting="", width=width, ends=now + left_s,
    )  # fmt: skip
    assert said in text(right)
    job = JobLimit(now + left_s + 7200)
    left, right = top_parts(
        replace(SUMMARY, state="running"), live=True, epochs=10, left_s=left_s, alerts=0,
        waiting="", width=width + 60, ends=now + left_s, job=job,
    )  # fmt: skip
    assert ("job ends" in text(right)) == (left_s >= 60)
    assert line_width((*left, *right)) <= width + 60
    monkeypatch.undo()
    time.tzset()
