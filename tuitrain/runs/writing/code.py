"""What was changed since the last commit where a run was started: recorded once, bounded in size.

Asks git, which may be missing; knows nothing of databases.
"""

import hashlib
import re
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 256 * 1024
"""Of a diff; what is longer is cut, and says so at its end."""
_LIMIT_S = 2.0
_CUT = "\n... cut here: the diff was longer than {:,} bytes\n"


@dataclass(frozen=True, slots=True)
class CodeChanges:
    """A checkout's changes of tracked files."""

    text: str
    """As `git diff HEAD` gives them; empty: there are none."""

    @property
    def words(self) -> str:
        """How many files and lines, and a few letters that differ where the changes do."""
        if not self.text:
            return "none"
        lines = self.text.splitlines()
        files = sum(line.startswith("diff --git ") for line in lines)
        added = sum(re.match(r"\+(?!\+\+ )", line) is not None for line in lines)
        removed = sum(re.match(r"-(?!-- )", line) is not None for line in lines)
        digest = hashlib.sha256(self.text.encode(errors="surrogateescape")).hexdigest()[:8]
        return f"{files} file{'s' * (files != 1)} +{added} -{removed} ({digest})"


def code_changes(folder: Path) -> CodeChanges | None:
    """Return what differs from the commit that is checked out; None outside git or without it.

    Neither programs that a checkout's settings name for diffs nor for texts are run.
    """
    command = ["git", "diff", "--no-color", "--no-ext-diff", "--no-textconv", "HEAD", "--"]
    try:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        return None
    timer = threading.Timer(_LIMIT_S, process.kill)
    timer.start()
    with process:
        found = process.stdout.read(MOST_BYTES + 1) if process.stdout is not None else b""
        if len(found) > MOST_BYTES:
            process.kill()
    timer.cancel()
    if len(found) > MOST_BYTES:
        cut = found[:MOST_BYTES].decode(errors="replace")
        return CodeChanges(cut + _CUT.format(MOST_BYTES))
    return CodeChanges(found.decode(errors="replace")) if process.returncode == 0 else None
