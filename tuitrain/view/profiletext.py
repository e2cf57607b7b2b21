"""A profile as lines of text: what it says in a few words, and its tables at any width.

Pure functions from digests to spans; knows nothing of files or screens.
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple

from tuitrain.lang import said, term, tr
from tuitrain.runs.rows import ProfileRow
from tuitrain.units import NOTHING, age, count, share_text, short_time, size, us_text
from tuitrain.view.format import display_width, pad, sanitise, shorten
from tuitrain.view.spans import Span, SpanLine, plain_line, wrap_plain

Digest = Mapping[str, Any]
Row = Mapping[str, Any]
Sort = Literal["self", "total", "device", "calls", "memory"]

GROUPINGS = ("operator", "module", "line")
SORTS: tuple[Sort, ...] = ("self", "total", "device", "calls", "memory")
_LEAST_NAME = 24


class Column(NamedTuple):
    """One column of the table of operators."""

    title: str
    width: int
    sort: Sort | None = None
    """The order that it shows."""


_SHARE = Column("%", 4)
_SELF = Column(term("self"), 8, "self")
_TOTAL = Column(term("total"), 8, "total")
_DEVICE = Column(term("device"), 8, "device")
_DEVICE_TOTAL = Column(term("dev all"), 8)
_CALLS = Column(term("calls"), 6, "calls")
_MEMORY = Column(term("memory"), 8, "memory")
_SHAPES = Column(term("shapes"), 36)
_ON_HOST = (_SELF, _SHARE, _CALLS, _TOTAL, _MEMORY, _SHAPES)
_ON_DEVICE = (_DEVICE, _SHARE, _SELF, _CALLS, _TOTAL, _MEMORY, _DEVICE_TOTAL, _SHAPES)
"""In the order in which a wider terminal adds them."""


# --- in words ---------------------------------------------------------------------------------


def summary_words(summary: Mapping[str, Any]) -> list[str]:
    """Return a profile in a few words, a sentence each: what idles, and what costs most."""
    step_us = summary["step_us"]
    idle, outside = summary["idle_share"], summary["outside_share"]
    if idle is None:
        first = tr(
            "no device in this profile; a step takes {step_us}, {outside} of it outside operators",
            step_us=us_text(step_us),
            outside=share_text(outside),
        )
    else:
        first = tr(
            "the device is idle {idle} of the time: {time} of a step of {step_us}",
            idle=share_text(idle),
            time=us_text(idle * step_us),
            step_us=us_text(step_us),
        )
    costs = [
        f"{said(cost['what'])} {share_text(cost['share'])}, {us_text(cost['us'])}"
        for cost in summary["costs"]
    ]
    return [first, tr("; ").join(costs) or tr("no operator was recorded")]


def profile_words(row: ProfileRow, now: float) -> list[str]:
    """Return a profile of the record in a few lines, for lists."""
    steps = tr(
        "steps {first_step:,} to {last_step:,}", first_step=row.first_step, last_step=row.last_step
    )
    head = tr(
        "profile {name}, {age}: {steps}",
        name=sanitise(row.name),
        age=age(now - row.time),
        steps=steps,
    )
    if row.state == "done":
        return [head, *(f"  {sanitise(words)}" for words in summary_words(row.summary))]
    if row.state == "failed":
        return [
            tr(
                "{head}; it can't be read: {error}",
                head=head,
                error=sanitise(str(row.summary.get("error", ""))),
            )
        ]
    return [tr("{head}; it is still being read", head=head)]


def facts_words(row: ProfileRow) -> str:
    """Return what a profile is of, and what it cost."""
    facts = row.facts
    stacks = tr("with source lines" if facts.with_stacks else "without source lines")
    held_up = facts.held_up_s
    cost = (
        ""
        if held_up is None
        else tr("; training was held up for {held_up}", held_up=short_time(held_up))
    )
    words = tr(
        "profile {name}: steps {first:,} to {last:,} on {device}, {stacks}",
        name=row.name,
        first=row.first_step,
        last=row.last_step,
        device=facts.device or NOTHING,
        stacks=stacks,
    )
    return f"{words}{cost}"


def open_words(trace: str, host: str) -> list[str]:
    """Return how to look at a trace elsewhere: a file's path, and the commands for it."""
    path, name = shlex.quote(trace), shlex.quote(PurePosixPath(trace).name)
    return [
        f"trace: {trace}",
        tr("open:  https://ui.perfetto.dev (open trace file), or chrome://tracing"),
        tr(
            "from another machine first: {command}",
            command=f"scp {shlex.quote(host)}:{path} {name}",
        ),
    ]


