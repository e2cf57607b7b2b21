"""Text into the clipboard of the terminal that the user sits at, through tmux and screen too.

Writes escape sequences; knows nothing of what is copied.
"""

import base64
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tuitrain.errors import UsageError

if TYPE_CHECKING:
    from textual.app import App

LIMIT_BYTES = 100_000
"""What common terminals take at once."""
_SCREEN_CHUNK = 240
"""GNU screen drops a longer string within one of its control sequences."""


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
    term = environ.get("TERM", "")
    if environ.get("TMUX") or term.startswith("tmux"):
        inner = plain.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{inner}\x1b\\{plain}"
    if environ.get("STY") or term.startswith("screen"):
        pieces = (plain[at : at + _SCREEN_CHUNK] for at in range(0, len(plain), _SCREEN_CHUNK))
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return plain


def copy_text(app: "App[int]", text: str, environ: Mapping[str, str] = os.environ) -> None:
    """Write `text` to the clipboard of the app's terminal.

    Raises:
        UsageError: the text is too long for a terminal.
    """
    sequence = osc52(text, environ)
    # Textual's own way knows neither tmux nor screen; its driver is the only writer of the
    # terminal.
    if app._driver is not None:
        app._driver.write(sequence)
        app._driver.flush()
