import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from textual.color import Color

from tuitrain.ui.terminal import AsciiFilter, needs_ascii
from tuitrain.view.format import display_width

TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Mn", "Me", "Mc"]), max_size=40)


@given(TEXTS)
def test_any_text_becomes_ascii_of_the_same_width(text: str) -> None:
    [segment] = AsciiFilter(enabled=True).apply([Segment(text)], Color(0, 0, 0))
    assert segment.text.isascii()
    assert len(segment.text) == display_width(text)


@pytest.mark.parametrize(
    ("environ", "ascii"),
    [
        ({"LANG": "C.UTF-8", "TERM": "xterm"}, False),
        ({"LANG": "de_DE.utf8", "TERM": "tmux-256color"}, False),
        ({"LANG": "C", "TERM": "xterm-256color"}, True),
        ({"TERM": "xterm-256color"}, True),
        ({"LANG": "C.UTF-8", "TERM": "linux"}, True),
        ({"LANG": "C.UTF-8", "LC_ALL": "POSIX", "TERM": "xterm"}, True),
        ({"LANG": "C", "LC_CTYPE": "en_US.UTF-8", "TERM": "xterm"}, False),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8", "TERM": "xterm"}, True),
        ({"LC_CTYPE": "C.UTF-8", "TERM": "xterm"}, True),
    ],
)
def test_braille_is_drawn_only_where_the_locale_and_the_terminal_can_show_it(
    environ: dict[str, str], ascii: bool
) -> None:
    assert needs_ascii(environ) is ascii
