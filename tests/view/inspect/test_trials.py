"""The curve of a range test and the table of batch sizes."""

from typing import Any

import pytest

from tests.view.inspect.golden import check_lines
from tuitrain.analysis.batch_size import RULE as SIZE_RULE
from tuitrain.analysis.batch_size import choose_sizes
from tuitrain.analysis.learning_rate import RULE, suggest_rate
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.inspect.trials import rate_lines, size_lines


def swept(steps: int) -> dict[str, Any]:
    rates = [1e-6 * 10 ** (place / 15) for place in range(steps)]
    losses = [2.3 - 1.5 * rate / (rate + 1e-3) + (rate * 3) ** 3 for rate in rates]
    found = suggest_rate(rates, losses)
    return {
        "rates": rates, "losses": losses, "smoothed": list(found.smoothed), "batch_size": 64,
        "suggestion": found.rate, "reason": found.reason, "rule": RULE, "spent_s": 2.5,
        "device": "cpu", "stopped": "the loss is nan at a rate of 1.2",
    }  # fmt: skip


@pytest.mark.parametrize(("width", "ascii"), [(80, False), (60, True)])
def test_the_curve_is_over_powers_of_ten_with_its_suggestion(width: int, ascii: bool) -> None:
    lines = rate_lines(swept(90), width, TerminalStyle(ascii=ascii, colour=False))
    check_lines(f"rates-{width}", lines, width)


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_too_few_steps_suggest_nothing_and_say_so(steps: int) -> None:
    lines = rate_lines(swept(steps), 60, TerminalStyle(colour=False))
    assert "too few to tell" in "".join(span.text for line in lines for span in line)


@pytest.mark.parametrize("width", [80, 60])
def test_sizes_are_a_row_each_and_what_does_not_fit_says_why(width: int) -> None:
    tried = [
        {"batch_size": 8, "fits": True, "memory_bytes": 10**6, "step_s": 0.01,
         "samples_per_s": 800.0, "note": ""},
        {"batch_size": 16, "fits": True, "memory_bytes": 2 * 10**6, "step_s": 0.0101,
         "samples_per_s": 1584.0, "note": ""},
        {"batch_size": 32, "fits": False, "memory_bytes": None, "step_s": None,
         "samples_per_s": None, "note": "out of memory"},
    ]  # fmt: skip
    answer = {
        "tried": tried, "device": "cuda:0", "room_bytes": 10**10, "margin": 0.9, "spent_s": 4.0,
        "training_samples": 1000, "stopped": "", "rule": SIZE_RULE, **choose_sizes(tried),
    }  # fmt: skip
    check_lines(f"sizes-{width}", size_lines(answer, width), width)
    none = {**answer, "largest": None, "tried": tried[2:]}
    assert "no batch size fits" in size_lines(none, width)[-1][0].text
