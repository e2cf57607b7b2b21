import base64
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.errors import UsageError
from tuitrain.ui.clipboard import LIMIT_BYTES, copy_text, osc52

OSC = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")


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


def copy(
    text: str, path: Path, term: str = "xterm-256color", **environ: str
) -> tuple[str, list[str]]:
    written: list[str] = []
    told = copy_text(
        text, written.append, path, {**os.environ, "TERM": term, "TMUX": "", **environ}
    )
    return told, written


@pytest.mark.parametrize(
    ("text", "term", "environ", "said"),
    [
        ("a\n", "xterm-256color", {}, "sent to the terminal, which may refuse it; also in "),
        ("a\n", "tmux-256color", {"TMUX": "/nowhere/at/all,1,0"}, "which may refuse it; also in "),
        ("a\n", "linux", {}, "saved in "),
        ("x" * (LIMIT_BYTES + 1), "xterm-256color", {}, "saved in "),
    ],
)
def test_no_more_is_said_of_a_copy_than_is_known(
    tmp_path: Path, text: str, term: str, environ: dict[str, str], said: str
) -> None:
    path = tmp_path / "new" / "copied.txt"
    told, written = copy(text, path, term, **environ)
    assert said + str(path) in told
    assert bool(written) is told.startswith("sent")
    assert path.read_text() == text
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_can_not_be_written_leaves_what_else_there_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "copied.txt"
    assert copy("a", path)[0] == "sent to the terminal, which may refuse it"
    with pytest.raises(UsageError, match=r"can't be copied: no clipboard here, and .*copied.txt"):
        copy("a", path, "linux")
