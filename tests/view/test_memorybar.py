from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.readings import GIB, readings
from tuitrain.analysis.memory_breakdown import MemoryBreakdown, MemoryPart, memory_breakdowns
from tuitrain.view.bars import stacked_bar
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.memory.bar import bar_lines, bar_spans, detail_text, title_text
from tuitrain.view.spans import line_width

LOOKS = (TerminalStyle(), TerminalStyle(ascii=True, colour=False))


@given(readings(), st.sampled_from(["gpu0", None]), st.integers(1, 90), st.sampled_from(LOOKS))
def test_a_bar_takes_exactly_its_width_whatever_is_read(
    samples: dict[str, float], training: str | None, width: int, look: TerminalStyle
) -> None:
    for bar in memory_breakdowns(samples, {}, training):
        assert line_width(bar_spans(bar, width, look)) == width
        assert bar_lines(bar, width, look)


def test_a_bar_without_anything_is_empty() -> None:
    assert stacked_bar([], 0, 5, TerminalStyle())


def test_who_uses_a_memory_is_told_harmlessly() -> None:
    two = MemoryPart("others", 5 * GIB, owners=(("alice", 4 * GIB), ("b\x1bob", GIB)))
    assert detail_text(two) == "alice 4.00 GiB, b\\x1bob 1.00 GiB"
    assert detail_text(MemoryPart("others", 1, owners=(("\x1bme", 1),))) == "\\x1bme"
    assert detail_text(MemoryPart("loaders", 1, processes=4)) == "4 processes"
    assert detail_text(MemoryPart("free", 1)) == ""
    assert title_text(MemoryBreakdown("gpu0", "GPU 0 X\x1b[2J", 1, ())) == "GPU 0 X\\x1b[2J"
