"""What a chart costs at 120x30: milliseconds of processor time, median, against the budget.

    python tests/benchmarks/bench_charts.py

Four ways, in turn in one run: `draw_chart` with its axes drawn anew, in braille and in ASCII, and
with axes that were drawn before, as when only the curves move; and the same curves as lines of
plotext itself, without marks or labels, for comparison.
"""

import math
import random
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

from tuitrain.view.chart.canvas import axes_text
from tuitrain.view.chart.chart import draw_chart
from tuitrain.view.chart.figure import Chart, Line, Mark, Size, TerminalStyle

SIZE = Size(120, 30)
COLUMNS = 120
LAST_STEP = 1_000_000
LINES = (1, 3, 8)
REPEATS = 40
BUDGET_MS = 12.0
BUDGET_LINES = 3


def noisy_line(slot: int) -> Line:
    """Return a falling loss as the record reduces it: a minimum and a maximum a column."""
    random_numbers = random.Random(slot)
    mean = [2 * math.exp(-3 * i / COLUMNS) + 0.2 * slot for i in range(COLUMNS)]
    return Line(
        label=f"run {slot}",
        x=tuple((i + 0.5) * LAST_STEP / COLUMNS for i in range(COLUMNS)),
        low=tuple(value - 0.1 * random_numbers.random() for value in mean),
        high=tuple(value + 0.1 * random_numbers.random() for value in mean),
        mean=tuple(mean),
        slot=slot,
    )


def chart_of(count: int) -> Chart:
    """Return a chart of so many lines with marks and a cursor."""
    marks = (Mark(4e5, "setting", "lr 3e-4"), Mark(6e5, "checkpoint"), Mark(8e5, "alert", "spike"))
    lines = tuple(noisy_line(slot) for slot in range(count))
    return Chart("loss", lines, (0, LAST_STEP), marks, cursor=5e5)


def draw_anew(chart: Chart, look: TerminalStyle) -> None:
    """Draw a chart whose axes were never drawn."""
    axes_text.cache_clear()
    draw_chart(chart, SIZE, look)


def draw_by_plotext(lines: tuple[Line, ...]) -> None:
    """Draw the same columns as braille lines of plotext."""
    import plotext

    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)
    plotext.plot_size(SIZE.width, SIZE.height)
    plotext.xaxes(True, False)
    plotext.yaxes(True, False)
    for line in lines:
        xs = [x for x in line.x for _ in range(2)]
        ys = [y for pair in zip(line.low, line.high, strict=True) for y in pair]
        plotext.plot(xs, ys, marker="braille", color=16 + line.slot)
    plotext.build()


def milliseconds(draw: Callable[[], object]) -> float:
    """Return the processor time of one call; other processes don't count."""
    start = time.process_time()
    draw()
    return (time.process_time() - start) * 1000


def measure(count: int) -> dict[str, float]:
    """Return the median of each way, measured in turn."""
    chart = chart_of(count)
    ways: dict[str, Callable[[], object]] = {
        "draw_chart, braille": partial(draw_anew, chart, TerminalStyle()),
        "draw_chart, ASCII": partial(draw_anew, chart, TerminalStyle(ascii=True)),
        "draw_chart, same axes": partial(draw_chart, chart, SIZE, TerminalStyle()),
        "plotext's own lines": partial(draw_by_plotext, chart.lines),
    }
    for draw in ways.values():
        draw()
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(REPEATS):
        for name, draw in ways.items():
            times[name].append(milliseconds(draw))
    return {name: statistics.median(each) for name, each in times.items()}


def main() -> int:
    """Print the table; return 1 where the budget is exceeded."""
    results = {count: measure(count) for count in LINES}
    print(f"{'ms per chart of 120x30':<24}" + "".join(f"{f'{n} lines':>10}" for n in LINES))
    for name in results[LINES[0]]:
        print(f"{name:<24}" + "".join(f"{results[n][name]:>10.1f}" for n in LINES))
    worst = max(time for name, time in results[BUDGET_LINES].items() if "draw_chart" in name)
    print(
        f"budget {BUDGET_MS} ms with {BUDGET_LINES} lines: {'OVER' if worst > BUDGET_MS else 'ok'}"
    )
    return int(worst > BUDGET_MS)


if __name__ == "__main__":
    sys.exit(main())
