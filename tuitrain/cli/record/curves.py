"""A run's curves as characters, once: for a pipe, a mail or a message.

Knows the size and what is asked for; what is drawn is what the run screen draws.
"""

import shutil
from typing import TYPE_CHECKING

from tuitrain.errors import UsageError

if TYPE_CHECKING:
    from tuitrain.runs.reader import RunReader

_WIDTH = 80
_HEIGHT = 12


def curve_block(reader: "RunReader", pattern: str) -> str:
    """Return the charts of a run, one below the other; train and validation share one.

    Args:
        reader: of the run.
        pattern: part of the metrics' names, or a regular expression; empty: all.

    Raises:
        UsageError: no metric is called so.
        RecordError: the record can't be read.
    """
    from tuitrain.cli.inspect.asking import plain_look
    from tuitrain.ui.charting import build_chart, request_for
    from tuitrain.ui.curve_choices import Choices, group_metrics
    from tuitrain.ui.feeds.run import read_snapshot
    from tuitrain.view.chart.chart import draw_chart
    from tuitrain.view.chart.figure import Size
    from tuitrain.view.spans import plain_text

    width = shutil.get_terminal_size((_WIDTH, 24)).columns
    choices = Choices(pattern=pattern)
    snapshot = read_snapshot(reader, request_for(choices, width))
    groups = group_metrics(snapshot.metric_names, choices)
    if pattern and not groups:
        known = ", ".join(snapshot.metric_names) or "none yet"
        raise UsageError(f"--metrics {pattern!r}: no metric is called so; there are {known}")
    style = plain_look()
    blocks = []
    for title, metrics in groups:
        chart = build_chart(snapshot, (), metrics, choices)
        drawn = draw_chart(chart, Size(width, _HEIGHT), style).lines
        blocks.append("\n".join([title, *map(plain_text, drawn)]))
    return "\n\n".join(blocks) or f"{reader.directory.id} has no point of a metric yet"
