from tuitrain.view.keys import KeyFact, KeyGroup, key_lines, key_table
from tuitrain.view.spans import SpanLine, line_width

GROUPS = [
    KeyGroup("One", (KeyFact("up k", "up", "Go up."), KeyFact("|", "pipe", "A bar | here."))),
    KeyGroup("Two", (KeyFact("x", "delete", "Delete what is under the cursor for good. " * 3),)),
]


def shown(line: SpanLine) -> str:
    return "".join(span.text for span in line)


def test_keys_stand_in_columns_where_there_is_room() -> None:
    lines = [shown(line) for line in key_lines(GROUPS, 80)]
    assert lines[:3] == [
        "One",
        " up k  up      Go up.",
        " |     pipe    A bar | here.",
    ]
    assert all(line_width(line) <= 80 for line in key_lines(GROUPS, 80))


def test_sentences_stand_below_their_keys_where_there_is_none() -> None:
    lines = [shown(line).rstrip() for line in key_lines(GROUPS, 40)]
    assert lines[:3] == ["One", " up k  up", "    Go up."]
    assert all(line_width(line) <= 40 for line in key_lines(GROUPS, 40))


def test_markdown_survives_a_bar() -> None:
    table = key_table(GROUPS)
    assert "| `up` `k` | up | Go up. |" in table
    assert "| `\\|` | pipe | A bar \\| here. |" in table
