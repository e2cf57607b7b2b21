"""What of two runs' code is not the same, as lines of a diff.

Of each run its commit is on record and what was changed since; between two commits git is asked,
in the folder that the run was started in.
"""

import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

from tuitrain.errors import RecordError
from tuitrain.runs.directory import RunDirectory

_LIMIT_S = 30.0
_HEAD = "diff --git "


def code_difference(
    before: RunDirectory, now: RunDirectory, metas: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> Iterator[str]:
    """Yield lines: what lies between their commits, then what only one had changed since.

    Args:
        before: the earlier run.
        now: the other one.
        metas: what is on record of each as a whole.

    Raises:
        RecordError: the changes of a run can't be read.
    """
    commits = [str(meta.get("git_commit") or "") for meta in metas]
    if commits[0] != commits[1]:
        yield f"# between their commits, {_named(commits[0])} and {_named(commits[1])}"
        yield from _between(commits[0], commits[1], str(metas[1].get("cwd") or "."))
    changes = [_files(_text(directory)) for directory in (before, now)]
    for own, others, directory in (
        (changes[0], changes[1], before), (changes[1], changes[0], now)
    ):  # fmt: skip
        only = [text for name, text in own.items() if others.get(name) != text]
        if only:
            yield f"# changed since its commit by {directory.id} alone, or otherwise"
        for text in only:
            yield from text.splitlines()


def _named(commit: str) -> str:
    return commit[:12] or "none on record"


def _between(old: str, new: str, folder: str) -> Iterator[str]:
    if not old or not new:
        return
    command = ["git", "-C", folder, "diff", "--no-color", "--no-ext-diff", old, new]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_LIMIT_S,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        yield f"# git can't be asked in {folder}: {error}"
        return
    if done.returncode:
        yield f"# git can't tell in {folder}: {' '.join(done.stderr.split())}"
    yield from done.stdout.splitlines()


def _text(directory: RunDirectory) -> str:
    try:
        return directory.code_diff_path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise RecordError(f"{directory.code_diff_path}: {error.strerror or error}") from error


def _files(text: str) -> dict[str, str]:
    """Return the changes of each file, by the line that begins them."""
    found: dict[str, str] = {}
    for part in text.split(f"\n{_HEAD}"):
        if part.strip():
            head = part.removeprefix(_HEAD)
            found[head.partition("\n")[0]] = f"{_HEAD}{head}" if _HEAD in text else part
    return found
