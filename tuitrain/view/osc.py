r"""Every control sequence that is written to a terminal: notices, clipboard, modes, pictures.

Pure functions that return what to write, through tmux and GNU screen too; nothing of what the text
is about.
"""

import base64
import re
import zlib
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Literal

from tuitrain.errors import UsageError
from tuitrain.view.format import sanitise, shorten
from tuitrain.view.images.cells import CellRow
from tuitrain.view.images.colours import number_of_16, number_of_256
from tuitrain.view.images.graphics import Depth
from tuitrain.view.images.pixels import Colour, Image

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
_PLAIN = "\x1b[0m"
_KITTY_CHUNK = 4096
"""The longest piece of a picture that kitty's protocol allows in one sequence."""


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


def coloured_cells(row: CellRow, depth: Depth) -> str:
    """Return a row of cells as text in the colours that the terminal has; without any if none.

    Args:
        row: of a picture.
        depth: of the terminal's colours.
    """
    if not depth:
        return "".join(cell.character for cell in row)
    parts = []
    for colours, cells in groupby(row, key=lambda cell: (cell.front, cell.back)):
        front, back = colours
        codes = [*_colour_codes(front, depth, 38), *_colour_codes(back, depth, 48)]
        text = "".join(cell.character for cell in cells)
        parts.append(f"\x1b[{';'.join(map(str, [0, *codes]))}m{text}")
    return "".join(parts) + _PLAIN


def _colour_codes(colour: Colour | None, depth: Depth, where: int) -> list[int]:
    """Return what sets a colour of the text (`where` 38) or behind it (48)."""
    if colour is None:
        return []
    if depth == 24:
        return [where, 2, *colour]
    if depth == 256:
        return [where, 5, number_of_256(colour)]
    number = number_of_16(colour)
    # 30 to 37 and 40 to 47 are the dark ones, 90 to 97 and 100 to 107 the bright ones.
    return [where - 8 + number if number < 8 else where + 52 + number - 8]


def kitty_image(image: Image, columns: int, rows: int, environ: Mapping[str, str]) -> str:
    """Return what shows a picture by kitty's graphics protocol, in so many cells at the cursor.

    Args:
        image: what to show.
        columns: cells that it fills from left to right.
        rows: cells from top to bottom.
        environ: TMUX, STY and TERM tell what the terminal runs in.
    """
    colours = b"".join(
        bytes(image.at(x, y)) for y in range(image.height) for x in range(image.width)
    )
    keys = f"a=T,f=24,o=z,s={image.width},v={image.height},c={columns},r={rows},q=2,"
    return _kitty(keys, zlib.compress(colours), environ)


PLACEHOLDER = "\U0010eeee"
"""A cell of kitty's pictures: which picture is told by the colour of its text."""
_DIACRITICS = (
    "\u0305\u030d\u030e\u0310\u0312\u033d\u033e\u033f\u0346\u034a\u034b\u034c\u0350\u0351\u0352\u0357"
    "\u035b\u0363\u0364\u0365\u0366\u0367\u0368\u0369\u036a\u036b\u036c\u036d\u036e\u036f\u0483\u0484"
    "\u0485\u0486\u0487\u0592\u0593\u0594\u0595\u0597\u0598\u0599\u059c\u059d\u059e\u059f\u05a0\u05a1"
    "\u05a8\u05a9\u05ab\u05ac\u05af\u05c4\u0610\u0611\u0612\u0613\u0614\u0615\u0616\u0617\u0657\u0658"
)
"""Numbers from 0 on, as kitty's protocol writes them: the row and the column of a cell."""
MOST_ROWS = len(_DIACRITICS)
"""Of a picture that is shown by placeholders."""


def placeholder(row: int, column: int) -> str:
    """Return the cell of a picture at a row and a column; the next needs neither."""
    return f"{PLACEHOLDER}{_DIACRITICS[row]}{_DIACRITICS[column]}"


def kitty_tile(png: bytes, number: int, columns: int, rows: int, environ: Mapping[str, str]) -> str:
    """Return what gives a terminal a picture that its placeholders show; one before it is gone.

    Args:
        png: the picture.
        number: its own, below 2**24: the colour of its placeholders.
        columns: cells that it fills from left to right.
        rows: cells from top to bottom.
        environ: TMUX, STY and TERM tell what the terminal runs in.
    """
    return _kitty(f"a=T,U=1,f=100,i={number},c={columns},r={rows},q=2,", png, environ)


def kitty_without(numbers: Iterable[int], environ: Mapping[str, str]) -> str:
    """Return what lets a terminal forget pictures by their numbers."""
    gone = (f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\" for number in numbers)
    return "".join(_passed_on(sequence, environ) for sequence in gone)


def _kitty(keys: str, content: bytes, environ: Mapping[str, str]) -> str:
    """Return a command of kitty's graphics protocol, in pieces of the size that it allows."""
    data = base64.b64encode(content).decode("ascii")
    pieces = [data[at : at + _KITTY_CHUNK] for at in range(0, len(data), _KITTY_CHUNK)]
    sequences = [
        f"\x1b_G{keys if not place else ''}m={int(place < len(pieces) - 1)};{piece}\x1b\\"
        for place, piece in enumerate(pieces)
    ]
    return "".join(_passed_on(sequence, environ) for sequence in sequences)


ASK_GRAPHICS = "\x1b_Gi=1,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[>0q\x1b[16t\x1b[c"
"""Does it know kitty's pictures, what is it called, how large are its cells; the last question
(DA1, with 4 among its answers for sixels) every terminal answers."""


def at_cell(x: int, y: int) -> str:
    """Return what moves the cursor to a cell, counted from 0."""
    return f"\x1b[{y + 1};{x + 1}H"


def sixel_image(body: str) -> str:
    """Return what shows a picture by sixels; what it leaves open stays as it is."""
    return f"\x1bP0;1;0q{body}\x1b\\"


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
