"""What was tried with real steps: the curve of learning rates, the table of batch sizes.

Pure functions from answers to lines.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tuitrain.units import NOTHING, count, duration, short_time, size
from tuitrain.view.chart.chart import draw_chart
from tuitrain.view.chart.figure import Chart, Line, Mark, Size, TerminalStyle
from tuitrain.view.format import Align, table
from tuitrain.view.spans import Span, SpanLine, wrap_plain

_CHART_HEIGHT = 16
_WIDEST = 100
_HEADROOM = 1.5
"""The chart shows the loss up to so many times its fall: what diverges would flatten the rest."""


def rate_lines(answer: Mapping[str, Any], width: int, look: TerminalStyle) -> list[SpanLine]:
    """Return the loss over the learning rate, and what it suggests.

    Args:
        answer: of the range test, with what was worked out of it.
        width: in cells.
        look: what the terminal can show.
    """
    lines: list[SpanLine] = []
    if len(answer["rates"]) > 1:
        size = Size(min(width, _WIDEST), _CHART_HEIGHT)
        lines += draw_chart(_rate_chart(answer), size, look).lines
    steps = len(answer["losses"])
    said = f"{steps} steps of {answer['batch_size']} samples in {duration(answer['spent_s'])}"
    ended = f"; ended early: {answer['stopped']}" if answer["stopped"] else ""
    lines += wrap_plain(f"{said} on {answer['device']}{ended}", width, "quiet")
    if answer["suggestion"] is None:
        return [*lines, *wrap_plain(f"no suggestion: {answer['reason']}", width, "alert")]
    lines += wrap_plain(f"suggested: {answer['suggestion']:g}, {answer['rule']}", width)
    return [*lines, (Span(f"--set optimizer.lr={answer['suggestion']:g}", "strong"),)]


def _rate_chart(answer: Mapping[str, Any]) -> Chart:
    places = tuple(math.log10(rate) for rate in answer["rates"])
    raw, smoothed = tuple(answer["losses"]), tuple(answer["smoothed"])
    marks: tuple[Mark, ...] = ()
    if answer["suggestion"] is not None:
        text = f"{answer['suggestion']:g}"
        marks = (Mark(math.log10(answer["suggestion"]), "best", text),)
    return Chart(
        title="loss over learning rate",
        lines=(
            Line("loss", places, smoothed, smoothed, smoothed, 0),
            Line("loss", places, raw, raw, raw, 0, faint=True),
        ),
        x_range=(places[0], places[-1]),
        marks=marks,
        y_range=_loss_range(smoothed),
        axis="power",
    )


def _loss_range(smoothed: Sequence[float]) -> tuple[float, float]:
    """Return the range of the curve up to where it diverges."""
    low = min(smoothed)
    first = smoothed[0]
    high = min(max(smoothed), first + _HEADROOM * max(first - low, 0.1 * abs(first)))
    return low - 0.05 * (high - low), high


def size_lines(answer: Mapping[str, Any], width: int) -> list[SpanLine]:
    """Return a row for each batch size that was tried, and which of them to take.

    Args:
        answer: of the trials, with what was worked out of it.
        width: in cells.
    """
    rows = [_size_row(each) for each in answer["tried"]]
    align: list[Align] = ["right"] * 4
    text = table(["BATCH", "STEP", "SAMPLES/S", "MEMORY", "NOTE"], rows, align)
    head, *lines = text.splitlines()
    shown: list[SpanLine] = [(Span(head, "quiet"),), *((Span(line),) for line in lines)]
    room = answer["room_bytes"]
    of = "" if room is None else f", {answer['margin']:.0%} of {size(room)} may be used"
    ended = f"; ended early: {answer['stopped']}" if answer["stopped"] else ""
    said = f"on {answer['device']}{of}, {duration(answer['spent_s'])}{ended}"
    return [*shown, (), *wrap_plain(said, width, "quiet"), *_choice(answer, width)]


def _size_row(tried: Mapping[str, Any]) -> list[str]:
    step_s, rate = tried["step_s"], tried["samples_per_s"]
    return [
        f"{tried['batch_size']:,}",
        NOTHING if step_s is None else short_time(step_s),
        NOTHING if rate is None else count(rate),
        size(tried["memory_bytes"]),
        tried["note"],
    ]


def _choice(answer: Mapping[str, Any], width: int) -> list[SpanLine]:
    if answer["largest"] is None:
        return wrap_plain("no batch size fits: take a smaller model", width, "bad")
    whole = answer["largest"] == answer["training_samples"]
    why = ", the whole training set" if whole else ", of those tried"
    return [
        *wrap_plain(f"largest that fits: {answer['largest']}{why}", width),
        *wrap_plain(f"fastest: {answer['fastest']}, {answer['rule']}", width),
        (Span(f"--set train.batch_size={answer['fastest']}", "strong"),),
    ]
