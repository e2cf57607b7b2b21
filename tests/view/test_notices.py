import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.view.notices import notice_sequence

XTERM = {"TERM": "xterm-256color"}
texts = st.text(max_size=400)


@given(texts, texts)
def test_whatever_is_said_stays_within_the_sequence(title: str, text: str) -> None:
    nine = notice_sequence(title, text, "osc9", XTERM)
    assert re.fullmatch(r"\x1b\]9;[^\x00-\x1f\x7f-\x9f]*\x07", nine)
    desktop = notice_sequence(title, text, "osc777", XTERM)
    assert re.fullmatch(
        r"\x1b\]777;notify;[^\x00-\x1f\x7f-\x9f;]*;[^\x00-\x1f\x7f-\x9f;]*\x07", desktop
    )


@given(texts)
def test_through_tmux_it_is_wrapped_and_through_screen_it_is_short_enough(text: str) -> None:
    wrapped = notice_sequence("run", text, "osc9", {"TERM": "screen", "TMUX": "/tmp/x"})
    [inner] = re.fullmatch(r"\x1bPtmux;(.*)\x1b\\", wrapped).groups()
    assert inner.replace("\x1b\x1b", "\x1b") == notice_sequence("run", text, "osc9", XTERM)
    screen = notice_sequence("run", text, "osc777", {"TERM": "screen", "STY": "1.x"})
    assert screen.startswith("\x1bP\x1b]777;")
    assert screen.endswith("\x07\x1b\\")


@pytest.mark.parametrize(
    ("term", "begins"),
    [
        ("xterm-256color", "\x1b]9;"),
        ("xterm-kitty", "\x1b]9;"),
        ("foot", "\x1b]777;"),
        ("rxvt-unicode-256color", "\x1b]777;"),
        ("tmux-256color", "\x1bPtmux;"),
        ("linux", ""),
        ("vt100", ""),
        ("dumb", ""),
        ("", ""),
    ],
)
def test_auto_goes_by_the_terminals_name_and_is_silent_where_it_would_show(
    term: str, begins: str
) -> None:
    sequence = notice_sequence("run", "hang", "auto", {"TERM": term})
    assert sequence.startswith(begins)
    assert bool(sequence) == bool(begins)


def test_off_is_off() -> None:
    assert notice_sequence("run", "hang", "off", XTERM) == ""
