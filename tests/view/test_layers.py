import math

import pytest

from tuitrain.analysis.layers import LayerRow, Layers
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.run.layers import layers_table, state_words
from tuitrain.view.spans import line_width, plain_text

ROWS = (
    LayerRow("a", {"activation": 1.0, "gradient": 0.0, "weight": 2.0, "dead": 0.97}),
    LayerRow("b\x1b[H" + "c" * 90, {"activation": math.nan, "dead": 0.6}),
)


@pytest.mark.parametrize("width", [30, 60, 80, 200])
def test_the_table_fits_and_what_layers_are_called_is_harmless(width: int) -> None:
    lines = layers_table(Layers(ROWS, 5, 2), width, TerminalStyle())
    assert len(lines) == 3
    assert all(line_width(line) == width for line in lines)
    assert not any("\x1b" in plain_text(line) for line in lines)


def test_dead_units_gradients_of_nothing_and_what_is_not_finite_stand_out() -> None:
    lines = layers_table(Layers(ROWS, 5, 2), 80, TerminalStyle())
    styles = [{span.text.strip(): span.style for span in line} for line in lines[1:]]
    assert (styles[0]["97%"], styles[0]["0.0000"], styles[0]["1.000"]) == ("bad", "alert", "")
    assert (styles[1]["60%"], styles[1]["nan"]) == ("alert", "bad")
    assert layers_table(Layers(), 80, TerminalStyle()) == []


def test_words_say_when_was_measured_and_when_it_will_be() -> None:
    assert state_words(Layers(ROWS, 1200, 50)) == "every 50 steps, last at step 1,200"
    assert state_words(Layers()) == "not measured now"
