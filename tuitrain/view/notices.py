r"""What makes a terminal show a desktop notice: OSC 9 and OSC 777, through tmux and screen too.

Pure functions that return what to write; nothing of what the text is about.
"""

from collections.abc import Mapping
from typing import Literal

from tuitrain.view.format import sanitise, shorten

Way = Literal["auto", "osc9", "osc777", "off"]

_NO_OSC = frozenset({"", "dumb", "linux", "vt100", "vt220", "ansi", "cons25", "sun", "unknown"})
"""These would show the sequence or part of it."""
_OSC777_TERMS = ("foot", "rxvt")
"""They know OSC 777 and not OSC 9."""
_MOST_CELLS = 200
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
    term = environ.get("TERM", "")
    if way == "auto":
        way = _way_of(term)
    if way == "off":
        return ""
    title, text = (sanitise(each).replace(";", ",") for each in (title, text))
    if way == "osc9":
        body = f"\x1b]9;{shorten(f'{title}: {text}', _MOST_CELLS)}\x07"
    else:
        body = f"\x1b]777;notify;{shorten(title, 60)};{shorten(text, _MOST_CELLS - 60)}\x07"
    if environ.get("TMUX") or term.startswith("tmux"):
        doubled = body.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{doubled}\x1b\\"
    if environ.get("STY") or term.startswith("screen"):
        return f"\x1bP{body}\x1b\\"
    return body


def _way_of(term: str) -> Way:
    if term in _NO_OSC:
        return "off"
    return "osc777" if term.startswith(_OSC777_TERMS) else "osc9"
