"""A step's time as lines: bars for the run screen's side, all of it for a screen of its own.

Pure functions to spans and text; knows neither widgets nor files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tuitrain.analysis.bottleneck import Bottleneck
from tuitrain.analysis.ranks import RankTime
from tuitrain.analysis.step_time import StepContext, StepTime, flops_per_s
from tuitrain.lang import said, term, tr
from tuitrain.metric_names import split_metric
from tuitrain.runs.rows import TimeBreakdown
from tuitrain.runs.series import Series
from tuitrain.units import duration, flop_rate, share_text, short_time, time_unit
from tuitrain.view.bars import fill_of, percent_bar, stacked_bar
from tuitrain.view.chart.figure import Line, TerminalStyle, line_from_series
from tuitrain.view.chart.smooth import smooth_line
from tuitrain.view.format import pad, sanitise, shorten
from tuitrain.view.presetrows import wrapped
from tuitrain.view.run.ranktext import STAGE_SLOTS, rank_lines, rank_strip, rank_texts
from tuitrain.view.spans import Span, SpanLine

_SHORT = {
    "data": "data", "copy": "copy", "forward": "fwd", "backward": "bwd", "exchange": "exch",
    "optimizer": "optim", "other": "other", "rest": "rest",
}  # fmt: skip
_LABEL, _WIDE_LABEL = 6, 10
_WIDE = 30
_MOST_BAR = 40
_SCRIPT_NOTE = term(
    "of a script: forward goes from the batch to the backward pass, and has the copy to the device "
    "in it; rest is all that can't be told apart"
)
_SEEN_SHARE = 0.005
"""Below this a stage would be a row of 0 %."""


def side_title(time: StepTime) -> str:
    """Return the title of the bars: how long a step takes."""
    return tr("step {wall_s}", wall_s=short_time(time.wall_s))


def side_lines(
    time: StepTime,
    bottleneck: Bottleneck,
    width: int,
    look: TerminalStyle,
    ranks: Sequence[RankTime] = (),
    slow: RankTime | None = None,
) -> list[SpanLine]:
    """Return a bar for each stage that can be seen, the ranks, and what holds the steps up."""
    wide = width >= _WIDE
    label = _WIDE_LABEL if wide else _LABEL
    lines: list[SpanLine] = []
    for stage in time.stages:
        if time.share(stage) >= _SEEN_SHARE:
            name = pad(tr(stage if wide else _SHORT[stage]), label)
            bar = percent_bar(_rounded(time.share(stage)), width - label, look)
            lines.append((Span(name, "quiet"), Span(bar, f"line{STAGE_SLOTS[stage]}")))
    lines += rank_strip(ranks, slow, width, look)
    style = _style_of(bottleneck)
    if wide:
        return [*lines, *wrapped([_verdict(bottleneck)], width, style)]
    if slow is not None:
        words = f"{tr('slow:')} {sanitise(slow.name)}"
        lines.append((Span(shorten(words, max(7, width)), style),))
        return lines
    return [*lines, (Span(said(bottleneck.kind), style),)]


def _rounded(share: float) -> float:
    """Return a share in whole percents, which the bar, that rounds down, leaves as they are."""
    return round(share, 2) + 1e-9


def _verdict(bottleneck: Bottleneck) -> str:
    return tr("{kind}: {words}", kind=said(bottleneck.kind), words=said(bottleneck.text))


def _style_of(bottleneck: Bottleneck) -> str:
    is_usual = bottleneck.kind in ("compute-bound", "partly known", "not known yet", "not known")
    return "strong" if is_usual else "alert"


def time_lines(
    time: StepTime | None,
    bottleneck: Bottleneck,
    context: StepContext,
    spent: TimeBreakdown | None,
    width: int,
    look: TerminalStyle,
    ranks: Sequence[RankTime] = (),
    slow: RankTime | None = None,
) -> list[SpanLine]:
    """Return all there is to say about a run's time, for a screen that scrolls."""
    lines: list[SpanLine] = list(_split_lines(time, width, look)) if time is not None else []
    room = max(20, width - 2)
    lines += wrapped([_verdict(bottleneck)], room, _style_of(bottleneck))
    lines += wrapped([f"{tr('try')} {said(text)}" for text in bottleneck.suggestions], room)
    if time is not None and not bottleneck.suggestions:
        lines += wrapped([tr("no suggestion follows from these measurements")], room, "quiet")
    if time is not None and context.is_script:
        lines += [(), *wrapped([tr(_SCRIPT_NOTE)], room, "quiet")]
    if shown := rank_lines(ranks, slow, room, look):
        lines += [(), *shown]
    work = work_line(time, context)
    if work:
        lines += [(), *wrapped([sanitise(work)], room)]
    if spent is not None:
        lines += [(), *wrapped([spent_line(spent)], room)]
    return [(Span(" "), *line) if line else () for line in lines]


