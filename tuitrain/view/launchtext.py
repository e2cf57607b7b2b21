"""What a run will take and how long, and the command that starts it, as lines.

Pure functions; knows nothing of forms or of the worker that warms up.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from tuitrain.lang import said, term, tr
from tuitrain.units import NOTHING, count, duration, percent, size
from tuitrain.view.bars import progress_bar
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import display_width, pad, sanitise, wrap
from tuitrain.view.presetrows import wrapped
from tuitrain.view.spans import Span, SpanLine

_LABEL_WIDTH = 12


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of the run to come; None where it is not known."""

    parameters: int | None = None
    parts: tuple[tuple[str, int], ...] = ()
    """What takes memory: (word, bytes)."""
    device: str = ""
    product: str = ""
    free_bytes: int | None = None
    total_steps: int | None = None
    steps_per_epoch: int | None = None
    pace_step_s: float | None = None
    pace_of: str = ""
    """The run that took so long for a step."""
    download: str = ""
    warm: bool = False
    trouble: str = ""
    """Why something is not known, in words."""

    @property
    def memory_bytes(self) -> int:
        """All of it together."""
        return sum(part for _, part in self.parts)

    @property
    def fits(self) -> bool:
        """Whether the device has room, as far as it is known."""
        return self.free_bytes is None or self.memory_bytes <= self.free_bytes


def outlook_lines(outlook: Outlook, width: int, look: TerminalStyle) -> list[SpanLine]:
    """Return what will happen, the most telling first."""
    lines: list[SpanLine] = [
        _pair(tr("steps"), _steps(outlook)),
        *_time_lines(outlook),
        *_memory_lines(outlook, width, look),
        _pair(tr("parameters"), count(outlook.parameters)),
    ]
    if outlook.device:
        product = f", {sanitise(outlook.product)}" if outlook.product else ""
        lines.append(_pair(tr("device"), f"{sanitise(outlook.device)}{product}"))
    if outlook.download:
        lines.append(_pair(tr("downloads"), sanitise(outlook.download)))
    ready = term("ready") if outlook.warm else term("warming up")
    lines.append(_pair(tr("worker"), tr(ready)))
    if outlook.trouble:
        lines += wrapped([said(sanitise(outlook.trouble))], width, "alert")
    return lines


def _pair(label: str, value: str, style: str = "") -> SpanLine:
    return (Span(pad(label, _LABEL_WIDTH), "label"), Span(value, style))


def _steps(outlook: Outlook) -> str:
    if outlook.total_steps is None:
        return NOTHING
    each = (
        tr(", {steps_per_epoch} an epoch", steps_per_epoch=count(outlook.steps_per_epoch))
        if outlook.steps_per_epoch
        else ""
    )
    return f"{outlook.total_steps:,}{each}"


def _time_lines(outlook: Outlook) -> list[SpanLine]:
    if outlook.pace_step_s is None:
        return [_pair(tr("time"), tr("not measured yet"))]
    if outlook.total_steps is None:
        return [_pair(tr("time"), NOTHING)]
    return [
        _pair(
            tr("time"),
            tr(
                "about {pace_step_s}",
                pace_step_s=duration(outlook.pace_step_s * outlook.total_steps),
            ),
        ),
        _pair("", tr("as in run {pace_of}", pace_of=sanitise(outlook.pace_of)), "quiet"),
    ]


def _memory_lines(outlook: Outlook, width: int, look: TerminalStyle) -> list[SpanLine]:
    if not outlook.parts:
        return [_pair(tr("memory"), NOTHING)]
    total, free = outlook.memory_bytes, outlook.free_bytes
    said, of = size(total), "" if free is None else tr("{free} free", free=size(free))
    on_one = _LABEL_WIDTH + display_width(said) + display_width(of) + 4 <= width
    both = tr("{said} of {of}", said=said, of=of) if of and on_one else said
    lines = [_pair(tr("memory"), both, "" if outlook.fits else "bad")]
    if free:
        bar = progress_bar(min(1.0, total / free), max(4, width - _LABEL_WIDTH - 6), look)
        share = percent(total, free)
        lines.append((Span(" " * _LABEL_WIDTH), Span(bar, "line0"), Span(f" {share}")))
        lines += [] if on_one else [_pair(tr("  of"), of)]
    if not outlook.fits:
        advice = tr("does not fit: use a smaller batch or another device")
        lines += wrapped([advice], width, "bad")
    lines += [_pair(f"  {tr(word)}", size(part), "quiet") for word, part in outlook.parts if part]
    return lines


def command_words(
    preset: str,
    overrides: Sequence[str],
    *,
    name: str = "",
    runs_dir: str = "",
    data_dir: str = "",
) -> list[str]:
    """Return the command that starts the same run, as separate words."""
    words = ["tuitrain", "run", preset]
    for override in overrides:
        words += ["--set", override]
    for option, value in (("--name", name), ("--runs-dir", runs_dir), ("--data-dir", data_dir)):
        words += [option, value] if value else []
    return words


def command_lines(words: Sequence[str], width: int, most: int) -> list[SpanLine]:
    """Return a command quoted for a shell, on at most `most` lines."""
    text = sanitise(shlex.join(words))
    lines = wrap(text, max(20, width - 2), break_on_hyphens=False, indent="    ")
    if len(lines) > most:
        lines = [*lines[: most - 1], "    ..."]
    prompt = (Span("$ ", "quiet"), Span("  "))
    return [(prompt[min(i, 1)], Span(line)) for i, line in enumerate(lines)]
