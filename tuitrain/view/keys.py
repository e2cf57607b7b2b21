"""Keys and what they do as lines of text and as Markdown.

Plain values in, text out; knows nothing of bindings or of screens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tuitrain.lang import key_word, tr
from tuitrain.view.format import display_width, pad, wrap
from tuitrain.view.spans import Span, SpanLine

_SENTENCE = 40
"""Cells that a sentence beside its key should have."""


@dataclass(frozen=True, slots=True)
class KeyFact:
    """One action."""

    keys: str
    """As they are called on a keyboard, e.g. `up k`."""
    name: str
    text: str
    """A sentence."""


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """The actions of one screen or widget."""

    title: str
    facts: tuple[KeyFact, ...]


def key_lines(groups: Sequence[KeyGroup], width: int) -> list[SpanLine]:
    """Return the keys of all groups, sentences wrapped at `width` cells."""
    facts = [fact for group in groups for fact in group.facts]
    keys = max((display_width(fact.keys) for fact in facts), default=0)
    names = max((display_width(fact.name) for fact in facts), default=0)
    lines: list[SpanLine] = []
    for group in groups:
        lines += [(), (Span(group.title, "title"),)] if lines else [(Span(group.title, "title"),)]
        for fact in group.facts:
            lines += _fact_lines(fact, keys, names, width)
    return lines


def _fact_lines(fact: KeyFact, keys: int, names: int, width: int) -> list[SpanLine]:
    """Return an action in three columns, or with its sentence below where that is too narrow."""
    head = (Span(f" {pad(fact.keys, keys)}  ", "key"), Span(f"{pad(fact.name, names)}  ", "strong"))
    beside = width >= keys + names + _SENTENCE
    indent = keys + names + 5 if beside else 4
    sentence = wrap(fact.text, max(12, width - indent))
    lines = [(Span(" " * indent), Span(text, "quiet")) for text in sentence]
    if beside and lines:
        return [(*head, lines[0][1]), *lines[1:]]
    return [head, *lines]


def key_table(groups: Sequence[KeyGroup]) -> str:
    """Return the same as Markdown, a table a group."""
    parts = []
    for group in groups:
        rows = [
            f"| {_code(fact.keys)} | {fact.name} | {_cell(fact.text)} |" for fact in group.facts
        ]
        parts.append(
            "\n".join(
                [
                    f"**{group.title}**",
                    "",
                    f"| {key_word('key')} | {tr('action')} | |",
                    "| --- | --- | --- |",
                    *rows,
                ]
            )
        )
    return "\n\n".join(parts)


def _code(keys: str) -> str:
    return " ".join(f"`{_cell(key)}`" for key in keys.split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
