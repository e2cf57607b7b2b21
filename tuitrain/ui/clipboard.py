"""Text to where the user can paste it from: tmux's buffer, the terminal's clipboard, a file.

No terminal answers whether it took a text, so only what is known is claimed. Knows nothing of what
is copied.
"""

import base64
import contextlib
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from tuitrain.errors import UsageError

_TMUX_S = 5.0
_NO_CLIPBOARD = frozenset({"", "dumb", "linux", "vt100", "vt220", "ansi", "cons25", "sun"})
"""These would show the sequence or part of it."""
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


def copy_text(
    text: str, write: Callable[[str], None], path: Path, environ: Mapping[str, str]
) -> str:
    """Copy a text as well as can be done here; return what was done with it, as `copied to ...`.

    tmux with its usual settings drops what a program within it sends to the clipboard, and takes
    the same from its own command, which sends it on to the terminal outside.

    Args:
        text: what to copy.
        write: writes to the terminal.
        path: a file that is written where it is not known whether the text can be pasted.
        environ: TMUX, STY and TERM tell what the terminal is and runs in.

    Raises:
        UsageError: it could be copied nowhere.
    """
    if environ.get("TMUX") and _into_tmux(text, environ):
        return "copied to tmux's buffer: prefix ] pastes"
    sent = ""
    if environ.get("TERM", "") not in _NO_CLIPBOARD:
        with contextlib.suppress(UsageError):
            write(osc52(text, environ))
            sent = "sent to the terminal, which may refuse it"
    try:
        _save(text, path)
    except OSError as error:
        if not sent:
            raise UsageError(f"can't be copied: no clipboard here, and {path}: {error}") from error
        return sent
    return f"{sent}; also in {path}" if sent else f"saved in {path}: no clipboard takes it here"


def _into_tmux(text: str, environ: Mapping[str, str]) -> bool:
    """Say whether the tmux that this runs in took a text; before tmux 3.2 there is no `-w`."""
    for options in (["-w"], []):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run(
                ["tmux", "load-buffer", *options, "-"],
                input=text.encode("utf-8", errors="replace"),
                env=dict(environ),
                capture_output=True,
                timeout=_TMUX_S,
                check=False,
            )
            if done.returncode == 0:
                return True
    return False


def _save(text: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(text.encode("utf-8", errors="replace"))
    draft.replace(path)
