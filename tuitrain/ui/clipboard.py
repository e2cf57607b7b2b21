"""Text to where the user can paste it from: tmux's buffer, the terminal's clipboard, a file.

No terminal answers whether it took a text, so only what is known is claimed. Knows nothing of what
is copied.
"""

import contextlib
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from tuitrain.errors import UsageError
from tuitrain.ui.background import BackgroundWork
from tuitrain.view.osc import NO_OSC_TERMS, osc52
from tuitrain.whole_file import written_whole

_TMUX_S = 5.0


def copy_text(
    text: str, write: Callable[[str], object], path: Path, environ: Mapping[str, str]
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
    if environ.get("TERM", "") not in NO_OSC_TERMS:
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


class Copier:
    """Copies texts beside the screens."""

    def __init__(
        self,
        write: Callable[[str], object],
        path: Path,
        environ: Mapping[str, str],
        work: BackgroundWork,
    ) -> None:
        """Copy nothing yet; the arguments are those of `copy_text`, `work` is where it is done."""
        self._write = write
        self._path = path
        self._environ = environ
        self._work = work

    def copy(self, text: str, what: str) -> None:
        """Copy a text, and say where it is then; `what` is what it is called."""
        self._work.do(lambda: self._copy(text, what))

    def _copy(self, text: str, what: str) -> None:
        try:
            done = copy_text(text, self._write, self._path, self._environ)
        except UsageError as error:
            self._work.tell(f"{what} {error}", "warning")
        else:
            self._work.tell(f"{what} {done}")


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
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with written_whole(path) as draft, os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
        file.write(text.encode("utf-8", errors="replace"))
