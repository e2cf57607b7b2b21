"""Where the records of watched logs are kept: in the user's cache, never beside a log.

A record is known by its log's real path; what was asked for is a folder of links to such records,
so that a log that is watched by two ways is read once.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tuitrain.errors import FolderError
from tuitrain.foreign.find import FoundLog
from tuitrain.runs.directory import RunDirectory

_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_CHARACTERS = 48


def cache_root(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of all watched logs: $TUITRAIN_WATCHED, else in the user's cache."""
    import platformdirs

    named = environ.get("TUITRAIN_WATCHED")
    return Path(named).expanduser() if named else platformdirs.user_cache_path("tuitrain") / "watch"


def record_of(cache: Path, log: FoundLog) -> RunDirectory:
    """Return the record that follows a log."""
    place = f"{log.path}\n{log.part}" if log.part else str(log.path)
    return RunDirectory(cache / "logs" / _digest(f"{log.kind}\n{place}"))


def view_of(cache: Path, paths: Iterable[Path]) -> Path:
    """Return the folder in which the runs at these paths are listed."""
    real = sorted(str(path.resolve()) for path in paths)
    return cache / "views" / _digest("\n".join(real))


def link_record(view: Path, log: FoundLog, record: RunDirectory) -> RunDirectory:
    """List a record in a view; return it as it is found there.

    Raises:
        FolderError: the folder can't be written.
    """
    readable = _UNFIT.sub("-", log.name).strip("-.")[-_NAME_CHARACTERS:].strip("-.") or "log"
    listed = RunDirectory(view / f"{readable}-{record.id[:6]}")
    try:
        view.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not listed.path.is_symlink():
            listed.path.symlink_to(Path(os.path.relpath(record.path, view)))
    except FileExistsError:
        return listed
    except OSError as error:
        raise FolderError.of(view, error, "can't be written") from error
    return listed


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:20]
