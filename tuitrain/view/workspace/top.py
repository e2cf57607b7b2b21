"""The top line of a workspace: how many runs, what stands for seeds, along which axis."""

from tuitrain.lang import tr
from tuitrain.view.format import sanitise
from tuitrain.view.spans import Span, SpanLine
from tuitrain.view.workspace.entries import Legend
from tuitrain.view.workspace.lines import BAND_WORDS, Band


def top_parts(
    legend: Legend, hidden: frozenset[str], band: Band, asked_for: int, seen: tuple[str, str]
) -> tuple[SpanLine, SpanLine]:
    """Return both ends of the line.

    Args:
        legend: all entries.
        hidden: the keys of those that are not drawn.
        band: what stands for seeds.
        asked_for: how many runs there would be, had all found room.
        seen: the horizontal axis, and the filter of metrics.
    """
    count = sum(len(entry.members) for entry in legend.entries)
    words = tr("{n} run" if count == 1 else "{n} runs", n=count)
    if count < asked_for:
        words = tr("{count} of {asked_for} runs", count=count, asked_for=asked_for)
    axis, pattern = seen
    parts = [tr(BAND_WORDS[band]), axis]
    parts += [tr("{n} hidden", n=len(hidden))] if hidden else []
    parts += [tr("filter {pattern}", pattern=sanitise(pattern))] if pattern else []
    return (Span(tr(" workspace {words}", words=words), "title"),), (
        Span(f"{'  '.join(parts)} ", "quiet"),
    )
