"""What can be done with a trained model: command lines as they can be typed."""

import shlex

import pytest

from tuitrain.errors import UsageError
from tuitrain.trained.uses import USES, Use, command_line, command_words


@pytest.mark.parametrize("use", USES, ids=lambda use: use.name)
def test_a_command_line_names_the_run_and_what_it_needs(use: Use) -> None:
    line = command_line(use, "r-1", "/my data/a.png", ("--runs-dir", "/some where"))
    words = shlex.split(line)
    assert words[0] == "tuitrain" and "r-1" in words
    assert ("/my data/a.png" in words) == bool(use.path)
    assert words[-2:] == ["--runs-dir", "/some where"]
    assert command_words(line) == words[1:]
    assert "{" not in line


def test_the_list_is_of_what_a_command_can_do() -> None:
    names = [use.name for use in USES]
    assert names == ["predict", "explain", "plot", "report", "export", "demo", "serve", "evaluate"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("rm -r /", "must begin with tuitrain"),
        ("tuitrain", "must begin with tuitrain and a command"),
        ("", "must begin with tuitrain"),
        ("tuitrain plot 'a", "a quotation mark has no end"),
    ],
)
def test_a_line_of_another_program_is_refused(line: str, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        command_words(line)