def no_rows(grouping: str, pattern: str) -> str:
    """Say why a table is empty."""
    if pattern:
        return tr("no {grouping} matches {pattern!r}", grouping=grouping, pattern=pattern)
    return tr("no {grouping} was recorded", grouping=grouping)


def summary_lines(digest: Digest, note: str, width: int) -> list[SpanLine]:
    """Return what stands above the table."""
    first, second = summary_words(digest["summary"])
    busy = (digest["summary"]["idle_share"] or 0.0) > 0.2
    lines = wrap_plain(first, width - 1, "alert" if busy else "strong")
    device = digest["device"]
    if device is not None and device["gaps"]:
        gap = device["gaps"][0]
        words = tr(
            "longest gap {duration_us}: the host was in {host}",
            duration_us=us_text(gap["duration_us"]),
            host=gap["host"],
        )
        lines += wrap_plain(words, width - 1)
    lines += wrap_plain(second, width - 1)
    if note:
        lines += wrap_plain(note, width - 1, "alert")
    return [(Span(" "), *line) for line in lines]


# --- the table of operators -------------------------------------------------------------------


def first_sort(digest: Digest) -> Sort:
    """Return the order that a table is shown in at first."""
    return "device" if digest["device"] is not None else "self"


def possible_sorts(digest: Digest) -> tuple[Sort, ...]:
    """Return the orders that make sense: without a device none by its time."""
    on_device = digest["device"] is not None
    return tuple(sort for sort in SORTS if on_device or sort != "device")


def pick_rows(digest: Digest, grouping: str, sort: Sort, pattern: str = "") -> list[Row]:
    """Return the rows of a grouping whose name, or whose call sites' names, have `pattern`."""
    wanted = pattern.lower()
    rows = [row for row in digest["tables"][grouping] if wanted in _searched(row, wanted)]
    return sorted(rows, key=lambda row: -sort_value(row, sort))


def _searched(row: Row, wanted: str) -> str:
    name: str = row["name"].lower()
    if not wanted or wanted in name:
        return name
    return "\n".join(name.lower() for site in row["sites"] for name in site["names"])


def sort_value(row: Row, sort: Sort) -> float:
    """Return what rows are ordered by."""
    value: float = {
        "self": row["self_us"],
        "total": row["total_us"],
        "device": row["self_device_us"],
        "calls": row["calls"],
        "memory": row["device_bytes"] + row["host_bytes"],
    }[sort]
    return value


def columns_for(digest: Digest, width: int) -> list[Column]:
    """Return the columns that there is room for."""
    wanted = _ON_HOST if digest["device"] is None else _ON_DEVICE
    left = width - _LEAST_NAME - 1
    columns: list[Column] = []
    for column in wanted:
        left -= column.width + 1
        if left < 0:
            break
        columns.append(column)
    return columns


def head_line(columns: Sequence[Column], title: str, sort: Sort, width: int) -> SpanLine:
    """Return the heading of the table; the order it is in stands out."""
    spans = [Span(f" {_left(title, _name_width(columns, width))}", "quiet")]
    for column in columns:
        chosen = column.sort == sort
        mark = "*" if chosen else ""
        text = _cell(column, f"{tr(column.title)}{mark}")
        spans.append(Span(f" {text}", "strong" if chosen else "quiet"))
    return tuple(spans)


