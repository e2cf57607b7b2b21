"""The terminal the interface was started in: what it can show, and leaving it as it was.

Everything that depends on Textual's or the terminal's version-specific behaviour is here.
"""

import contextlib
import os
import signal
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.color import Color
from textual.command import CommandList, CommandPalette
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import LineFilter
from textual.geometry import Region
from textual.widgets.option_list import OptionDoesNotExist

from tuitrain.errors import UsageError
from tuitrain.lang import tr
from tuitrain.view import osc
from tuitrain.view.format import display_width

_NO_BRAILLE_TERMS = frozenset({"linux", "vt100", "vt220", "ansi", "cons25", "sun"})

_ASCII_LOCALES = frozenset({"C", "POSIX"})
_COERCED = frozenset({"C.UTF-8", "C.utf8"})
"""What Python itself sets LC_CTYPE to in these locales (PEP 538), whatever the terminal."""

_REVERSED = Style(reverse=True)

_ASCII: dict[str, str] = {
    **dict.fromkeys("─━╌╍┄┅┈┉═╴╶╸╺⎯▁▔", "-"),
    **dict.fromkeys("│┃╎╏┆┇┊┋║╵╷╹╻▏▎▍▌▐▕▊▉", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝╠╣╦╩╬┏┓┗┛┣┫┳┻╋", "+"),
    **dict.fromkeys("█▓▒▇▆▅▄▃▂▀■◼●", "#"),
    **dict.fromkeys("•·∙○◌□", "."),
    **dict.fromkeys("→▶►❯›⇒", ">"),
    **dict.fromkeys("←◀◄❮‹⇐", "<"),
    **dict.fromkeys("↑▲⭘⌃", "^"),
    **dict.fromkeys("↓▼⌄⏷", "v"),
    "…": ".",
    "✓": "v",
    "✗": "x",
    "–": "-",
    "—": "-",
    "×": "x",
    " ": " ",
    "🔎": "> ",
}

_KEY_WORDS = {
    "↑": "up",
    "↓": "down",
    "←": "left",
    "→": "right",
    "⏎": "enter",
    "␣": "space",
    "⌫": "backspace",
    "⇥": "tab",
}
"""What stands on keys that have a picture on many keyboards; a picture in ASCII says nothing."""


def check_terminal(environ: Mapping[str, str] = os.environ) -> None:
    """Refuse to start where the interface can't be shown.

    Raises:
        UsageError: no terminal, or one that can't move its cursor.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "the interface needs a terminal and this is none; "
            "`tuitrain run PRESET` trains without one, `tuitrain --help` lists all commands"
        )
    if environ.get("TERM", "") in ("", "dumb", "unknown"):
        raise UsageError(
            f"TERM={environ.get('TERM', '')!r} can't show the interface; set TERM to what the "
            "terminal is, e.g. xterm-256color, or use `tuitrain run PRESET`"
        )


def needs_ascii(environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether the terminal can't be trusted to show anything but ASCII."""
    usual = environ.get("LANG") or "C"
    kind = environ.get("LC_CTYPE") or usual
    if usual in _ASCII_LOCALES and kind in _COERCED:
        kind = usual
    locale = environ.get("LC_ALL") or kind
    is_utf8 = "utf-8" in locale.lower() or "utf8" in locale.lower()
    return not is_utf8 or environ.get("TERM", "") in _NO_BRAILLE_TERMS


def key_words(shown: str) -> str:
    """Return what a key is called in words, e.g. `left/right` for arrows."""
    return "".join(_KEY_WORDS.get(character, character) for character in shown)


class AsciiFilter(LineFilter):
    """Replaces whatever is not ASCII in the very last step, whoever drew it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the same cells in ASCII."""
        del background
        return [
            segment if segment.text.isascii() else Segment(_to_ascii(segment.text), segment.style)
            for segment in segments
        ]


class ColourlessFilter(LineFilter):
    """Takes every colour away in the last step; what stood out by its background is reversed."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the same text without colours."""
        return [
            Segment(text, _colourless(style, background) if style else style, control)
            for text, style, control in segments
        ]


def _colourless(style: Style, background: Color) -> Style:
    plain = style.without_color
    if style.bgcolor is None or style.bgcolor.is_default:
        return plain
    behind = Color.from_rich_color(style.bgcolor)
    return plain + _REVERSED if abs(behind.brightness - background.brightness) > 0.25 else plain


def narrowed(update: RenderableType | None) -> RenderableType | None:
    """Return an update that sends changed cells alone.

    Textual 8.2 sends each changed part of a widget's row from the widget's left edge on.
    """
    if not isinstance(update, ChopsUpdate):
        return update
    return _NarrowUpdate(update.chops, update.spans, update.chop_ends)


class _NarrowUpdate(ChopsUpdate):
    def render_segments(self, console: Console) -> str:
        sequences: list[str] = []
        for y, first, last in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                left, right = max(x, first), min(end, last)
                if strip is not None and left < right:
                    sequences.append(Control.move_to(left, y).segment.text)
                    sequences.append(strip.crop(left - x, right - x).render(console))
        return "".join(sequences)


def followed(
    update: RenderableType | None, by: Callable[[Sequence[Region], bool], str]
) -> RenderableType | None:
    """Return an update after which more is written, within the same frame.

    Args:
        update: what Textual writes.
        by: returns what to write after that, told which parts of the screen it has written to,
            and whether the screen was laid out anew.
    """
    return _FollowedUpdate(update, by) if isinstance(update, CompositorUpdate) else update


class _FollowedUpdate(CompositorUpdate):
    def __init__(
        self, update: CompositorUpdate, by: Callable[[Sequence[Region], bool], str]
    ) -> None:
        self._update, self._by = update, by

    def render_segments(self, console: Console) -> str:
        laid_out = isinstance(self._update, LayoutUpdate)
        return self._update.render_segments(console) + self._by(self._regions(), laid_out)

    def _regions(self) -> list[Region]:
        if isinstance(self._update, LayoutUpdate):
            return [self._update.region]
        if isinstance(self._update, ChopsUpdate):
            return [Region(first, y, last - first, 1) for y, first, last in self._update.spans]
        return []


def _to_ascii(text: str) -> str:
    return "".join(
        character if character.isascii() else _ASCII.get(character, "?" * display_width(character))
        for character in text
    )


class Palette(CommandPalette):
    """Textual's list of commands, in the language that is spoken."""

    def _start_no_matches_countdown(self, search_value: str) -> None:
        super()._start_no_matches_countdown(search_value)
        self.set_timer(self._NO_MATCHES_COUNTDOWN, self._translate)

    def _translate(self) -> None:
        """Say in other words that nothing was found; Textual has no place for them."""
        found = self.query_one(CommandList)
        with contextlib.suppress(OptionDoesNotExist):
            found.replace_option_prompt(self._NO_MATCHES, tr("No matches found"))


def write_to(driver: Driver | None, sequence: str) -> None:
    """Write to the terminal; Textual's driver is its only writer."""
    if sequence and driver is not None:
        driver.write(sequence)
        driver.flush()


def switch_mouse(driver: Driver | None, wanted: bool) -> bool:
    """Let the terminal tell of the mouse, or have it to itself; return whether that was possible.

    Textual decides at its start alone: its driver does nothing about a mouse that it was not
    started with.
    """
    if not isinstance(driver, LinuxDriver):
        return False
    if wanted:
        driver._mouse = True
        driver._enable_mouse_support()
    else:
        driver._disable_mouse_support()
        driver._mouse = False
    return True


class TerminalGuard:
    """Keeps how the terminal was, to put it back after an ending that Textual does not handle."""

    def __init__(self) -> None:
        # Asked for now: while Textual runs, sys.stderr is its own.
        self._input, self._output = sys.stdin.fileno(), sys.stderr.fileno()
        self._saved: list[Any] | None = None
        with contextlib.suppress(termios.error):
            self._saved = termios.tcgetattr(self._input)

    def end_at_signals(self) -> None:
        """Let SIGHUP, SIGTERM and SIGINT end the process at once, the terminal restored.

        Plain handlers: in the event loop they would wait for a terminal that may be gone, and
        asyncio's own for SIGINT cancels a task, which one of Textual's may swallow. Ctrl-C is a
        key here and no signal.
        """
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def _end(self, number: int, _frame: object) -> None:
        self.restore()
        os._exit(128 + number)

    def restore(self) -> None:
        """Put modes, cursor and screen back; never waits for a terminal that does not read."""
        with contextlib.suppress(OSError):
            os.set_blocking(self._output, False)
            os.write(self._output, osc.RESTORE.encode())
        if self._saved is not None:
            with contextlib.suppress(termios.error, OSError):
                termios.tcsetattr(self._input, termios.TCSANOW, self._saved)
        with contextlib.suppress(OSError):
            # The descriptor is shared with the shell that started us.
            os.set_blocking(self._output, True)