def _split_lines(time: StepTime, width: int, look: TerminalStyle) -> Sequence[SpanLine]:
    amounts = [time.seconds[stage] for stage in time.stages]
    slots = [STAGE_SLOTS[stage] for stage in time.stages]
    lines = [stacked_bar(amounts, time.wall_s, max(1, width - 2), look, slots)]
    for slot, stage in zip(slots, time.stages, strict=True):
        bar = percent_bar(_rounded(time.share(stage)), min(_MOST_BAR, max(6, width - 28)), look)
        took = short_time(time.seconds[stage])
        fill = fill_of(slot, look)
        lines.append(
            (
                Span(f"{fill} ", f"line{slot}"),
                Span(pad(tr(stage), _WIDE_LABEL), "quiet"),
                Span(bar, f"line{slot}"),
                Span(took.rjust(10)),
            )
        )
    return [*lines, ()]


def spent_line(spent: TimeBreakdown) -> str:
    """Say what a run's time went into, evaluations and checkpoints apart from steps."""
    whole_s = max(spent.worked_s, 1e-9)
    parts = (
        (tr("steps"), spent.train_s),
        (tr("evaluation"), spent.evaluation_s),
        (tr("checkpoints"), spent.checkpoint_s),
        (tr("paused"), spent.paused_s),
        (tr("startup and repeated steps"), spent.rest_s),
    )
    said = ", ".join(f"{name} {100 * part_s / whole_s:.1f} %" for name, part_s in parts)
    return tr("of {worked_s} in total: {said}", worked_s=duration(spent.worked_s), said=said)


def work_line(time: StepTime | None, context: StepContext) -> str:
    """Return the model's speed in words; empty where it can't be known."""
    speed = flops_per_s(time, context)
    if speed is None:
        return ""
    words = tr("{speed} in the model", speed=flop_rate(speed))
    if context.peak_flops:
        share = share_text(speed / context.peak_flops)
        return tr(
            "{words}, {share} of the device's peak of {peak} ({source})",
            words=words,
            share=share,
            peak=flop_rate(context.peak_flops),
            source=context.peak_source,
        )
    return tr("{words}; the peak of this device is not known", words=words)


def time_block(
    time: StepTime | None,
    bottleneck: Bottleneck,
    context: StepContext,
    spent: TimeBreakdown,
    ranks: Sequence[RankTime] = (),
) -> str:
    """Return the same for a command's output, on plain lines."""
    lines = ["TIME"]
    if time is not None:
        parts = [f"{stage} {100 * time.share(stage):.1f} %" for stage in time.stages]
        lines.append(f"  step of {short_time(time.wall_s)}: {', '.join(parts)}")
    lines.append(f"  {bottleneck.line}")
    lines += [f"  try {text}" for text in bottleneck.suggestions]
    lines += [f"  {text}" for text in rank_texts(ranks)]
    work = work_line(time, context)
    lines += [f"  {sanitise(work)}"] if work else []
    return "\n".join([*lines, f"  {spent_line(spent)}"])


def timeline_unit(time: StepTime | None) -> tuple[float, str]:
    """Return the unit of the timeline, in seconds, and what it is called."""
    return time_unit(time.wall_s if time is not None else 1e-3)


def timeline(
    series: Mapping[str, Series], unit_s: float, smoothing: float | None
) -> tuple[Line, ...]:
    """Return a line for each stage that ever took time, in a unit."""
    lines: list[Line] = []
    for stage, slot in STAGE_SLOTS.items():
        found = series.get(split_metric(stage))
        if found is None or not any(column.maximum > 0 for column in found.columns):
            continue
        line = _scaled(line_from_series(found, label=stage, slot=slot), 1 / unit_s)
        lines += smooth_line(line, smoothing)
    return tuple(lines)


def _scaled(line: Line, by: float) -> Line:
    low, high, mean = (
        tuple(value * by for value in values) for values in (line.low, line.high, line.mean)
    )
    return replace(line, low=low, high=high, mean=mean)
