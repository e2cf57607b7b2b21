"""A run's checkpoints as lines of text: a row each, and all that is known of one.

Pure functions from rows of the record to spans; knows nothing of files or screens.
"""

from collections.abc import Sequence
from pathlib import PurePosixPath

from tuitrain.lang import term, tr
from tuitrain.runs.rows import CheckpointRow
from tuitrain.units import NOTHING, age, duration, size
from tuitrain.view.format import display_width, metric_value, sanitise, shorten
from tuitrain.view.spans import Span, SpanLine

SHORT_DIGEST = 8
_MOST_NAMES = 24
_HEADINGS = (term("step"), "", term("size"), term("digest"), term("saved"), term("names"))
_RIGHT = (True, True, True, False, True, False)
_LABEL = 6


def newest_first(rows: Sequence[CheckpointRow]) -> list[CheckpointRow]:
    """Return the checkpoints in the order they are shown: those of the run as it stands first."""
    return sorted(rows, key=lambda row: (row.superseded, -row.step, -row.time))


def checkpoint_table(rows: Sequence[CheckpointRow], monitor: str, now: float) -> list[SpanLine]:
    """Return a heading and a line for each checkpoint.

    Args:
        rows: in the order they are shown.
        monitor: the metric in the second column.
        now: seconds since the epoch.
    """
    cells = [_cells(row, monitor, now) for row in rows]
    heads = (tr(_HEADINGS[0]), sanitise(monitor), *map(tr, _HEADINGS[2:]))
    widths = [max(map(display_width, column)) for column in zip(heads, *cells, strict=True)]
    lines = [_line(heads, widths, "quiet")]
    for row, line in zip(rows, cells, strict=True):
        lines.append(_line(line, widths, "quiet" if row.superseded else ""))
    return lines


def _cells(row: CheckpointRow, monitor: str, now: float) -> tuple[str, ...]:
    value = row.metrics.get(monitor)
    return (
        str(row.step),
        metric_value(value),
        size(row.size_bytes),
        sanitise(row.digest[:SHORT_DIGEST]) or NOTHING,
        age(now - row.time),
        shorten(sanitise(_words(row)), _MOST_NAMES),
    )


def _words(row: CheckpointRow) -> str:
    return ", ".join([*row.names, *([tr("superseded")] if row.superseded else [])])


def _line(cells: Sequence[str], widths: Sequence[int], style: str) -> SpanLine:
    padded = [
        " " * (width - display_width(cell)) + cell
        if right
        else cell + " " * (width - display_width(cell))
        for cell, width, right in zip(cells, widths, _RIGHT, strict=True)
    ]
    return (Span("  ".join(["", *padded])[1:], style),)


def checkpoint_details(row: CheckpointRow, now: float) -> list[SpanLine]:
    """Return all that is known of one checkpoint."""
    lines = [
        _fact(tr("file"), row.path),
        _fact(tr("step"), tr("{step}, saved {age}", step=row.step, age=age(now - row.time))),
        _fact(tr("size"), size(row.size_bytes)),
        _fact(tr("digest"), row.digest or tr("not known")),
        _fact(
            tr("names"),
            ", ".join(row.names) or tr("none: deleted once newer checkpoints replace it"),
        ),
        _fact(
            tr("cost"),
            tr(
                "training was held up for {held_up_s}, written in {write_s}",
                held_up_s=duration(row.held_up_s),
                write_s=duration(row.write_s),
            ),
        ),
    ]
    if row.superseded:
        words = tr("superseded: training was resumed from an earlier step since")
        lines.append((Span(f" {words}", "alert"),))
    widest = max(map(display_width, row.metrics), default=0)
    for name, value in sorted(row.metrics.items()):
        lines.append(_fact(name, metric_value(value), widest))
    return lines


def _fact(label: str, value: str, width: int = _LABEL) -> SpanLine:
    name = sanitise(label)
    gap = " " * max(2, width + 2 - display_width(name))
    return (Span(f" {name}{gap}", "quiet"), Span(sanitise(value)))


def file_name(path: str) -> str:
    """Return the name of a checkpoint's file, harmless."""
    return sanitise(PurePosixPath(path).name)