def row_line(row: Row, digest: Digest, columns: Sequence[Column], width: int) -> SpanLine:
    """Return one row."""
    cells = {
        _SELF: us_text(row["self_us"]),
        _TOTAL: us_text(row["total_us"]),
        _DEVICE: us_text(row["self_device_us"]),
        _DEVICE_TOTAL: us_text(row["total_device_us"]),
        _SHARE: _share(row, digest),
        _CALLS: count(row["calls"]),
        _MEMORY: size(row["device_bytes"] or row["host_bytes"]),
        _SHAPES: sanitise(row["shapes"][0][0]) if row["shapes"] else "",
    }
    name = _left(sanitise(row["name"]), _name_width(columns, width))
    return (Span(f" {name}"), *(Span(f" {_cell(each, cells[each])}") for each in columns))


def _share(row: Row, digest: Digest) -> str:
    key = "self_us" if digest["device"] is None else "self_device_us"
    return f"{100 * row[key] / digest['window_us']:.0f}" if digest["window_us"] else NOTHING


def _name_width(columns: Sequence[Column], width: int) -> int:
    return max(8, width - 1 - sum(column.width + 1 for column in columns))


def _cell(column: Column, text: str) -> str:
    short = shorten(text, column.width)
    gap = " " * (column.width - display_width(short))
    return short + gap if column is _SHAPES else gap + short


def _left(text: str, width: int) -> str:
    """Return a name in its column; a long one keeps its end, which tells it from others."""
    if display_width(text) > width:
        text = f"..{text[-(width - 2) :]}" if text.isascii() else shorten(text, width)
    return text + " " * (width - display_width(text))


def site_lines(row: Row, width: int) -> list[SpanLine]:
    """Return where the time of one row comes from."""
    lines: list[SpanLine] = [*wrap_plain(row["name"], width - 1, "strong")]
    facts = [
        tr(
            "self {self_us}, total {total_us} per step",
            self_us=us_text(row["self_us"]),
            total_us=us_text(row["total_us"]),
        )
    ]
    if row["self_device_us"] or row["total_device_us"]:
        facts.append(
            tr(
                "on the device self {self_device_us}, total {total_device_us}",
                self_device_us=us_text(row["self_device_us"]),
                total_device_us=us_text(row["total_device_us"]),
            )
        )
    if row["host_bytes"] or row["device_bytes"]:
        facts.append(
            tr(
                "allocates {host_bytes} of the host's memory and {device_bytes} of the device's",
                host_bytes=size(row["host_bytes"]),
                device_bytes=size(row["device_bytes"]),
            )
        )
    backward = share_text(row["backward_share"])
    calls = count(row["calls"])
    facts.append(
        tr(
            "called {calls} times per step, {backward} of its time in the backward pass",
            calls=calls,
            backward=backward,
        )
    )
    lines += [line for fact in facts for line in wrap_plain(fact, width - 1)]
    if row["sites"]:
        lines += [(), (Span(tr("call sites: self time and calls per step"), "title"),)]
    for site in row["sites"]:
        own = site["self_device_us"] or site["self_us"]
        figures = f"{us_text(own):>8} {count(site['calls']):>6}  "
        text = wrap_plain("  ".join(site["names"]), max(20, width - len(figures) - 2))
        lines.append((Span(figures, "strong"), *text[0]))
        lines += [(Span(" " * display_width(figures)), *line) for line in text[1:]]
    return [(Span(" "), *line) for line in lines]


# --- what the device and the host did ---------------------------------------------------------


def kernel_rows(digest: Digest) -> list[Row]:
    """Return kernels and copies, the costliest first; empty where no device took part."""
    device = digest["device"]
    found = [] if device is None else [*device["kernels"], *device["copies"]]
    return sorted(found, key=lambda row: -row["total_us"])


def kernel_head(width: int) -> SpanLine:
    """Return the heading of the table of kernels."""
    name = _left(tr("kernel or copy"), max(8, width - 35))
    heads = ((tr("time"), 9), ("%", 5), (tr("calls"), 7), (tr("each"), 8))
    cells = "".join(pad(head, room, "right") for head, room in heads)
    return (Span(f" {name}{cells}", "quiet"),)


