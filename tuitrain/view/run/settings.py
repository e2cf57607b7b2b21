"""A run's settings as lines: which are not its preset's, and which a filter finds.

Pure functions from flat settings to spans and text; knows nothing of a screen.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tuitrain.analysis.seeds import NO_SETTING
from tuitrain.lang import tr
from tuitrain.view.format import display_width, sanitise
from tuitrain.view.spans import Span, SpanLine, wrap_plain

_MOST_KEY = 40


class SettingRow(NamedTuple):
    """One setting; None where the run or its preset has none of that key."""

    key: str
    value: str | None
    usual: str | None
    changed: bool
    """Whether it is not as in the preset; false where that is not known."""


def setting_rows(
    own: Mapping[str, str],
    preset: Mapping[str, str] | None,
    words: str = "",
    *,
    only_changed: bool = False,
) -> list[SettingRow]:
    """Return the settings whose key or value has all of the words.

    Args:
        own: the run's.
        preset: its preset's; None: not known.
        words: parted by spaces, in any case; empty: all.
        only_changed: leave out what is as in the preset.
    """
    usual = preset or {}
    rows = []
    for key in dict.fromkeys([*own, *usual]):
        value, other = own.get(key), usual.get(key)
        changed = preset is not None and key not in NO_SETTING and value != other
        text = f"{key} {value} {other}".casefold()
        if all(word in text for word in words.casefold().split()) and (changed or not only_changed):
            rows.append(SettingRow(key, value, other, changed))
    return rows


def setting_lines(rows: Sequence[SettingRow], width: int) -> list[SpanLine]:
    """Return the settings, none of them cut: what is long goes on below.

    A changed one stands out, with a sign and the preset's value behind it.
    """
    widest = min(max((display_width(sanitise(row.key)) for row in rows), default=0), _MOST_KEY)
    return [line for row in rows for line in _lines(row, widest, width)]


def _lines(row: SettingRow, widest: int, width: int) -> list[SpanLine]:
    key = sanitise(row.key)
    head = f"{'*' if row.changed else ' '} {key}{' ' * max(0, widest - display_width(key))}  "
    value = "(left out)" if row.value is None else sanitise(row.value)
    usual = tr("left out") if row.usual is None else sanitise(row.usual)
    was = tr("   preset: {usual}", usual=usual) if row.changed else ""
    style = "strong" if row.changed else ""
    if display_width(head + value + was) <= width:
        return [(Span(head, "quiet"), Span(value, style), Span(was, "quiet"))]
    lines: list[SpanLine] = [(Span(head.rstrip(), "quiet"),)]
    lines += [(Span("    "), *line) for line in wrap_plain(value, width - 4, style)]
    if was:
        lines += [(Span("    "), *line) for line in wrap_plain(was.strip(), width - 4, "quiet")]
    return lines


def settings_text(rows: Sequence[SettingRow]) -> str:
    """Return settings as lines of TOML with dotted keys; what the run leaves out is left out."""
    return "".join(f"{row.key} = {row.value}\n" for row in rows if row.value is not None)
