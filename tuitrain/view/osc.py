r"""Every control sequence that is written to a terminal: notices, clipboard, restored modes.

Pure functions that return what to write, through tmux and GNU screen too; nothing of what the text
is about.
"""

import base64
import re
from collections.abc import Mapping
from typing import Literal

from tuitrain.errors import UsageError
from tuitrain.view.format import sanitise, shorten

Way = Literal["auto", "osc9", "osc777", "off"]

BELL = "\x07"
CLEAR_TO_END = "\x1b[K"
RESTORE = (
    "\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l\x1b[?1004l"
    "\x1b[?2004l\x1b[?2026l\x1b[<u\x1b[0m\x1b[?7h\x1b[?1049l"
)
"""Cursor on, mouse reports off (all modes that Textual sets), focus and paste reports off, kitty's
key reports off, normal screen: in the order that leaves the cursor where the shell wants it."""
COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
"""What a program writes to colour its text."""

LIMIT_BYTES = 100_000
"""What common terminals take at once into their clipboard."""
NO_OSC_TERMS = frozenset(
    {"", "dumb", "linux", "vt100", "vt220", "ansi", "cons25", "sun", "unknown"}
)
"""These would show an operating system command or part of it."""
_OSC777_TERMS = ("foot", "rxvt")
"""They know OSC 777 and not OSC 9."""
_MOST_CELLS = 200
_SCREEN_CHUNK = 240
"""GNU screen drops a control string of more than 256 bytes."""


def notice_sequence(title: str, text: str, way: Way, environ: Mapping[str, str]) -> str:
    r"""Return what to write to the terminal so that the desktop shows a notice; maybe nothing.

    Inside tmux the sequence is wrapped, which needs its `allow-passthrough`; inside GNU screen it
    is passed on as a string of its own. Terminals that know neither sequence ignore it.

    Args:
        title: of what, e.g. a run's name.
        text: what is said of it.
        way: which sequence; `auto` goes by the terminal's name.
        environ: TERM, TMUX and STY tell what the terminal is and runs in.
    """
    if way == "auto":
        way = _way_of(environ.get("TERM", ""))
    if way == "off":
        return ""
    title, text = (sanitise(each).replace(";", ",") for each in (title, text))
    if way == "osc9":
        body = f"\x1b]9;{shorten(f'{title}: {text}', _MOST_CELLS)}\x07"
    else:
        body = f"\x1b]777;notify;{shorten(title, 60)};{shorten(text, _MOST_CELLS - 60)}\x07"
    return _passed_on(body, environ)


def osc52(text: str, environ: Mapping[str, str]) -> str:
    r"""Return what to write to the terminal so that `text` is in its clipboard.

    Inside tmux the sequence is sent twice: wrapped, which needs its `allow-passthrough`, and plain,
    which its `set-clipboard on` takes; with both the clipboard is set twice to the same. Inside
    GNU screen it is cut into pieces that each fit one of its strings.

    Args:
        text: what to copy.
        environ: TMUX, STY and TERM tell what the terminal runs in.

    Raises:
        UsageError: the text is too long for a terminal.
    """
    content = text.encode("utf-8", errors="replace")
    if len(content) > LIMIT_BYTES:
        raise UsageError(
            f"{len(content):,} bytes are too much to copy: terminals take up to {LIMIT_BYTES:,}"
        )
    plain = f"\x1b]52;c;{base64.b64encode(content).decode('ascii')}\x07"
    sent = _passed_on(plain, environ)
    return f"{sent}{plain}" if _in_tmux(environ) else sent


def _way_of(term: str) -> Way:
    if term in NO_OSC_TERMS:
        return "off"
    return "osc777" if term.startswith(_OSC777_TERMS) else "osc9"


def _in_tmux(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("TMUX")) or environ.get("TERM", "").startswith("tmux")


def _passed_on(sequence: str, environ: Mapping[str, str]) -> str:
    """Return a sequence so that what the terminal runs in passes it to the terminal outside."""
    if _in_tmux(environ):
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{doubled}\x1b\\"
    if environ.get("STY") or environ.get("TERM", "").startswith("screen"):
        starts = range(0, len(sequence), _SCREEN_CHUNK)
        return "".join(f"\x1bP{sequence[at : at + _SCREEN_CHUNK]}\x1b\\" for at in starts)
    return sequence
