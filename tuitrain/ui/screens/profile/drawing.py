"""A profile, and a difference of two, as lines and rows.

From digests and how they are to be seen to what stands on the screen; knows no widget.
"""

from collections.abc import Sequence
from typing import NamedTuple

from tuitrain.analysis.ranks import profiled_ranks
from tuitrain.lang import tr
from tuitrain.runs.rows import ProfileRow
from tuitrain.traces.compare import compare_digests
from tuitrain.ui.feeds.snapshot import RunSnapshot
from tuitrain.ui.screens.profile.choice import ProfileChoice
from tuitrain.ui.screens.profile.order import ProfileOrder
from tuitrain.ui.screens.profile.read import Digest
from tuitrain.ui.widgets.picklist import Row
from tuitrain.view import profiletext as text
from tuitrain.view.format import sanitise
from tuitrain.view.run.ranktext import profiled_lines
from tuitrain.view.spans import Span, SpanLine, plain_line, wrap_plain


class Sheet(NamedTuple):
    """What stands below the top line."""

    words: Sequence[SpanLine]
    head: SpanLine = ()
    rows: Sequence[Row] = ()
    empty: str = ""
    """What stands there without rows."""


def top_parts(
    run_id: str, row: ProfileRow | None, names: Sequence[str], pattern: str
) -> tuple[SpanLine, SpanLine]:
    """Return both ends of the top line.

    Args:
        run_id: of the run.
        row: of the profile that is seen; None: none is.
        names: of all profiles.
        pattern: of the filter.
    """
    left: list[Span] = [Span(f" {sanitise(run_id)}", "title")]
    if row is not None:
        place = tr("{n} of {all}", n=names.index(row.name) + 1, all=len(names))
        left.append(Span(f"  {tr('profile')} {sanitise(row.name)}, {place}"))
        steps = tr(
            "  steps {first_step:,}-{last_step:,}",
            first_step=row.first_step,
            last_step=row.last_step,
        )
        left.append(Span(steps, "quiet"))
    return tuple(left), (Span(f"/{sanitise(pattern)} ", "mark"),) if pattern else ()


def waiting_lines(
    snapshot: RunSnapshot, order: ProfileOrder, shown: str, fault: str, width: int
) -> list[SpanLine]:
    """Say what is waited for, or why there is nothing to show.

    Args:
        snapshot: of the run.
        order: of a profile.
        shown: the name of the profile to show.
        fault: why it can't be read.
        width: in cells.
    """
    if snapshot.error:
        return wrap_plain(snapshot.error, width, "bad")
    if order.steps:
        return [plain_line(f" {order.progress(snapshot)}", "live")]
    if fault:
        return wrap_plain(f"profile {shown}: {fault}", width, "bad")
    if shown:
        words = tr(" reading the trace of profile {shown} ...", shown=shown)
        return [plain_line(words, "live")]
    if snapshot.summary is None:
        return [plain_line(tr(" reading the run ..."), "quiet")]
    if order.fault:
        return wrap_plain(order.fault, width, "bad")
    hint = tr(": p takes one") if snapshot.live else tr(": p takes them while a run lives")
    return wrap_plain(tr(" the run has no profiles{hint}", hint=hint), width, "quiet")


def profile_sheet(
    profiles: Sequence[ProfileRow], digest: Digest, choice: ProfileChoice, fault: str, width: int
) -> Sheet:
    """Return one profile; `fault` is why another one that was asked for is not there."""
    note = next((row.facts.note for row in profiles if row.name == choice.shown), "")
    words = wrap_plain(fault, width, "bad") if fault else []
    words += text.summary_lines(digest, note, width)
    words += profiled_lines(profiled_ranks(profiles, choice.shown), choice.shown, width)
    empty = f" {text.no_rows(choice.group, choice.pattern)}"
    if choice.group == "kernel":
        kernels = [row for row in text.kernel_rows(digest) if choice.matches(row["name"])]
        lines = [text.kernel_line(row, digest, width) for row in kernels]
        return Sheet(words, text.kernel_head(width), _numbered(lines), empty)
    if choice.group == "gap":
        head = plain_line(tr(" longest idle times of the device, and what the host did"))
        return Sheet(words, head, _numbered(text.gap_lines(digest, width)), empty)
    sort, columns = choice.sort or text.first_sort(digest), text.columns_for(digest, width)
    picked = text.pick_rows(digest, choice.group, sort, choice.pattern)
    rows = [Row(row["name"], text.row_line(row, digest, columns, width)) for row in picked]
    return Sheet(words, text.head_line(columns, tr(choice.group), sort, width), rows, empty)


def difference_sheet(before: Digest, after: Digest, choice: ProfileChoice, width: int) -> Sheet:
    """Return what differs between two profiles."""
    compared = compare_digests(before, after)
    words = [
        (Span(" "), *line)
        for each in text.difference_words(compared)
        for line in wrap_plain(each, width - 1)
    ]
    picked = [row for row in compared["rows"] if choice.matches(row["name"])]
    rows = [Row(row["name"], text.difference_line(row, width)) for row in picked]
    return Sheet(words, text.difference_head(width), rows, tr(" no operator differs"))


def _numbered(lines: Sequence[SpanLine]) -> list[Row]:
    return [Row(str(number), line) for number, line in enumerate(lines, 1)]