def kernel_line(row: Row, digest: Digest, width: int) -> SpanLine:
    """Return a kernel or a copy."""
    share = f"{100 * row['total_us'] / digest['window_us']:.0f}"
    figures = (
        f"{us_text(row['total_us']):>9}{share:>5}{count(row['calls']):>7}"
        f"{us_text(row['mean_us']):>8}"
    )
    name = shorten(sanitise(row["name"]), max(8, width - 35))
    return (Span(f" {pad(name, max(8, width - 35))}{figures}"),)


def gap_lines(digest: Digest, width: int) -> list[SpanLine]:
    """Return the longest times in which the device had nothing to do, and what the host did."""
    device = digest["device"]
    if device is None:
        return []
    lines: list[SpanLine] = []
    for gap in device["gaps"]:
        figures = f" {us_text(gap['duration_us']):>8}  {tr('step')} {gap['step'] + 1:>3}  "
        text = wrap_plain(gap["host"], max(20, width - display_width(figures)))
        lines.append((Span(figures, "strong"), *text[0]))
        lines += [(Span(" " * display_width(figures)), *line) for line in text[1:]]
    return lines


def host_lines(digest: Digest) -> list[SpanLine]:
    """Return how the host's time splits."""
    host = digest["host"]
    lines = [
        _fact(tr("in operators"), host["operators_us"], host["step_us"]),
        _fact(tr("outside operators"), host["outside_us"], host["step_us"]),
        _fact(tr("between steps"), host["between_us"], host["step_us"]),
    ]
    for thread in host["threads"]:
        if thread["operators_us"] and not thread["main"]:
            lines.append(_fact(f"in {thread['name']}", thread["operators_us"], host["step_us"]))
    return lines


def _fact(what: str, us: float, step_us: float) -> SpanLine:
    share = share_text(us / step_us) if step_us else NOTHING
    return plain_line(f" {us_text(us):>8} {share:>5}  {what}")


# --- two profiles ---------------------------------------------------------------------------


def difference_words(compared: Mapping[str, Any]) -> list[str]:
    """Return what a comparison says in all, and how sure it is."""
    before, after = compared["before"], compared["after"]
    change = after["step_us"] / before["step_us"] - 1 if before["step_us"] else 0.0
    return [
        tr(
            "{one} -> {other}: the usual step {before} -> {after} ({change:+.0f} %)",
            one=before["name"],
            other=after["name"],
            before=us_text(before["step_us"]),
            after=us_text(after["step_us"]),
            change=100 * change,
        ),
        tr(
            "{one}; {other}; times of the {measure}, a step",
            one=_spread(before),
            other=_spread(after),
            measure=tr(compared["measure"]),
        ),
    ]


def _spread(side: Mapping[str, Any]) -> str:
    spread = side["spread_us"]
    words = "" if spread is None else tr(", standard deviation {spread}", spread=us_text(spread))
    return tr("{name}: {n} steps", name=side["name"], n=side["steps"]) + words


def difference_head(width: int) -> SpanLine:
    """Return the heading of the table of differences."""
    name = _left(tr("operator"), max(8, width - 38))
    heads = ((tr("before"), 9), (tr("after"), 9), (tr("change"), 10), (tr("calls"), 7))
    cells = "".join(pad(head, room, "right") for head, room in heads)
    return (Span(f" {name}{cells}", "quiet"),)


def difference_line(row: Row, width: int) -> SpanLine:
    """Return an operator that differs."""
    name = _left(sanitise(row["name"]), max(8, width - 38))
    change = row["difference_us"]
    before, after = row["before_calls"], row["after_calls"]
    calls = count(after) if before == after else f"{count(after - before):>5}".replace(" ", "")
    if before != after and after > before:
        calls = f"+{calls}"
    sign = "+" if change > 0 else ""
    return (
        Span(f" {name}{us_text(row['before_us']):>9}{us_text(row['after_us']):>9}"),
        Span(f"{sign + us_text(change):>10}", "bad" if change > 0 else "good"),
        Span(f"{calls:>7}"),
    )
