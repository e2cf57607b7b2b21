"""What a command wrote, and how it ended."""

import signal

import pytest

from tuitrain.view.results.commands import ending_line, output_lines
from tuitrain.view.spans import line_width, plain_text


def test_output_is_harmless_keeps_its_columns_and_is_wrapped() -> None:
    output = ["a   b", "\x1b[31mred", "x" * 50, ""]
    lines = output_lines(output, 40)
    text = [plain_text(line) for line in lines]
    assert text[:2] == ["a   b", "\\x1b[31mred"]
    assert max(map(line_width, lines)) <= 40
    assert "".join(text[2:]).count("x") == 50


@pytest.mark.parametrize(("code", "fault", "words"), [
    (None, "", "running ..."),
    (0, "", "done after 2.0 s"),
    (2, "", "ended after 2.0 s with exit code 2"),
    (-signal.SIGKILL, "", "ended by signal after 2.0 s: Killed"),
    (None, "no process", "no process"),
])  # fmt: skip
def test_the_ending_is_a_sentence(code: int | None, fault: str, words: str) -> None:
    (line,) = ending_line(code, 2.0, fault, 60)
    assert plain_text(line) == words
