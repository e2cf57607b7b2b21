import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.errors import UsageError
from tuitrain.view.osc import LIMIT_BYTES, notice_sequence, osc52

OSC = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")

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


def decoded(sequence: str) -> str:
    match = OSC.fullmatch(sequence)
    assert match
    return base64.b64decode(match[1]).decode()


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=3000))
def test_any_text_reaches_a_plain_terminal_as_it_is(text: str) -> None:
    assert decoded(osc52(text, {"TERM": "xterm-256color"})) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=3000))
def test_any_text_passes_through_tmux_with_either_of_its_settings(text: str) -> None:
    sequence = osc52(text, {"TERM": "screen-256color", "TMUX": "/tmp/tmux-1/default,1,0"})
    wrapped, plain = re.fullmatch(r"\x1bPtmux;(.*)\x1b\\(\x1b\][^\x1b]*)", sequence).groups()
    assert decoded(wrapped.replace("\x1b\x1b", "\x1b")) == text
    assert decoded(plain) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=3000))
def test_any_text_passes_through_screen_in_strings_that_it_takes(text: str) -> None:
    sequence = osc52(text, {"TERM": "screen", "STY": "1.pts"})
    pieces = re.findall(r"\x1bP(.*?)\x1b\\", sequence, re.DOTALL)
    assert decoded("".join(pieces)) == text
    assert all(len(piece) <= 256 for piece in pieces)


def test_a_tmux_at_the_other_end_of_ssh_is_known_by_its_terminal_type() -> None:
    assert osc52("x", {"TERM": "tmux-256color"}).startswith("\x1bPtmux;")


def test_more_than_a_terminal_takes_is_refused_in_words() -> None:
    assert osc52("x" * LIMIT_BYTES, {})
    with pytest.raises(UsageError, match="100,001 bytes are too much"):
        osc52("x" * (LIMIT_BYTES + 1), {})
