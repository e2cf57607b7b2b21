"""A run's interruptions over time: none is hidden, and all of the time is accounted for."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tuitrain.analysis.lives import stretches
from tuitrain.runs.rows import AttemptRow, StateRow
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.run.lives import life_lines
from tuitrain.view.spans import line_width, plain_text

ASCII = TerminalStyle(ascii=True, colour=False)


def state(time: float, name: str, reason: str = "") -> StateRow:
    return StateRow(time, name, reason, None, "")


STATES = [
    state(0, "queued"),
    state(5, "queued", "place 1 of 1"),
    state(10, "starting"),
    state(12, "running"),
    state(30, "paused"),
    state(40, "running"),
    # Killed at 50: no state says so, the next worker's begin does.
    state(70, "starting"),
    state(75, "running"),
    state(100, "finished"),
]
ATTEMPTS = [AttemptRow(1, 10.0, 1, 50.0), AttemptRow(2, 70.0, 2, 100.0)]


def test_each_part_of_the_time_is_told_for_what_it_was() -> None:
    found = [(each.kind, each.start, each.end) for each in stretches(STATES, ATTEMPTS, 100.0)]
    assert found == [
        ("queued", 5, 10),
        ("worked", 10, 30),
        ("paused", 30, 40),
        ("worked", 40, 50),
        ("down", 50, 70),
        ("worked", 70, 100),
    ]


def test_the_strip_shows_an_interruption_however_short_it_was() -> None:
    attempts = [AttemptRow(1, 0.0, 1, 5000.0), AttemptRow(2, 5001.0, 2, None)]
    found = stretches([state(0, "running")], attempts, 10_000.0)
    strip, legend = life_lines(found, 2, 20, ASCII)
    assert plain_text(strip) == "##########_#########"
    assert plain_text(legend) == "2 workers  # at work 2h 46m  _ without a worker 1.0 s"
    assert life_lines(stretches([], attempts[:1], 5000.0), 1, 20, ASCII) == []
    assert life_lines([], 0, 20, ASCII) == []


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 50)), min_size=1, max_size=6),
    st.lists(
        st.tuples(st.floats(0, 500), st.sampled_from(["queued", "running", "paused", "stopped"])),
        max_size=8,
    ),
    st.integers(1, 60),
)
def test_no_time_is_lost_or_counted_twice(
    lives: list[tuple[float, float]], turns: list[tuple[float, str]], width: int
) -> None:
    at, attempts = 0.0, []
    for number, (gap, length) in enumerate(lives, 1):
        attempts.append(AttemptRow(number, at + gap, number, at + gap + length))
        at += gap + length
    states = [state(time, name, "why") for time, name in sorted(turns)]
    found = stretches(states, attempts, at)
    for before, after in pairwise(found):
        assert before.end == after.start
        assert before.kind != after.kind
    lines = life_lines(found, len(attempts), width, ASCII)
    assert all(line_width(line) == width for line in lines[:1])
