"""Whether the terminal shows pictures, by kitty's protocol or sixels, and how large its cells are.

The terminal is asked before the interface has it, and not waited for longer than a moment; inside
tmux it is tmux that knows. Knows nothing of charts.
"""

import os
import re
import select
import subprocess
import termios
import time
import tty
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from tuitrain.ui.preferences import Wanted
from tuitrain.view.chart.pixels import CellPixels
from tuitrain.view.osc import ASK_GRAPHICS

Kind = Literal["kitty", "sixel"]

LIMIT_S = 0.5
"""A terminal at the other end of a slow connection answers within this."""
_TMUX_LIMIT_S = 1.0
_PLACEHOLDERS = re.compile(r"kitty|ghostty", re.IGNORECASE)
"""Terminals that show kitty's pictures in cells of text; others that know the protocol do not."""
_LAST = re.compile(rb"\x1b\[\?[0-9;]*c")
_TMUX_SAYS = "#{allow-passthrough}\t#{client_termtype} #{client_termname}\t#{client_termfeatures}"
_WIDEST = 12
"""Pixels of a cell: kitty scales pictures, and more than these are not seen."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How a terminal shows pictures."""

    kind: Kind | None
    cell: CellPixels = field(default_factory=CellPixels)
    why_not: str = ""
    """In words, where it does not."""


def choose(wanted: Wanted, environ: Mapping[str, str], input_: int, output: int) -> Shown:
    """Return how curves are drawn.

    Args:
        wanted: `auto` takes what the terminal says that it has; `kitty` and `sixel` are believed.
        environ: of the terminal.
        input_: its descriptor to read from.
        output: to write to.
    """
    if wanted == "off":
        return Shown(None)
    if environ.get("STY"):
        return Shown(None, why_not="GNU screen lets no pictures through")
    said = ask(input_, output, LIMIT_S)
    kind: Kind | None = None
    if wanted == "auto":
        kind = "kitty" if _has_kitty(said, environ) else "sixel" if _has_sixels(said) else None
        if kind is None:
            return Shown(None, why_not=_why_not(environ))
    else:
        kind = wanted
    if environ.get("TMUX") and kind == "kitty" and not _passes(environ, wanted):
        return Shown(None, why_not="tmux passes no pictures on: set -g allow-passthrough on")
    cell = _cell_of(said, output)
    if kind == "sixel" and cell is None:
        return Shown(None, why_not="the terminal does not say how large its cells are, for sixels")
    return Shown(kind, _scaled(cell) if kind == "kitty" else cell or CellPixels())


def ask(input_: int, output: int, limit_s: float) -> bytes:
    """Return what a terminal answers within a time; what came of it by then if that is over."""
    try:
        before = termios.tcgetattr(input_)
    except termios.error:
        return b""
    said = b""
    try:
        tty.setraw(input_, termios.TCSANOW)
        os.write(output, ASK_GRAPHICS.encode("ascii"))
        until = time.monotonic() + limit_s
        while not _LAST.search(said) and (left := until - time.monotonic()) > 0:
            if select.select([input_], [], [], left)[0]:
                part = os.read(input_, 4096)
                if not part:
                    break
                said += part
    finally:
        termios.tcsetattr(input_, termios.TCSANOW, before)
    return said


def _has_kitty(said: bytes, environ: Mapping[str, str]) -> bool:
    if environ.get("TMUX"):
        return _passes(environ, "auto")
    name = re.search(rb"\x1bP>\|([^\x1b]*)\x1b", said)
    called = name[1].decode("ascii", "replace") if name else environ.get("TERM", "")
    return b"\x1b_Gi=1;OK" in said and bool(_PLACEHOLDERS.search(called))


def _has_sixels(said: bytes) -> bool:
    last = _LAST.search(said)
    # The first number is the kind of terminal.
    return last is not None and b"4" in last[0][3:-1].split(b";")[1:]


def _why_not(environ: Mapping[str, str]) -> str:
    if environ.get("TMUX"):
        return (
            "tmux shows pictures of kitty and ghostty with `set -g allow-passthrough on` and RGB "
            "among its terminal features, and sixels from 3.4 on where it was built with them"
        )
    return "the terminal knows neither kitty's pictures in text nor sixels"


def _passes(environ: Mapping[str, str], wanted: Wanted) -> bool:
    """Return whether tmux lets pictures through to a terminal that shows them."""
    said = ""
    with suppress(OSError, subprocess.SubprocessError):
        command = ["tmux", "display-message", "-p", _TMUX_SAYS]
        if pane := environ.get("TMUX_PANE"):
            command[2:2] = ["-t", pane]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TMUX_LIMIT_S, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        said = done.stdout
    allowed, outside, features = (*said.strip("\n").split("\t"), "", "", "")[:3]
    if allowed not in ("on", "all", "1", "2"):
        return False
    return wanted == "kitty" or (bool(_PLACEHOLDERS.search(outside)) and "RGB" in features)


def _cell_of(said: bytes, output: int) -> CellPixels | None:
    """Return the size of a cell, as the terminal says or by the size of its window."""
    answer = re.search(rb"\x1b\[6;(\d+);(\d+)t", said)
    if answer and int(answer[1]) and int(answer[2]):
        return CellPixels(int(answer[2]), int(answer[1]))
    with suppress(OSError, termios.error):
        rows, columns = termios.tcgetwinsize(output)
        width, height = _pixels(output)
        if rows and columns and width and height:
            return CellPixels(width // columns, height // rows)
    return None


def _pixels(output: int) -> tuple[int, int]:
    import fcntl
    import struct

    packed = fcntl.ioctl(output, termios.TIOCGWINSZ, bytes(8))
    _rows, _columns, width, height = struct.unpack("HHHH", packed)
    return width, height


def _scaled(cell: CellPixels | None) -> CellPixels:
    """Return a size to draw at: that of the cells, where it is not larger than can be seen."""
    if cell is None:
        return CellPixels()
    if cell.width <= _WIDEST:
        return cell
    return CellPixels(_WIDEST, max(1, round(cell.height * _WIDEST / cell.width)))
