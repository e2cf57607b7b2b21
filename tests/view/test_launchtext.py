import shlex

from hypothesis import given
from hypothesis import strategies as st

from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.launchtext import Outlook, command_lines, command_words, outlook_lines
from tuitrain.view.spans import SpanLine


def text(lines: list[SpanLine]) -> str:
    return "\n".join("".join(span.text for span in line) for line in lines)


def test_nothing_is_claimed_before_it_is_known() -> None:
    said = text(outlook_lines(Outlook(), 40, TerminalStyle()))
    assert "not measured yet" in said
    assert "warming up" in said


def test_steps_time_memory_and_device_are_told() -> None:
    outlook = Outlook(
        parameters=53_000,
        parts=(("weights", 2**20), ("one batch", 2**21), ("data", 0)),
        device="cuda:0",
        product="H200",
        free_bytes=2**30,
        total_steps=460,
        steps_per_epoch=23,
        pace_step_s=0.02,
        pace_of="digits-cnn-k3f",
        warm=True,
    )
    said = text(outlook_lines(outlook, 40, TerminalStyle(ascii=True)))
    for words in (
        "460, 23 an epoch",
        "about 9.2 s",
        "as in run digits-cnn-k3f",
        "53.0k",
        "3.00 MiB",
    ):
        assert words in said
    assert "1.00 GiB free" in said
    assert "cuda:0, H200" in said
    assert "  data" not in said
    assert said.isascii()


def test_what_does_not_fit_is_told_in_words() -> None:
    outlook = Outlook(parts=(("one batch", 2**31),), free_bytes=2**30)
    assert "does not fit" in text(outlook_lines(outlook, 60, TerminalStyle()))


def test_the_command_is_quoted_for_a_shell_and_cut_to_its_lines() -> None:
    words = command_words("my preset.toml", ["data.augment=[]"], name="x", data_dir="/d")
    assert words[-4:] == ["--name", "x", "--data-dir", "/d"]
    assert "'my preset.toml'" in text(command_lines(words, 200, 3))
    assert len(command_lines([*words, *["--set"] * 100], 40, 3)) == 3


@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1)))
def test_a_command_on_one_line_reads_back_as_its_words(words: list[str]) -> None:
    lines = command_lines(words, 10**6, 1)
    shown = text(lines).removeprefix("$ ")
    assert shlex.split(shown) == words
