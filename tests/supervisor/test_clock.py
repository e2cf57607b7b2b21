"""Times of one attempt come from a clock that nobody sets, whatever becomes of that of the day."""

import pytest

from tests.supervisor.workers import numbered
from tuitrain import messages as m
from tuitrain.supervisor.clock import SteadyClock
from tuitrain.supervisor.intake import Intake

DAY_S = 86_400.0
BEGUN = 1_000_000.0


class Clocks:
    """The time of day and the steady clock of a machine."""

    def __init__(self) -> None:
        self.gone_s = 0.0
        self.stepped_s = 0.0

    def wall(self) -> float:
        return BEGUN + self.gone_s + self.stepped_s

    def steady(self) -> float:
        return 17.0 + self.gone_s


@pytest.mark.parametrize("stepped_s", [-10 * DAY_S, 10 * DAY_S])
def test_a_clock_that_is_set_moves_no_time_of_an_attempt(stepped_s: float) -> None:
    clocks = Clocks()
    clock = SteadyClock(clocks.wall, clocks.steady)
    intake = Intake(clock)

    def told(at: float, gone_s: float) -> float:
        """Return the time on record of an event of time `at` that comes in after `gone_s`."""
        clocks.gone_s = gone_s
        [item], _ = intake.take(numbered(m.TrainingContinued(at, 5)))
        event = item.event
        assert isinstance(event, m.TrainingContinued)
        return event.time

    assert told(BEGUN + 3.5, 4.0) == BEGUN + 3.5
    before = clocks.wall()
    clocks.stepped_s = stepped_s
    # Said before the clock was set, and heard after it: the time that it came in.
    assert told(before, 4.2) == pytest.approx(BEGUN + 4.2)
    assert told(BEGUN + 7.5 + stepped_s, 8.0) == pytest.approx(BEGUN + 7.5)
    assert clock() == pytest.approx(BEGUN + 8.0)
    clocks.stepped_s = 0.0
    assert told(BEGUN + 9.0, 9.0) == BEGUN + 9.0
