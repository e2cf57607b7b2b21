"""How pictures can be shown on a terminal, from what its environment says of it.

Pure functions of the environment; asks no terminal anything.
"""

from collections.abc import Mapping
from typing import Literal

Graphics = Literal["kitty", "sixel", "blocks", "ascii"]
Asked = Literal["auto", "kitty", "sixel", "blocks", "ascii"]
Depth = Literal[0, 16, 256, 24]
"""Colours of text: none, so many, or 24 bits of them."""

_KITTY_PROGRAMS = frozenset({"ghostty", "WezTerm"})
_KITTY_TERMS = ("xterm-kitty", "xterm-ghostty")
_SIXEL_TERMS = ("foot", "mlterm", "yaft", "contour")
_SIXEL_PROGRAMS = frozenset({"mintty", "contour"})


def colour_depth(environ: Mapping[str, str]) -> Depth:
    """Return how many colours the terminal has, by COLORTERM and TERM; none under NO_COLOR."""
    term = environ.get("TERM", "")
    if environ.get("NO_COLOR") or term in ("", "dumb", "unknown") or term.startswith("vt"):
        return 0
    if environ.get("COLORTERM") in ("truecolor", "24bit") or term.endswith("-direct"):
        return 24
    return 256 if "256color" in term or term.startswith(_KITTY_TERMS) else 16


def choose_graphics(
    asked: Asked | None, environ: Mapping[str, str], *, is_terminal: bool, is_ascii: bool
) -> Graphics:
    """Return how to draw: as asked, or what surely works where nothing was.

    Args:
        asked: `auto` takes the terminal's own graphics where its environment names a terminal that
            has them; None leaves those out.
        environ: of the terminal.
        is_terminal: whether what is written goes to one.
        is_ascii: whether it takes nothing but ASCII.
    """
    if asked is not None and asked != "auto":
        return asked
    if not is_terminal or not colour_depth(environ):
        return "ascii"
    if asked == "auto" and (own := _own_graphics(environ)):
        return own
    return "ascii" if is_ascii else "blocks"


def _own_graphics(environ: Mapping[str, str]) -> Graphics | None:
    """Return the terminal's own graphics; inside tmux or screen they may not come through."""
    if environ.get("TMUX") or environ.get("STY"):
        return None
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    has_kitty = environ.get("KITTY_WINDOW_ID") or program in _KITTY_PROGRAMS
    if has_kitty or term.startswith(_KITTY_TERMS):
        return "kitty"
    if program in _SIXEL_PROGRAMS or term.startswith(_SIXEL_TERMS):
        return "sixel"
    return None
