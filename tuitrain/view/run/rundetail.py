"""One run in a few lines of words, as the home screen says it.

Pure functions from a summary to spans; knows nothing of screens.
"""

import time
from collections.abc import Callable

from tuitrain.lang import said, tr
from tuitrain.runs.summary import RunSummary
from tuitrain.units import NOTHING, age, count, duration
from tuitrain.view.format import metric_value, sanitise, shorten
from tuitrain.view.presetrows import wrapped
from tuitrain.view.runrows import LIVE, TROUBLE, epoch_words
from tuitrain.view.spans import Span, SpanLine, first_lines


def run_detail(
    run: RunSummary,
    now: float,
    width: int,
    lines: int,
    *,
    local_time: Callable[[float], time.struct_time] = time.localtime,
) -> list[SpanLine]:
    """Return what a run is, and why it ended, in at most `lines` lines."""
    head = (Span(shorten(sanitise(run.id), width), "title"),)
    begun = time.strftime("%Y-%m-%d %H:%M", local_time(run.created))
    state = f"{tr(run.state)}: {said(sanitise(run.reason))}" if run.reason else tr(run.state)
    steps = tr("step {step}", step=count(run.step))
    steps += tr(" of {total}", total=count(run.total_steps)) if run.total_steps else ""
    steps += f", {tr('epoch')} {epoch_words(run)}" if run.step else ""
    words = [steps]
    if run.best_metric is not None:
        words.append(f"{tr('best')} {sanitise(run.best_metric)} {metric_value(run.best_value)}")
    words += [
        tr(
            "preset {preset} on {device}",
            preset=sanitise(run.preset) or NOTHING,
            device=sanitise(run.device) or NOTHING,
        ),
        f"{tr('created')} {begun} ({age(max(0.0, now - run.created))}){_ran(run)}",
    ]
    style = "bad" if run.state in TROUBLE else ""
    found = [head, *wrapped([state], width, style), *wrapped(words, width)]
    return first_lines(found, lines, width)


def _ran(run: RunSummary) -> str:
    """Say how long a run has been running, or ran; nothing of one that never started."""
    if run.started is None:
        return ""
    words = ", running for {time}" if run.state in LIVE else ", ran for {time}"
    return tr(words, time=duration(run.duration_s))
